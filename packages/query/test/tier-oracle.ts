// What functions over ranges mean, said as plainly as can be, over all samples ever taken; and what a rollup row is. The oracle
// that answers from tiers are held against: it knows nothing of how they are stored, cut or put together.

export type Sample = readonly [ms: number, value: number];
export const STALE = Symbol('stale');
export type Mark = readonly [ms: number, value: number | typeof STALE];

export function isSample(mark: Mark): mark is Sample {
  return mark[1] !== STALE;
}

/** Samples in `(afterMs, untilMs]`. */
export function within(marks: readonly Mark[], afterMs: number, untilMs: number): Sample[] {
  return marks.filter(isSample).filter(([ms]) => ms > afterMs && ms <= untilMs);
}

export function instantAt(marks: readonly Mark[], atMs: number, lookbackMs: number): number | undefined {
  const newest = marks.filter(([ms]) => ms > atMs - lookbackMs && ms <= atMs).at(-1);
  return newest && isSample(newest) ? newest[1] : undefined;
}

export function growth(samples: readonly Sample[]): number {
  let total = 0;
  for (let i = 1; i < samples.length; i++) {
    const [, before] = samples[i - 1] as Sample;
    const [, value] = samples[i] as Sample;
    total += value < before ? value : value - before;
  }
  return total;
}

/** Prometheus' extrapolation. */
function stretched(samples: readonly Sample[], afterMs: number, untilMs: number, counter: boolean): number | undefined {
  if (samples.length < 2) return undefined;
  const [firstMs, first] = samples[0] as Sample;
  const [lastMs, last] = samples.at(-1) as Sample;
  const grown = counter ? growth(samples) : last - first;
  const sampled = lastMs - firstMs;
  const gap = sampled / (samples.length - 1);
  let before = firstMs - afterMs;
  let behind = untilMs - lastMs;
  if (before >= gap * 1.1) before = gap / 2;
  if (behind >= gap * 1.1) behind = gap / 2;
  if (counter && grown > 0 && first >= 0) before = Math.min(before, sampled * (first / grown));
  return (grown * (sampled + before + behind)) / sampled;
}

export type OverTime = (samples: readonly Sample[], afterMs: number, untilMs: number) => number | undefined;

const values = (samples: readonly Sample[]) => samples.map(([, value]) => value);
const sum = (samples: readonly Sample[]) => values(samples).reduce((total, value) => total + value, 0);
const ofAny =
  (of: (samples: readonly Sample[]) => number): OverTime =>
  (samples) =>
    samples.length === 0 ? undefined : of(samples);

export const OVER_TIME: Readonly<Record<string, OverTime>> = {
  count_over_time: ofAny((samples) => samples.length),
  sum_over_time: ofAny(sum),
  avg_over_time: ofAny((samples) => sum(samples) / samples.length),
  min_over_time: ofAny((samples) => Math.min(...values(samples))),
  max_over_time: ofAny((samples) => Math.max(...values(samples))),
  first_over_time: ofAny((samples) => (samples[0] as Sample)[1]),
  last_over_time: ofAny((samples) => (samples.at(-1) as Sample)[1]),
  ts_of_first_over_time: ofAny((samples) => (samples[0] as Sample)[0] / 1000),
  ts_of_last_over_time: ofAny((samples) => (samples.at(-1) as Sample)[0] / 1000),
  present_over_time: ofAny(() => 1),
  increase: (samples, afterMs, untilMs) => stretched(samples, afterMs, untilMs, true),
  rate: (samples, afterMs, untilMs) => {
    const increase = stretched(samples, afterMs, untilMs, true);
    return increase === undefined ? undefined : increase / ((untilMs - afterMs) / 1000);
  },
  delta: (samples, afterMs, untilMs) => stretched(samples, afterMs, untilMs, false),
};

/** The columns of the rows of a series, windows `(end - rowMs, end]`. */
export function rowsOf(marks: readonly Mark[], rowMs: number) {
  const windows = new Map<number, Sample[]>();
  for (const mark of marks.filter(isSample)) {
    const endMs = Math.ceil(mark[0] / rowMs) * rowMs;
    const samples = windows.get(endMs);
    if (samples) samples.push(mark);
    else windows.set(endMs, [mark]);
  }
  return [...windows].map(([endMs, samples]) => ({
    endMs,
    count: samples.length,
    sum: sum(samples),
    min: Math.min(...values(samples)),
    max: Math.max(...values(samples)),
    firstMs: (samples[0] as Sample)[0],
    first: (samples[0] as Sample)[1],
    lastMs: (samples.at(-1) as Sample)[0],
    last: (samples.at(-1) as Sample)[1],
    increase: growth(samples),
  }));
}
