import { sharedKafka, startTidemark, type Tidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { ask, type RowSeries, until, type VectorSample, vector } from './http.ts';

// Roles in processes of their own on a real Kafka: a store that stood still has a backlog of everything, and takes what is
// critical first; the rollup makes the same rows of both.

const PARTITIONS = 3;
const BODIES = 20;
const SERIES_PER_BODY = 12_000;
const MINUTE_MS = 60_000;

interface StorageStatus {
  readonly partitions: readonly { readonly topic: string; readonly end: number; readonly lag: number }[];
}

async function pushed(url: string, text: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body: text });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
}

test('a store that stood still has critical samples first, and in the end everything', {
  timeout: 170_000,
}, async () => {
  const kafka = await sharedKafka();
  await using cleanup = new AsyncDisposableStack();
  const prefix = `critical-${process.pid}`;
  const common: Record<string, string> = {
    TIDEMARK_LOG_KIND: 'kafka',
    TIDEMARK_LOG_PARTITIONS: String(PARTITIONS),
    TIDEMARK_LOG_TOPIC_PREFIX: prefix,
    TIDEMARK_KAFKA_BROKERS: kafka.bootstrap.join(','),
    TIDEMARK_KAFKA_REPLICATION_FACTOR: '1',
    TIDEMARK_COLLECTOR_HOST: 'false',
  };
  const start = async (roles: string, env: Record<string, string> = {}): Promise<Tidemark> =>
    cleanup.use(await startTidemark({ args: ['--roles', roles], env: { ...common, ...env }, readyMs: 60_000 }));
  const ingest = await start('ingest', { TIDEMARK_INGEST_CRITICAL: 'critical_.*' });
  const [store] = await Promise.all([start('store,query'), start('rollup')]);
  const query = await start('query', { TIDEMARK_QUERY_STORES: store.url });
  // Here whatever is let in follows the gateway, though it has no such setting.
  const rules = await start('rules', { TIDEMARK_QUERY_STORES: store.url });

  // Some minutes ago: their rows are due at once.
  const endMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 2 * MINUTE_MS;
  const old = [1, 2, 3].map(
    (value) => `critical_old ${value} ${endMs - value * 1000}\nusual_old ${value} ${endMs - value * 1000}\n`,
  );
  await pushed(ingest.url, old.join(''));
  expect(await vector(query.url, 'last_over_time({__name__=~".*_old"}[10m])')).toHaveLength(2);
  const lagOf = async (topic: string) => {
    const { partitions } = await ask<StorageStatus>(store.url, 'status/storage', {});
    return partitions.filter((one) => one.topic === `${prefix}.${topic}`).reduce((sum, { lag }) => sum + lag, 0);
  };
  for (const metric of ['critical_old', 'usual_old']) {
    const sum = await until(`${metric} has its row`, 60_000, async () => {
      const params = { 'match[]': metric, start: String(endMs / 1000 - 60), end: String(endMs / 1000) };
      const rows = await ask<readonly RowSeries[]>(store.url, 'rows', params);
      return rows[0]?.rows[0]?.sum;
    });
    expect([metric, sum]).toEqual([metric, '6']);
  }

  store.process.signal('SIGSTOP');
  for (let body = 0; body < BODIES; body++) {
    const line = (_: unknown, i: number) =>
      `usual_${i % 10}{body="${body}",host="host-${i}",some="label that makes it longer"} ${i}`;
    await pushed(ingest.url, `${Array.from({ length: SERIES_PER_BODY }, line).join('\n')}\n`);
  }
  await pushed(ingest.url, 'critical_new 42\nusual_new 42\n');
  store.process.signal('SIGCONT');
  const startedMs = performance.now();
  const lag = await until('the critical sample is there', 60_000, async () => {
    const { result } = await ask<{ result: readonly VectorSample[] }>(store.url, 'query', { query: 'critical_new' });
    return result[0]?.value[1] === '42' ? lagOf('raw') : undefined;
  });
  const criticalMs = performance.now() - startedMs;
  await until('all is stored', 60_000, async () => (await lagOf('raw')) === 0 || undefined);
  process.stdout.write(
    `critical after ${Math.round(criticalMs)} ms with ${lag} records of raw to go, all after ${Math.round(performance.now() - startedMs)} ms\n`,
  );
  expect(lag).toBeGreaterThan(0);
  const [all] = await vector(query.url, 'count({__name__=~"usual_[0-9]"})');
  expect(all?.value[1]).toBe(String(BODIES * SERIES_PER_BODY));
  expect((await vector(query.url, 'usual_new'))[0]?.value[1]).toBe('42');
  expect(await rules.stop()).toEqual({ code: 0, signal: null });
});
