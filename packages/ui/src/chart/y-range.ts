// The vertical extent of a chart, from the data's and the panel's wishes.

export interface YBounds {
  /** The axis always reaches this far down and up. */
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Never above this, whatever headroom would add (100 for percent). */
  readonly limit?: number;
  /** Zero belongs to the picture: areas, counts, rates. */
  readonly zero?: boolean;
}

/** Share of the extent left free above (and below) the data. */
const headroom = 0.08;

/** [min, max] with min < max, whatever the data; an empty chart gets [0, 1]. */
export function yRange(min: number | null, max: number | null, bounds: YBounds): [number, number] {
  const empty = min === null || max === null;
  let low = empty ? 0 : min;
  let high = empty ? (bounds.atLeast ?? 1) : max;
  if (bounds.zero === true) {
    low = Math.min(low, 0);
    high = Math.max(high, 0);
  }
  const room = (high - low || Math.abs(high) || 1) * headroom;
  if (!(bounds.zero === true && high === 0) || low === high) high += room;
  if (!(bounds.zero === true && low === 0)) low -= room;
  low = Math.min(low, bounds.atMost ?? low);
  high = Math.max(high, bounds.atLeast ?? high);
  if (bounds.limit !== undefined && high > bounds.limit) high = Math.max(bounds.limit, empty ? bounds.limit : max);
  return [low, high > low ? high : low + 1];
}

/** The extent of a logarithmic axis: the powers of ten around the data, at least one decade apart. */
export function logRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !(min > 0) || !(max > 0)) return [1, 10];
  const low = 10 ** Math.floor(Math.log10(min) + 1e-9);
  const high = 10 ** Math.ceil(Math.log10(max) - 1e-9);
  return [low, high > low ? high : low * 10];
}
