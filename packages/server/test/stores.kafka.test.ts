import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  freePort,
  sharedKafka,
  startKafka,
  startTidemark,
  type Tidemark,
  type TidemarkOptions,
  tempFolder,
} from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { until, vector } from './http.ts';

// Everything in processes of its own, on a real Kafka: two stores of zone a share the partitions, one of zone b has them all.

const PARTITIONS = 6;

async function pushed(url: string, text: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body: text });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
}

/** The metrics of a log on Kafka that docs/metrics.md has. */
async function documented(): Promise<string[]> {
  const text = await readFile(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(tidemark_kafka_\w+)` \| (\w+) \|/gm)];
  expect(rows.length).toBeGreaterThan(15);
  return rows.map(([, name, type]) => `${name} | ${type}`).sort();
}

test('two stores share the partitions, and a second zone takes over', { timeout: 170_000 }, async () => {
  const kafka = await sharedKafka();
  await using cleanup = new AsyncDisposableStack();
  const common: Record<string, string> = {
    TIDEMARK_LOG_KIND: 'kafka',
    TIDEMARK_LOG_PARTITIONS: String(PARTITIONS),
    TIDEMARK_LOG_TOPIC_PREFIX: `stores-${process.pid}`,
    TIDEMARK_KAFKA_BROKERS: kafka.bootstrap.join(','),
    TIDEMARK_KAFKA_REPLICATION_FACTOR: '1',
    TIDEMARK_COLLECTOR_HOST: 'false',
  };
  const start = async (roles: string, env: Record<string, string>, options: TidemarkOptions = {}): Promise<Tidemark> =>
    cleanup.use(
      await startTidemark({ args: ['--roles', roles], env: { ...common, ...env }, readyMs: 60_000, ...options }),
    );
  const store = (zone: string, ordinal: number, replicas: number) =>
    start('store', {
      TIDEMARK_STORE_ZONE: zone,
      TIDEMARK_STORE_ORDINAL: String(ordinal),
      TIDEMARK_STORE_REPLICAS: String(replicas),
    });
  const ingest = await start('ingest', {});
  const [a0, a1, b0] = await Promise.all([store('a', 0, 2), store('a', 1, 2), store('b', 0, 1)]);
  const stores = [a0, a1, b0].map(({ url }) => url).join(',');
  const query = await start('query', { TIDEMARK_QUERY_STORES: stores, TIDEMARK_QUERY_ZONE: 'a' });

  const metrics = Array.from({ length: 50 }, (_, i) => `stores_metric_${i}`);
  const values = async () => {
    const found = await vector(query.url, 'sort(sum by (__name__) ({__name__=~"stores_metric_.*"}))');
    return found.map(({ value }) => Number(value[1]));
  };
  await pushed(ingest.url, metrics.map((name, i) => `${name} ${i}\n`).join(''));
  expect(await values()).toEqual(metrics.map((_, i) => i));
  const owned = await Promise.all(
    [a0, a1, b0].map(
      async ({ url }) => (await fetch(`${url}/internal/v1/store/state`)).json() as Promise<{ owned: number[] }>,
    ),
  );
  expect(owned.map((one) => one.owned)).toEqual([
    [0, 2, 4],
    [1, 3, 5],
    [0, 1, 2, 3, 4, 5],
  ]);

  const page = await (await fetch(`${a0.url}/metrics`)).text();
  const shown = [...page.matchAll(/^# TYPE (tidemark_kafka_\S+) (\S+)$/gm)].map(
    ([, name, type]) => `${name} | ${type}`,
  );
  expect(shown.sort()).toEqual(await documented());

  await a0.kill9();
  await pushed(ingest.url, metrics.map((name, i) => `${name} ${i + 1000}\n`).join(''));
  // Strong, and whole: zone b has what the dead store had.
  expect(await values()).toEqual(metrics.map((_, i) => i + 1000));
  await a1.kill9();
  await pushed(ingest.url, metrics.map((name, i) => `${name} ${i + 2000}\n`).join(''));
  // And what the whole zone had.
  expect(await values()).toEqual(metrics.map((_, i) => i + 2000));
  await b0.kill9();
  const lacking = await fetch(
    `${query.url}/api/v1/query?query=${encodeURIComponent('count({__name__=~"stores_.*"})')}`,
  );
  expect([lacking.status, await lacking.json()]).toEqual([503, expect.objectContaining({ errorType: 'execution' })]);
  await Promise.all([a0.restart(), a1.restart()]);
  await until('zone a is whole again', 60_000, async () => (await values()).length === metrics.length || undefined);
  expect(await values()).toEqual(metrics.map((_, i) => i + 2000));
});

test('a process whose broker is away waits for it, says so, and goes on when it is there', {
  timeout: 170_000,
}, async () => {
  const port = await freePort();
  await using folder = await tempFolder('late-kafka');
  await using ingest = await startTidemark({
    args: ['--roles', 'ingest'],
    env: { TIDEMARK_LOG_KIND: 'kafka', TIDEMARK_KAFKA_BROKERS: `127.0.0.1:${port}` },
    readyPath: '/-/healthy',
  });
  const ready = () => fetch(`${ingest.url}/-/ready`);
  const isWaiting = async () => {
    const response = await ready();
    const text = await response.text();
    return (response.status === 503 && /^Tidemark is starting: cannot reach the log: /.test(text)) || undefined;
  };
  // Told to stop before it has said a word, or later: it stops.
  const stopping = performance.now();
  expect(await ingest.stop()).toEqual({ code: 0, signal: null });
  expect(performance.now() - stopping).toBeLessThan(5000);
  await ingest.restart();
  await until('it says what it waits for', 15_000, isWaiting);
  expect(ingest.logs).toMatch(/cannot reach the log; trying again/);
  // Several attempts later.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  expect(await isWaiting()).toBe(true);
  await using _ = await startKafka({ port, folder: join(folder.path, 'kafka') });
  await until('it is ready', 60_000, async () => (await ready()).ok || undefined);
  expect(ingest.logs).toMatch(/can reach the log again/);
  expect(await ingest.stop()).toEqual({ code: 0, signal: null });
});

/** A schema registry as far as one that registers asks. */
function registryAt(port: number) {
  const server = createServer((request, response) => {
    const isConfig = request.url?.startsWith('/config') ?? false;
    request.resume();
    request.on('end', () =>
      response.end(JSON.stringify(isConfig ? { compatibilityLevel: 'FULL_TRANSITIVE' } : { id: 1 })),
    );
  });
  server.listen(port, '127.0.0.1');
  return { [Symbol.dispose]: () => server.close() };
}

test('a process whose registry is away is not ready, says why, and is when the registry is there', {
  timeout: 120_000,
}, async () => {
  const [kafka, port] = await Promise.all([sharedKafka(), freePort()]);
  await using repartition = await startTidemark({
    args: ['--roles', 'repartition'],
    env: {
      TIDEMARK_LOG_KIND: 'kafka',
      TIDEMARK_LOG_TOPIC_PREFIX: `no-registry-${process.pid}`,
      TIDEMARK_KAFKA_BROKERS: kafka.bootstrap.join(','),
      TIDEMARK_KAFKA_REPLICATION_FACTOR: '1',
      TIDEMARK_REGISTRY_URL: `http://127.0.0.1:${port}`,
    },
    readyPath: '/-/healthy',
  });
  const ready = async () => {
    const response = await fetch(`${repartition.url}/-/ready`);
    return [response.status, await response.text()] as const;
  };
  await until('it says what it waits for', 60_000, async () => {
    const [status, text] = await ready();
    expect(status).toBe(503);
    return /^Tidemark is not ready: the schema registry does not answer: .*ECONNREFUSED/.test(text) || undefined;
  });
  expect(repartition.logs).toMatch(/cannot register the schema of samples; trying again/);
  using _ = registryAt(port);
  await until('it is ready', 60_000, async () => (await ready())[0] === 200 || undefined);
  expect(await repartition.stop()).toEqual({ code: 0, signal: null });
});
