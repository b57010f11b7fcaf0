import { systemClock } from '@tidemark/base';
import { type Labels, labelsOf, type NativeHistogram, type SelectedSeries } from '@tidemark/model';
import { createEngine, type Queryable, type SelectorRequest } from './engine.ts';

// What a dashboard's panel costs in the engine alone: the source hands out columns it already has.
//
//   node -C source packages/promql/src/engine/range.bench.ts [series] [hours]
//
// Small in `npm test` (range.bench.test.ts), so that it keeps running; full size by hand.

export interface BenchSize {
  readonly series: number;
  readonly hours: number;
  readonly rounds: number;
}

export interface BenchResult {
  readonly expression: string;
  readonly samples: number;
  readonly steps: number;
  readonly resultSeries: number;
  /** Best of the rounds. */
  readonly wallMs: number;
  /** Mean of the rounds, user and system. */
  readonly cpuMs: number;
}

const STEP_MS = 15_000;
const SCRAPE_MS = 10_000;
const START_MS = 1_700_000_000_000;

export const BENCH_EXPRESSIONS: readonly string[] = [
  'sum by (instance) (rate(x_total[5m]))',
  'x_total',
  'max_over_time(x_total[5m])',
  'quantile_over_time(0.9, x_total[5m])',
  'topk(5, rate(x_total[5m]))',
  'avg_over_time(rate(x_total[5m])[10m:1m])',
  'x_total / on (instance, cpu) x_total > 0.5',
  'latency',
  'histogram_quantile(0.9, sum by (job) (rate(latency[5m])))',
];

export async function benchRange(
  { series, hours, rounds }: BenchSize,
  expressions = BENCH_EXPRESSIONS,
): Promise<BenchResult[]> {
  const engine = createEngine({ source: sourceOf(series, hours) });
  const endMs = START_MS + hours * 3_600_000;
  const results: BenchResult[] = [];
  for (const expression of expressions) {
    let wallMs = Number.POSITIVE_INFINITY;
    const cpuBefore = process.cpuUsage();
    let samples = 0;
    let resultSeries = 0;
    for (let round = 0; round < rounds; round++) {
      const startedMs = systemClock.monotonicMs();
      const answer = await engine.range({ tenant: 'bench', expression, startMs: START_MS, endMs, stepMs: STEP_MS });
      wallMs = Math.min(wallMs, systemClock.monotonicMs() - startedMs);
      samples = answer.stats.samples;
      resultSeries = answer.data.kind === 'matrix' ? answer.data.series.length : 0;
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    const steps = Math.floor((endMs - START_MS) / STEP_MS) + 1;
    results.push({ expression, samples, steps, resultSeries, wallMs, cpuMs: (user + system) / 1000 / rounds });
  }
  return results;
}

/**
 * Ten series an instance; counters that are reset once, at a place of their own. Beside them a tenth as many native histograms of
 * forty buckets.
 */
function sourceOf(count: number, hours: number): Queryable {
  const length = Math.floor((hours * 3_600_000) / SCRAPE_MS);
  const timestampsMs = Float64Array.from({ length }, (_, k) => START_MS + k * SCRAPE_MS);
  const all: SelectedSeries[] = Array.from({ length: count }, (_, i) => ({
    labels: labelsFor(i),
    timestampsMs,
    values: Float64Array.from({ length }, (_v, k) => ((k + i) % length) * (1 + (i % 7))),
  }));
  const native = Array.from({ length: Math.ceil(count / 10) }, (_, i) => nativeSeries(i, timestampsMs));
  const isNative = ({ matchers }: SelectorRequest) => matchers.some(({ value }) => value === 'latency');
  return { select: async (request) => ({ series: isNative(request) ? native : all, warnings: [] }) };
}

function nativeSeries(i: number, timestampsMs: Float64Array): SelectedSeries {
  const entries = Uint32Array.from(timestampsMs.keys());
  const histograms = Array.from(entries, (k): NativeHistogram => {
    const counts = Float64Array.from({ length: 40 }, (_, b) => (k + 1) * (b + 1 + (i % 3)));
    return {
      schema: 3,
      hint: k === 0 ? 'unknown' : 'no reset',
      fractions: false,
      zeroThreshold: 2 ** -128,
      zeroCount: 0,
      count: counts.reduce((sum, one) => sum + one, 0),
      sum: k * 10,
      positive: { spans: [{ gap: -20, length: 40 }], counts },
      negative: { spans: [], counts: new Float64Array(0) },
      bounds: undefined,
    };
  });
  const labels = labelsOf({ __name__: 'latency', instance: `host-${i}:9100`, job: `job-${i % 5}` });
  return {
    labels,
    timestampsMs,
    values: new Float64Array(entries.length).fill(Number.NaN),
    histograms: { entries, histograms },
  };
}

function labelsFor(i: number): Labels {
  return labelsOf({
    __name__: 'x_total',
    cpu: String(i % 10),
    instance: `host-${Math.floor(i / 10)}:9100`,
    job: 'node',
    mode: 'idle',
  });
}

if (import.meta.main) {
  const [series = '1000', hours = '1'] = process.argv.slice(2);
  for (const one of await benchRange({ series: Number(series), hours: Number(hours), rounds: 5 })) {
    process.stdout.write(
      `${one.expression.padEnd(58)} ${one.samples} samples, ${one.steps} steps, ${one.resultSeries} series: ` +
        `${one.wallMs.toFixed(1)} ms, CPU ${one.cpuMs.toFixed(1)} ms\n`,
    );
  }
}
