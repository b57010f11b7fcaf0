// Quantiles of what stands in a scratch array: windows are copied there, because sorting must not touch the points and
// allocating for every window costs more than the sorting.

let scratch = new Float64Array(256);

// Up to here insertion beats the typed array's own sort, which pays for a view and a call.
const INSERTION_MAX = 48;
// A scratch larger than this (8 MB) is given back after use.
const SCRATCH_KEPT = 1_048_576;

/** Copies `values[from, to)` to the scratch array and returns it; valid until the next call. */
export function toScratch(values: Float64Array, from: number, to: number): Float64Array {
  const count = to - from;
  if (scratch.length < count || (scratch.length > SCRATCH_KEPT && count < SCRATCH_KEPT)) {
    scratch = new Float64Array(Math.max(256, count * 2));
  }
  for (let i = 0; i < count; i++) scratch[i] = values[from + i] as number;
  return scratch;
}

/**
 * The q-quantile of `values[0, count)` by linear interpolation between ranks. Sorts them in place.
 * Outside [0, 1] it is infinite, of nothing or for q NaN it is NaN. NaN among the values counts as less than everything.
 */
export function quantileOf(q: number, values: Float64Array, count: number): number {
  if (count === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  sortNanFirst(values, count);
  const rank = q * (count - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(count - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return (values[lower] as number) * (1 - weight) + (values[upper] as number) * weight;
}

function sortNanFirst(values: Float64Array, count: number): void {
  const nans = nansToFront(values, count);
  if (count - nans > INSERTION_MAX) {
    values.subarray(nans, count).sort();
    return;
  }
  for (let i = nans + 1; i < count; i++) {
    const value = values[i] as number;
    let at = i;
    for (; at > nans && (values[at - 1] as number) > value; at--) values[at] = values[at - 1] as number;
    values[at] = value;
  }
}

function nansToFront(values: Float64Array, count: number): number {
  let nans = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i] as number;
    if (value === value) continue;
    values[i] = values[nans] as number;
    values[nans++] = value;
  }
  return nans;
}
