import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  sharedKafka,
  sharedSchemaRegistry,
  startS3,
  startTidemark,
  type Tidemark,
  tempFolder,
} from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { EXAMPLE_METRIC, runExample } from './examples.ts';
import { ask, type RowSeries, samples, until, vector } from './http.ts';
import { rowsOf } from './row-oracle.ts';
import { webhook } from './webhook.ts';

// One metric the whole way over real parts, each role a process of its own:
//
//   Avro producers ──▶ samples ─▶ repartition ─▶ raw ─▶ rollup ─▶ 1m ─▶ store ─▶ segments in S3
//                                                  └──────────────────▶ store ─▶ query
//                                                                         └────▶ rules ─▶ alerts ─▶ notify ─▶ webhook

const RULES = `
groups:
  - name: whole-path
    interval: 1s
    rules:
      - alert: TooHot
        expr: whole_path_temperature > 30
        labels: { severity: page }
        annotations: { summary: 'it is {{ $value }} degrees at {{ $labels.place }}' }
`;

const MINUTE_MS = 60_000;
const EXAMPLE_SAMPLES = 3;
// Without a default its field cannot be read from what was written before, nor can readers of before do without `name`.
const INCOMPATIBLE = JSON.stringify({
  type: 'record',
  name: 'Sample',
  namespace: 'io.tidemark',
  fields: [{ name: 'shop', type: 'string' }],
});

test('from an Avro producer to an answer, a row, a webhook and a segment in S3, every role a process', {
  timeout: 240_000,
}, async () => {
  const [kafka, registry] = await Promise.all([sharedKafka(), sharedSchemaRegistry()]);
  await using cleanup = new AsyncDisposableStack();
  const s3 = cleanup.use(await startS3());
  const hook = cleanup.use(await webhook());
  const folder = cleanup.use(await tempFolder('roles'));
  const rules = join(folder.path, 'rules.yaml');
  await writeFile(rules, RULES);
  const prefix = `roles-${process.pid}`;
  const common: Record<string, string> = {
    TIDEMARK_LOG_KIND: 'kafka',
    TIDEMARK_LOG_TOPIC_PREFIX: prefix,
    TIDEMARK_KAFKA_BROKERS: kafka.bootstrap.join(','),
    TIDEMARK_KAFKA_REPLICATION_FACTOR: '1',
  };
  const start = async (role: string, env: Record<string, string> = {}): Promise<Tidemark> =>
    cleanup.use(await startTidemark({ args: ['--roles', role], env: { ...common, ...env }, readyMs: 60_000 }));
  const store = await start('store', {
    TIDEMARK_STORE_OBJECTS: `s3://${s3.bucket}/${s3.prefix}`,
    TIDEMARK_STORE_S3_ENDPOINT: s3.endpoint,
    TIDEMARK_STORE_S3_REGION: s3.region,
    TIDEMARK_STORE_S3_ACCESS_KEY_ID: s3.accessKeyId,
    TIDEMARK_STORE_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
  });
  const asks = { TIDEMARK_QUERY_STORES: store.url };
  const [query] = await Promise.all([
    start('query', asks),
    start('repartition', { TIDEMARK_REGISTRY_URL: registry.url }),
    start('rollup'),
    start('rules', { ...asks, TIDEMARK_RULES_FILES: rules }),
    start('notify', { TIDEMARK_NOTIFIER_WEBHOOK_URL: hook.url, TIDEMARK_NOTIFIER_GROUP_WAIT: '0s' }),
  ]);

  // The programs of examples/, whose clients and serializers are not ours, while the rest goes on.
  const topic = `${prefix}.samples`;
  const place = { bootstrap: kafka.bootstrap.join(','), registryUrl: registry.url, topic };
  const examples = Promise.all([runExample.java(place, EXAMPLE_SAMPLES), runExample.python(place, EXAMPLE_SAMPLES)]);
  examples.catch(() => undefined); // awaited below

  const produce = async (name: string, points: readonly { timestampMs: number; value: number }[]) => {
    const program = join(import.meta.dirname, 'avro-producer.ts');
    const args = ['--no-warnings', program, place.bootstrap, registry.url, topic];
    const producer = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    producer.stdin.end(`${JSON.stringify({ name, labels: { place: 'hall' }, samples: points })}\n`);
    expect(await once(producer, 'exit')).toEqual([0, null]);
  };

  // An answer, and a notice.
  const now = Date.now();
  await produce('whole_path_temperature', [{ timestampMs: now, value: 35 }]);
  const values = async () => (await vector(query.url, 'whole_path_temperature')).map(({ value }) => value[1]);
  await until('the answer', 30_000, async () => ((await values()).join() === '35' ? true : undefined));
  const firing = await until('a firing notice', 60_000, async () =>
    hook.notices.find((notice) => notice.status === 'firing'),
  );
  expect(firing.alerts[0]).toMatchObject({
    labels: { alertname: 'TooHot', place: 'hall', severity: 'page' },
    annotations: { summary: 'it is 35 degrees at hall' },
  });

  // Rows: windows close when the time of the samples has passed them.
  const base = Math.floor(now / MINUTE_MS) * MINUTE_MS - 60 * MINUTE_MS;
  const points = Array.from({ length: 240 }, (_, i) => ({ timestampMs: base + i * 15_000, value: (i * 7) % 11 }));
  await produce('whole_path_load', points);
  const wanted = rowsOf(points).slice(0, 30);
  await until('rows equal to the plain computation', 60_000, async () => {
    const [series] = await ask<readonly RowSeries[]>(query.url, 'rows', {
      'match[]': 'whole_path_load',
      resolution: '1m',
    });
    const found = series?.rows
      .slice(0, wanted.length)
      .map((row) => [row.end, row.count, Number(row.sum), Number(row.min), Number(row.max), Number(row.increase)]);
    const oracle = wanted.map((row) => [row.end, row.count, row.sum, row.min, row.max, row.increase]);
    return JSON.stringify(found) === JSON.stringify(oracle) ? true : undefined;
  });

  // Hours old: its window is over, so a flush seals it, and nothing local is needed for it.
  const old = now - 6 * 60 * MINUTE_MS;
  const history = Array.from({ length: 200 }, (_, i) => ({ timestampMs: old + i * 1000, value: i / 4 }));
  await produce('whole_path_history', history);
  const readBack = async () => {
    const [series] = await samples(query.url, 'whole_path_history', '1h', old + 30 * MINUTE_MS);
    return series?.values.map(([seconds, value]) => ({
      timestampMs: Math.round(seconds * 1000),
      value: Number(value),
    }));
  };
  await until('the history', 30_000, async () => ((await readBack())?.length === 200 ? true : undefined));
  const flushed = await fetch(`${store.url}/api/v1/admin/flush`, { method: 'POST' });
  expect(flushed.status, await flushed.text()).toBe(200);
  await store.stop();
  await rm(join(store.dataFolder, 'store'), { recursive: true });
  await store.restart();
  await until('the store is back', 60_000, async () => ((await readBack()) === undefined ? undefined : true));
  const ranges = async () => {
    const page = await (await fetch(`${store.url}/metrics`)).text();
    return Number(/^tidemark_s3_requests_total\{operation="get_range",outcome="ok"\} (\d+)/m.exec(page)?.[1] ?? 0);
  };
  expect(await readBack()).toEqual(history);
  expect(await ranges()).toBeGreaterThan(0);
  expect(await values()).toEqual(['35']);
  expect(await readdir(store.dataFolder)).not.toContain('objects');

  // What the examples wrote has been through all of it as well.
  for (const said of await examples) expect(said).toContain(`${EXAMPLE_SAMPLES} samples on ${topic}`);
  const orders = await until('what the examples counted', 30_000, async () => {
    const series = await samples(query.url, EXAMPLE_METRIC, '10m', Date.now());
    const counted = series.map(({ metric, values }) => [metric['language'], values.map(([, value]) => value).join()]);
    return counted.length === 2 && counted.every(([, values]) => values?.endsWith('3')) ? counted.sort() : undefined;
  });
  expect(orders).toEqual([
    ['java', '1,2,3'],
    ['python', '1,2,3'],
  ]);

  // Writers and readers of other versions understand one another, because the registry lets nobody in who breaks that.
  const subject = `${topic}-value`;
  const config = await fetch(`${registry.url}/config/${subject}`);
  expect(await config.json()).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' });
  const refused = await fetch(`${registry.url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: INCOMPATIBLE }),
  });
  expect(await refused.json()).toMatchObject({ error_code: 409 });
  expect(refused.status).toBe(409);
});
