import { SelfMetrics, SimClock } from '@tidemark/base';
import { labelValue, METRIC_NAME, type NativeHistogram, type SelectedSeries, type SeriesSource } from '@tidemark/model';
import { afterEach, expect, test } from 'vitest';
import { Executor, QueryService, type TierRetention } from '../src/index.ts';
import { serveApi } from './api-server.ts';
import { type Asked, DAY_MS, KEPT, named, sourceOf, type World } from './tier-world.ts';

// Native histograms over HTTP, as Prometheus answers them; beside numbers that are read from rows; and where text has no form for them.

const MINUTE_MS = 60_000;
const NOW_MS = 100 * DAY_MS;
const NUMBERS: World = {
  series: [
    {
      labels: named('load', { of: 'numbers' }),
      marks: Array.from({ length: 3 * 24 * 12 }, (_, i) => [NOW_MS - 3 * DAY_MS + (i + 1) * 5 * MINUTE_MS, 1] as const),
    },
  ],
  nowMs: NOW_MS,
  retentionMs: KEPT,
  rowsUntilMs: { '1m': NOW_MS - 2 * 60 * MINUTE_MS, '1h': NOW_MS - 2 * 60 * MINUTE_MS },
};

/** One more observation of -3, 0 and 1.5 each, every five minutes; three days of them. */
function latency(): SelectedSeries {
  const count = 3 * 24 * 12;
  const histograms = Array.from(
    { length: count },
    (_, i): NativeHistogram => ({
      schema: 0,
      hint: i === 0 ? 'unknown' : 'no reset',
      fractions: false,
      zeroThreshold: 0.001,
      zeroCount: i + 1,
      count: 3 * (i + 1),
      sum: -1.5 * (i + 1),
      positive: { spans: [{ gap: 1, length: 1 }], counts: Float64Array.of(i + 1) },
      negative: { spans: [{ gap: 2, length: 1 }], counts: Float64Array.of(i + 1) },
      bounds: undefined,
    }),
  );
  return {
    labels: named('latency', { of: 'histograms' }),
    timestampsMs: Float64Array.from({ length: count }, (_, i) => NOW_MS - 3 * DAY_MS + (i + 1) * 5 * MINUTE_MS),
    values: new Float64Array(count).fill(Number.NaN),
    histograms: { entries: Uint32Array.from({ length: count }, (_, i) => i), histograms },
  };
}

function between({ histograms, ...series }: SelectedSeries, startMs: number, endMs: number): SelectedSeries {
  const all = [...series.timestampsMs.keys()];
  const kept = all.filter((i) => {
    const ms = series.timestampsMs[i] as number;
    return ms >= startMs && ms < endMs;
  });
  return {
    labels: series.labels,
    timestampsMs: Float64Array.from(kept, (i) => series.timestampsMs[i] as number),
    values: Float64Array.from(kept, () => Number.NaN),
    histograms: {
      entries: Uint32Array.from(kept.keys()),
      histograms: kept.map((i) => histograms?.histograms[i] as NativeHistogram),
    },
  };
}

/** The numbers of the world, and beside them a series of native histograms, of which there are no rows. */
function source(asked: Asked[] = []): SeriesSource {
  const numbers = sourceOf(NUMBERS, asked);
  const native = latency();
  return {
    ...numbers,
    async select(request) {
      const answer = await numbers.select(request);
      const wanted = request.matchers.every((matcher) => matcher.matches(labelValue(native.labels, matcher.name)));
      const { startMs, endMs } = request.range;
      const found = between(native, startMs, endMs);
      return { ...answer, series: [...answer.series, ...(wanted && found.values.length > 0 ? [found] : [])] };
    },
  };
}

let close = async () => {
  await Promise.resolve();
};
afterEach(() => close());

async function api(retentionMs?: TierRetention) {
  const clock = new SimClock(NOW_MS);
  const limits = { seriesMax: 100, samplesMax: 1_000_000 };
  const asked: Asked[] = [];
  const tiers = retentionMs === undefined ? {} : { retentionMs };
  const executor = new Executor({ source: source(asked), clock, lookbackMs: 5 * MINUTE_MS, ...tiers, ...limits });
  const service = new QueryService({
    executor,
    source: source(),
    freshness: { caughtUp: async () => true },
    clock,
    metrics: new SelfMetrics(),
    timeoutMs: 10_000,
    concurrency: 2,
    ...limits,
  });
  const server = await serveApi(service, () => clock.nowMs());
  close = server.close;
  const { url } = server;
  return {
    service,
    asked,
    get: async (path: string) => {
      const { data } = (await (await fetch(url + path)).json()) as { data: { result: unknown[] } };
      return data.result;
    },
  };
}

const NOW = NOW_MS / 1000;
const newest = {
  count: '2592',
  sum: '-1296',
  buckets: [
    [1, '-4', '-2', '864'],
    [3, '-0.001', '0.001', '864'],
    [0, '1', '2', '864'],
  ],
};

test('a value that is a histogram stands under its own name, buckets with the rule of their ends', async () => {
  const { get } = await api();
  expect(await get('/query?query=latency')).toEqual([
    { metric: { __name__: 'latency', of: 'histograms' }, histogram: [NOW, newest] },
  ]);
  expect(await get('/query?query=0*latency')).toEqual([
    { metric: { of: 'histograms' }, histogram: [NOW, { count: '0', sum: '-0' }] },
  ]);
});

test('a range has numbers and histograms in lists of their own, and neither where there is none', async () => {
  const { get } = await api();
  const range = `&start=${NOW - 300}&end=${NOW}&step=300`;
  const [line] = (await get(`/query_range?query=latency${range}`)) as { histograms: unknown[][] }[];
  expect(line).toEqual({
    metric: { __name__: 'latency', of: 'histograms' },
    histograms: [
      [NOW - 300, expect.anything()],
      [NOW, newest],
    ],
  });
  const either = encodeURIComponent(`histogram_count(latency) < 2592 or 0 * latency`);
  expect(await get(`/query_range?query=${either}${range}`)).toEqual([
    { metric: { of: 'histograms' }, values: [[NOW - 300, '2589']], histograms: [[NOW, { count: '0', sum: '-0' }]] },
  ]);
});

test('beside numbers that are read from rows, histograms are read from raw, all of them', async () => {
  const { get, asked } = await api(KEPT);
  const range = `&start=${NOW - 2 * 86_400}&end=${NOW}&step=6h&resolution=1h`;
  const query = encodeURIComponent('increase({__name__=~"load|latency"}[6h])');
  const lines = (await get(`/query_range?query=${query}${range}`)) as {
    values?: [number, string][];
    histograms?: [number, { count: string }][];
  }[];
  expect(new Set(asked.map(({ tier }) => tier))).toContain('1h');
  expect(lines.map(({ values = [] }) => values.length).sort()).toEqual([0, 9]);
  const histograms = lines.find(({ histograms: some }) => some)?.histograms ?? [];
  expect(histograms.map(([, { count }]) => Math.round(Number(count)))).toEqual(new Array(9).fill(216));
  const instants = (await get(`/query_range?query=latency${range}`)) as { histograms: unknown[] }[];
  expect(instants[0]?.histograms).toHaveLength(9);
  const sums = encodeURIComponent('count({__name__=~"load|latency"})');
  expect(await get(`/query_range?query=${sums}${range}`)).toMatchObject([
    { values: Array.from({ length: 9 }, (_, k) => [NOW - (8 - k) * 6 * 3600, '2']) },
  ]);
});

test('rules are told which samples are histograms', async () => {
  const { service } = await api();
  const question = { tenant: 'default', expression: 'latency', atMs: NOW_MS, timeoutMs: 1000 };
  const { samples } = await service.evaluate({ ...question, consistency: 'latest' });
  expect(samples).toMatchObject([{ value: Number.NaN, histogram: { count: 2592, zeroCount: 864 } }]);
  expect(labelValue(samples[0]?.labels ?? [], METRIC_NAME)).toBe('latency');
});
