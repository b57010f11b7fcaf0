import { seededRandom } from '@tidemark/base';
import { DEFAULT_TENANT, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { bucketsOf, type FloatHistogram, isSameHistogram } from '../histogram/float-histogram.ts';
import { MemorySource } from '../script/memory-source.ts';
import type { Point } from '../script/parse-points.ts';
import { labelKey } from '../value/label-set.ts';
import { createEngine } from './engine.ts';
import type { QueryData } from './result.ts';

// A range query over native histograms, numbers and stale markers in any order is what instant queries at its steps are; and what
// an aggregation says of a mix is what it says of each kind alone, where only one is there.
//
//   TIDEMARK_FUZZ_SEED=7 npx vitest run packages/promql/src/engine/mixed.fuzz.test.ts

const SEED = Number(process.env.TIDEMARK_FUZZ_SEED ?? 1);
const WORLDS = Number(process.env.TIDEMARK_FUZZ_RUNS ?? 12);
const MINUTE_MS = 60_000;
const MINUTES = 30;

const EXPRESSIONS = [
  'm',
  'm offset 2m',
  '-m',
  'm * 2',
  'm + on (i) n',
  'm - on (i) group_left () n{i="0"}',
  'm == n',
  'm </ 2',
  'm >/ 1',
  'm or n',
  'm unless on (i) n',
  'sum(m)',
  'avg by (i) ({__name__=~"m|n"})',
  'min(m)',
  'count(m)',
  'limitk(2, m)',
  'topk(1, m)',
  'rate(m[5m])',
  'sum by (i) (rate(m[5m]))',
  'increase(m[7m])',
  'delta(m[5m])',
  'irate(m[5m])',
  'idelta(m[5m])',
  'resets(m[10m])',
  'changes(m[10m])',
  'sum_over_time(m[4m])',
  'avg_over_time(m[4m])',
  'last_over_time(m[4m])',
  'first_over_time(m[4m])',
  'max_over_time(m[4m])',
  'deriv(m[6m])',
  'count_over_time(m[4m])',
  'rate(m[10m:1m])',
  'avg_over_time(rate(m[3m])[6m:2m])',
  'histogram_count(m)',
  'histogram_quantile(0.9, sum(rate(m[5m])))',
  'histogram_quantile(0.1, m)',
  'histogram_fraction(0.5, 3, m)',
  'histogram_stddev(m)',
  'label_replace(m, "j", "x$1", "i", "(.*)")',
  'm @ 600',
  'timestamp(m)',
  'absent(m{i="9"})',
  'abs(m)',
  'scalar(m{i="0"})',
];

function world(seed: number): MemorySource {
  const random = seededRandom(seed);
  const source = new MemorySource();
  const series = ['m', 'n'].flatMap((name) =>
    ['0', '1', '2'].map((i) => ({ labels: labelsOf({ __name__: name, i }), points: points(), startTimestamps: false })),
  );
  source.load({ kind: 'load', line: 1, stepMs: MINUTE_MS, native: false, series });
  return source;

  function points(): Point[] {
    let counts = [0, 0, 0, 0];
    const gauge = random.below(4) === 0;
    return Array.from({ length: MINUTES }, (): Point => {
      const kind = random.below(20);
      if (kind === 0) return { kind: 'none' };
      if (kind === 1) return { kind: 'stale' };
      if (kind < 4) return { kind: 'value', value: random.below(100) };
      counts = random.below(12) === 0 ? [0, 0, 0, 0] : counts.map((count) => count + random.below(4));
      return { kind: 'histogram', histogram: histogramOf(counts, gauge), hinted: false };
    });
  }

  function histogramOf(counts: readonly number[], gauge: boolean): FloatHistogram {
    const own = random.below(15) === 0;
    const [zeroCount = 0] = own ? [] : counts;
    const positive = counts.slice(1);
    const negative = random.below(3) === 0 && !own ? [1] : [];
    return {
      schema: own ? -53 : random.below(8) === 0 ? 0 : 1,
      hint: gauge ? 'gauge' : 'unknown',
      zeroThreshold: own ? 0 : 0.125 * (1 + random.below(2)),
      zeroCount,
      count: zeroCount + positive.reduce((sum, count) => sum + count, 0) + negative.length,
      sum: random.below(1000) / 8,
      positive: bucketsOf([0, 1, 2], positive),
      negative: bucketsOf([0], negative),
      bounds: own ? Float64Array.of(1, 2) : undefined,
    };
  }
}

interface Seen {
  readonly value: number;
  readonly histogram: FloatHistogram | undefined;
}

function instantOf(data: QueryData): Map<string, Seen> {
  if (data.kind === 'scalar') return new Map([['', { value: data.value, histogram: undefined }]]);
  if (data.kind !== 'vector') throw new Error(`came a ${data.kind}`);
  return new Map(data.samples.map(({ labels, value, histogram }) => [labelKey(labels), { value, histogram }]));
}

function stepOf(data: QueryData, atMs: number): Map<string, Seen> {
  if (data.kind !== 'matrix') throw new Error(`came a ${data.kind}`);
  const out = new Map<string, Seen>();
  for (const { labels, timestampsMs, values, histograms } of data.series) {
    const i = timestampsMs.indexOf(atMs);
    if (i >= 0) out.set(labelKey(labels), { value: values[i] as number, histogram: histograms?.[i] });
  }
  return out;
}

function same(a: Map<string, Seen>, b: Map<string, Seen>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([key, one]) => {
    const other = b.get(key);
    if (other === undefined) return false;
    if (one.histogram === undefined || other.histogram === undefined)
      return one.histogram === other.histogram && Object.is(one.value, other.value);
    return isSameHistogram(one.histogram, other.histogram) && one.histogram.hint === other.histogram.hint;
  });
}

for (let seed = SEED; seed < SEED + WORLDS; seed++) {
  test(`world ${seed}: what a range says of a mix of numbers and histograms is what instants say`, async () => {
    const engine = createEngine({ source: world(seed) });
    const [startMs, endMs, stepMs] = [2 * MINUTE_MS, MINUTES * MINUTE_MS, 90_000];
    let histograms = 0;
    for (const expression of EXPRESSIONS) {
      const { data } = await engine.range({ tenant: DEFAULT_TENANT, expression, startMs, endMs, stepMs });
      for (let atMs = startMs; atMs <= endMs; atMs += stepMs * 3) {
        const instant = await engine.instant({ tenant: DEFAULT_TENANT, expression, atMs });
        const [wanted, came] = [instantOf(instant.data), stepOf(data, atMs)];
        for (const { histogram } of came.values()) if (histogram) histograms++;
        if (!same(wanted, came)) expect.fail(`${expression} at ${atMs}, TIDEMARK_FUZZ_SEED=${seed}: a range differs`);
      }
    }
    expect(histograms).toBeGreaterThan(100);
  });
}
