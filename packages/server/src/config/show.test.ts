import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from './load.ts';
import { configYaml, flags } from './show.ts';

const loaded = {
  ...parseConfig(
    `store: { sealGrace: 90s, s3: { accessKeyId: u, secretAccessKey: hunter9 } }
scrape:
  configs:
    - job_name: a
      basic_auth: { username: u, password: hunter2 }
      static_configs: [{ targets: ['h:1'] }]
    - job_name: b
      authorization: { credentials: hunter3 }
    - job_name: c
      bearer_token: hunter4
      tls_config: { cert: c, key: hunter5 }
registry: { url: 'http://u:hunter7@registry:8081', password: hunter8 }
notifier:
  webhooks: [{ name: w, url: 'https://hooks.example.org/hunter6' }]
`,
    'tidemark.yaml',
    { env: {} },
  ),
  file: 'tidemark.yaml',
};

test('what is shown can be read back, durations with their unit', () => {
  const shown = parse(configYaml(loaded)) as Record<string, unknown>;
  expect(shown).toMatchObject({
    store: { sealGrace: '1m30s', retentionRaw: '1w' },
    http: { listen: '127.0.0.1:9470' },
  });
  const { config } = parseConfig(configYaml(loaded).replace(/url: <secret>/, 'url: http://x'), 'again', { env: {} });
  const { s3 } = loaded.config.store;
  expect(config.store).toEqual({ ...loaded.config.store, s3: { ...s3, secretAccessKey: '<secret>' } });
});

test('secrets are hidden, in YAML and in flags', () => {
  for (const text of [configYaml(loaded), JSON.stringify(flags(loaded))]) {
    expect(text).not.toMatch(/hunter\d/);
    expect(text).toContain('<secret>');
  }
  expect(flags(loaded)).toMatchObject({ 'storage.tsdb.retention.time': '1w', 'config.file': 'tidemark.yaml' });
});
