/** The first index in `[from, to)` whose time is after `ms`; `to` where there is none. Requires rising times. */
export function firstAfter(timestampsMs: Float64Array, from: number, to: number, ms: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timestampsMs[middle] as number) > ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first index in `[from, to)` whose time is `ms` or after it. */
export function firstAtOrAfter(timestampsMs: Float64Array, from: number, to: number, ms: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timestampsMs[middle] as number) >= ms) high = middle;
    else low = middle + 1;
  }
  return low;
}
