import { type Random, seededRandom, systemClock } from '@tidemark/base';
import { type Labels, labelsOf, type Matcher, matcher, type RowColumns } from '@tidemark/model';
import { Executor } from '@tidemark/query';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import {
  appendRows,
  appendSamples,
  askOf,
  openLog,
  PARTITIONS,
  type RunningStore,
  readsAll,
  type Sample,
  startStore,
  TENANT,
} from './stores-world.ts';

// What several stores answer together is what one store answers that has everything.

const METRICS = ['up', 'cpu_seconds_total', 'load', 'http_requests_total', 'é', 'a:b', 'mem', 'disk'];
const signal = new AbortController().signal;

function anySamples(random: Random, nowMs: number): Sample[] {
  return Array.from({ length: 1 + random.below(300) }, () => {
    const labels: Record<string, string> = { __name__: pick(random, METRICS), host: `h${random.below(6)}` };
    if (random.below(3) === 0) labels['\u{1f600}'] = `v${random.below(3)}`;
    const value =
      random.below(20) === 0 ? pick(random, [-0, Number.NaN, Number.POSITIVE_INFINITY]) : random.below(1000);
    return { labels: labelsOf(labels), timestampMs: nowMs - random.below(600) * 1000, value };
  });
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)] as T;
}

function anyMatchers(random: Random): readonly Matcher[] {
  const name = pick(random, METRICS);
  return pick(random, [
    [matcher('=', '__name__', name)],
    [matcher('=~', '__name__', `${name}|${pick(random, METRICS)}`)],
    [matcher('=~', '__name__', '.*_total')],
    [matcher('!=', '__name__', name), matcher('=~', 'host', 'h[0-3]')],
    [matcher('=', '\u{1f600}', 'v1')],
    [matcher('=', '__name__', 'nobody_has_it')],
  ]);
}

const sortedBy = <T>(list: readonly T[], of: (one: T) => unknown) =>
  [...list].sort((a, b) => (JSON.stringify(of(a)) < JSON.stringify(of(b)) ? -1 : 1));
const bits = (values: Float64Array) => [...new Uint32Array(values.slice().buffer)];
const columnsOf = ({ series: _, length, ...columns }: RowColumns) => ({
  length,
  ...Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, [...column.subarray(0, length)]])),
});
const labelsIn = ({ labels }: { readonly labels: Labels }) => labels;

async function everything(random: Random, reads: RunningStore['reads'], nowMs: number) {
  const matchers = anyMatchers(random);
  const range = { startMs: nowMs - random.below(900) * 1000, endMs: nowMs + 1 };
  const limits = { seriesMax: 10_000, samplesMax: 100_000 };
  const request = { tenant: TENANT, matchers, range, limits, signal };
  const newestOnly = random.below(4) === 0;
  const selected = await reads.source.select({ ...request, newestOnly });
  const rows = await reads.source.selectRows({ ...request, resolution: '1m' });
  const listed = { ...request, limit: 1 + random.below(30) };
  const withoutMatchers = { ...listed, matchers: [] };
  const described = await reads.metadata(
    random.below(2) === 0 ? { tenant: TENANT } : { tenant: TENANT, metrics: ['up', 'mem'] },
  );
  // What a checkpoint changes, each store at its own time, and what several stores count is left out.
  const { series, range: unsealed, seriesByMetric } = await reads.cardinality({ tenant: TENANT, limit: 100, signal });
  const counts = { series, unsealed, seriesByMetric };
  return {
    selected: sortedBy(selected.series, labelsIn).map(({ labels, timestampsMs, values }) => ({
      labels,
      // Of the newest only, older ones may come too.
      times: newestOnly ? [timestampsMs.at(-1)] : [...timestampsMs],
      values: bits(newestOnly ? values.slice(-1) : values),
    })),
    rows: sortedBy(rows.series, labelsIn).map((one) => ({ labels: one.labels, ...columnsOf(one.rows) })),
    series: (await reads.source.series(listed)).series,
    names: (await reads.source.labelNames(listed)).series,
    allNames: (await reads.source.labelNames(withoutMatchers)).series,
    values: (await reads.source.labelValues({ ...withoutMatchers, name: 'host' })).series,
    metadata: sortedBy([...described], ({ metric }) => metric),
    counts,
  };
}

const QUERIES = [
  'sum by (host) (rate(cpu_seconds_total[2m]))',
  'up == 1 or load',
  'quantile by (host) (0.5, http_requests_total)',
  'count({__name__=~".+"}) by (__name__)',
  'avg_over_time(mem[5m]) / on (host) group_left max by (host) (disk)',
];

async function promql(reads: RunningStore['reads'], expression: string, nowMs: number) {
  const executor = new Executor({
    source: reads.source,
    clock: systemClock,
    lookbackMs: 300_000,
    seriesMax: 1e4,
    samplesMax: 1e6,
  });
  const { result } = await executor.range({
    tenant: TENANT,
    expression,
    startMs: nowMs - 600_000,
    endMs: nowMs,
    stepMs: 30_000,
    signal,
  });
  return result.kind === 'matrix'
    ? sortedBy(result.lines, labelsIn).map((line) => ({ labels: line.labels, values: bits(line.values) }))
    : result;
}

test('stores of two zones answer as one store does, with one of them dead as well', () =>
  withSeed('stores', async (random) => {
    const log = await openLog();
    const whole = await startStore(log, { zone: 'all', ordinal: 0, replicas: 1 });
    const stores = await Promise.all([
      startStore(log, { zone: 'a', ordinal: 0, replicas: 2 }),
      startStore(log, { zone: 'a', ordinal: 1, replicas: 2 }),
      startStore(log, { zone: 'b', ordinal: 0, replicas: 1 }),
    ]);
    const [, a1, b0] = stores as unknown as [RunningStore, RunningStore, RunningStore];
    const asker = await askOf(stores, 'a');
    const nowMs = Math.floor(systemClock.nowMs() / 1000) * 1000;
    const help = (metric: string) => ({ metric, type: 'gauge' as const, unit: '', help: `of ${metric}` });
    const compare = async () => {
      const samples = anySamples(random, nowMs);
      await appendSamples(log, samples, METRICS.slice(random.below(8)).map(help));
      // One row a series and minute, as the rollup sends them in one batch.
      await appendRows(log, anySamples(random, nowMs));
      const pin = await asker.freshness.pinned?.(10_000);
      expect(pin).toHaveLength(PARTITIONS);
      for (const store of [whole, ...stores]) await readsAll(log, store);
      const replay = random.below(2 ** 31);
      const [found, wanted] = await Promise.all([
        everything(seededRandom(replay), asker, nowMs),
        everything(seededRandom(replay), whole.reads, nowMs),
      ]);
      expect(found).toEqual(wanted);
      for (const expression of QUERIES) {
        expect(await promql(asker, expression, nowMs)).toEqual(await promql(whole.reads, expression, nowMs));
      }
    };
    for (let round = 0; round < rounds(8); round++) await compare();
    expect(b0.questions()).toBe(0);
    await a1.kill();
    for (let round = 0; round < rounds(8); round++) await compare();
    expect(b0.questions()).toBeGreaterThan(0);
    await asker.watch.close();
    for (const store of [whole, ...stores]) await store.close();
  }));
