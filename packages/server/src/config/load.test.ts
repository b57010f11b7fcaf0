import { expect, test } from 'vitest';
import { explainConfig } from './explain.ts';
import { LEAVES } from './leaves.ts';
import { loadConfig, parseConfig, strangeVariables } from './load.ts';
import { nearestOf } from './nearest.ts';
import { retentionOf, rulesOf } from './retention.ts';
import { configJsonSchema } from './schema.ts';

const load = (text: string, env: Record<string, string> = {}) => parseConfig(text, 'tidemark.yaml', { env });

test('nothing written: the conventions', () => {
  const { config } = load('');
  expect(config.http.listen).toBe('127.0.0.1:9470');
  expect(config.data).toBe('./data');
  expect(config.collector.host).toBe(true);
  expect(config.store.retentionRaw).toBe(7 * 86_400_000);
});

test('the environment overrides the file, by section and key', () => {
  const { config, origins } = load('http:\n  listen: 127.0.0.1:1\ncollector:\n  host: true\n', {
    TIDEMARK_HTTP_LISTEN: '127.0.0.1:2',
    TIDEMARK_COLLECTOR_HOST: 'false',
    TIDEMARK_TESTING_CLOCK_RATE: '60',
    TIDEMARK_DATA: '/srv/tidemark',
    TIDEMARK_RULES_FILES: 'a.yaml, b.yaml',
  });
  expect(config.http.listen).toBe('127.0.0.1:2');
  expect(config.collector.host).toBe(false);
  expect(config.testing.clockRate).toBe(60);
  expect(config.data).toBe('/srv/tidemark');
  expect(config.rules.files).toEqual(['a.yaml', 'b.yaml']);
  expect(origins.get('http.listen')).toBe('TIDEMARK_HTTP_LISTEN');
});

test.each([
  ['htpt:\n  listen: 127.0.0.1:1\n', 'tidemark.yaml:1: there is no setting htpt; did you mean http?'],
  ['http:\n  lisen: x\n', 'tidemark.yaml:2: there is no setting http.lisen; did you mean http.listen?'],
  ['\nhttp:\n  listen: nowhere\n', 'tidemark.yaml:3: http.listen: must be host:port, for example 127.0.0.1:9470'],
  [
    'store:\n  sealGrace: 10 minutes\n',
    'tidemark.yaml:2: store.sealGrace: "10 minutes" is no duration; write it like 15s, 5m or 1h30m',
  ],
  ['log:\n  partitions: 0\n', 'tidemark.yaml:2: log.partitions: '],
  ['http: [\n', 'tidemark.yaml:'],
  [
    'scrape:\n  configs:\n    - job_name: a\n      scrape_intervall: 5s\n',
    'tidemark.yaml:4: scrape.configs.0.scrape_intervall: ',
  ],
  ['scrape:\n  configs:\n    - static_configs: []\n', 'tidemark.yaml:3: scrape.configs.0'],
  ['http:\n  listen: 127.0.0.1:1\nhttp:\n  listen: 127.0.0.1:2\n', 'Map keys must be unique'],
  ['- a\n', 'tidemark.yaml:1: the configuration must be a mapping'],
  [
    'notifier:\n  webhooks:\n    - name: a\n      url: not-a-url\n',
    'tidemark.yaml:4: notifier.webhooks.0.url: must begin',
  ],
  ['registry:\n  url: localhost:8081\n', 'tidemark.yaml:2: registry.url: must begin with http:// or https://'],
  ['store:\n  s3:\n    endpoint: minio:9000\n', 'tidemark.yaml:3: store.s3.endpoint: must begin with http:// or'],
  ['query:\n  stores:\n    - http://a:1\n    - b:1\n', 'tidemark.yaml:4: query.stores.1: must begin with http:// or'],
  [
    'kafka:\n  brokers:\n    - a:9092\n    - b:99999\n',
    'tidemark.yaml:4: kafka.brokers.1: the port must be from 1 to 65535',
  ],
  ['kafka:\n  brokers: [a:0]\n', 'tidemark.yaml:2: kafka.brokers.0: the port must be from 1 to 65535'],
  ['kafka:\n  brokers: [kafka]\n', 'tidemark.yaml:2: kafka.brokers.0: must be host:port, for example kafka:9092'],
  ['http:\n  listen: a:65536\n', 'tidemark.yaml:2: http.listen: the port must be at most 65535'],
  ['store:\n  objects: gs://bucket\n', 'tidemark.yaml:2: store.objects: must be a folder, s3://bucket or s3://'],
  ['store:\n  objects: s3:/bucket\n', 'tidemark.yaml:2: store.objects: must be a folder, s3://bucket or s3://'],
  ['store:\n  objects: S3://Bucket\n', 'tidemark.yaml:2: store.objects: must be a folder, s3://bucket or s3://'],
  [
    "store:\n  retentionRules:\n    - metric: up\n      raw: 1d\n    - metric: 'a('\n      raw: 1d\n",
    'tidemark.yaml:5: store.retentionRules.1.metric: the regex "a(" of __name__ is invalid',
  ],
  ['store:\n  retentionRules:\n    - metric: up\n      raw: 1 day\n', 'tidemark.yaml:4: store.retentionRules.0.raw: '],
  [
    'store:\n  retentionRules:\n    - metric: up\n      raw: 10m\n',
    'tidemark.yaml:4: store.retentionRules.0.raw: must be at least 1h',
  ],
  [
    'store:\n  retentionRules:\n    - tenant: a\n',
    'tidemark.yaml:3: store.retentionRules.0: says nothing of how long; give raw, 1m or 1h',
  ],
  [
    'store:\n  retentionRules:\n    - tenant: a\n      5m: 1d\n',
    'tidemark.yaml:4: there is no setting store.retentionRules.0.5m',
  ],
])('a mistake names file, line and the nearest key: %j', (text, message) => {
  expect(() => load(text)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
  );
});

test.each([
  ['S3://bucket/Prefix', 's3://bucket/Prefix'],
  ['s3://bucket', 's3://bucket'],
  ['/srv/objects', '/srv/objects'],
  ['C:/objects', 'C:/objects'],
  ['', ''],
])('store.objects: %j is %j', (written, objects) => {
  expect(load(`store:\n  objects: '${written}'\n`).config.store.objects).toBe(objects);
});

test('rules of retention, from the file or a variable', () => {
  const rules = "[{metric: 'debug_.*', raw: 1d}, {tenant: archive, raw: 30d, 1m: 1y}]";
  const { store } = load(`store:\n  retentionRules: ${rules}\n`).config;
  const day = 86_400_000;
  expect(rulesOf(store)).toEqual([
    { tenant: undefined, metric: 'debug_.*', keepMs: { raw: day } },
    { tenant: 'archive', metric: undefined, keepMs: { raw: 30 * day, '1m': 365 * day } },
  ]);
  const shown = explainConfig({ ...load(`store:\n  retentionRules: ${rules}\n`), file: 'tidemark.yaml' });
  expect(shown).toContain(
    'store.retentionRules: [{"metric":"debug_.*","raw":"1d"},{"tenant":"archive","raw":"30d","1m":"1y"}]',
  );
  expect(retentionOf(store).of('archive', 'up', '1h')).toBe(365 * day);
  const env = { TIDEMARK_STORE_RETENTION_RULES: '[{"metric":"debug_.*","raw":"1d"}]' };
  expect(rulesOf(load('', env).config.store)[0]?.keepMs).toEqual({ raw: day });
});

test('a bad variable is named, not the file', () => {
  expect(() => load('', { TIDEMARK_LOG_PARTITIONS: 'many' })).toThrow('TIDEMARK_LOG_PARTITIONS: "many" is no number');
  expect(() => load('', { TIDEMARK_HTTP_LISTEN: 'x' })).toThrow('TIDEMARK_HTTP_LISTEN: http.listen: must be host:port');
});

test('a list that is no list, a word that is near: one sentence each', () => {
  expect(() => load('', { TIDEMARK_NOTIFIER_WEBHOOKS: '[{' })).toThrow('TIDEMARK_NOTIFIER_WEBHOOKS: "[{" is no array');
  expect(() => load('', { TIDEMARK_ROLES: 'store,colect' })).toThrow(
    'TIDEMARK_ROLES: roles.1: there is no colect; did you mean collect?',
  );
  expect(() => load('logging:\n  level: loud\n')).toThrow(
    'tidemark.yaml:2: logging.level: there is no loud; it is one of debug, info, warn, error',
  );
});

test('a variable that is no setting is noticed', () => {
  expect(strangeVariables({ TIDEMARK_HTTP_LISEN: 'x', TIDEMARK_CONFIG: 'x', TIDEMARK_DATA: 'x', HOME: 'x' })).toEqual([
    'TIDEMARK_HTTP_LISEN is no setting and does nothing; did you mean TIDEMARK_HTTP_LISTEN?',
  ]);
  expect(strangeVariables({ TIDEMARK_PORT: 'tcp://10.0.0.1:80' })[0]).toMatch(/^TIDEMARK_PORT is no setting/);
});

test('explain shows value, origin and variable of every setting', () => {
  const text = explainConfig({ ...load('http:\n  listen: 127.0.0.1:1\n'), file: 'tidemark.yaml' });
  expect(text).toContain('# tidemark.yaml:2; override with TIDEMARK_HTTP_LISTEN\nhttp.listen: "127.0.0.1:1"');
  expect(text).toContain('store.retentionRaw: "1w"');
  for (const leaf of LEAVES) {
    expect(text).toContain(leaf.variable);
    expect(leaf.about).not.toBe('');
  }
});

test('the JSON Schema is for what a person writes', () => {
  expect(configJsonSchema()).toMatchObject({
    type: 'object',
    properties: { http: { properties: { listen: { type: 'string' } } } },
  });
});

test('nearestOf finds a slip of the finger and nothing far away', () => {
  expect(nearestOf('colector', ['collector', 'query'])).toBe('collector');
  expect(nearestOf('kubernetes', ['collector', 'query'])).toBeUndefined();
});

test('an empty TIDEMARK_CONFIG names no file', async () => {
  expect((await loadConfig({ env: { TIDEMARK_CONFIG: '' } })).file).toBeUndefined();
});
