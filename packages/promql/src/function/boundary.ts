import { firstAfter, firstAtOrAfter } from '../value/search.ts';
import type { Growth } from './definition.ts';

// What a series was at the two ends of a range, from points before, in and behind it, and how much it grew between them.
//
//   anchored   (·  ·  |·  ·  ·  |         the last point before the start stands for the start, the last point inside for the end
//   smoothed   (·  ·  x·  ·  ·  x  ·      where no point stands on an end, the line between the points around it
//
// The line of a counter that fell between two points begins at zero: it was new after the first of them.

/** A range over the points `[from, to)`, of which some lie beyond it. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly smoothed: boolean;
}

/** The points that tell the ends. */
export interface Boundary {
  readonly first: number;
  readonly last: number;
  /** The start lies between `first` and the point after it. */
  readonly startsBetween: boolean;
  /** The end lies between `last` and the point before it. */
  readonly endsBetween: boolean;
}

/** Undefined: nothing is known of the range. Requires a point at least. */
export function boundaryOf(timestampsMs: Float64Array, range: Range): Boundary | undefined {
  const { from, to, startMs, endMs, smoothed } = range;
  const newest = to - 1;
  const first = Math.max(from, firstAfter(timestampsMs, from, newest, startMs) - 1);
  const last = smoothed ? firstAtOrAfter(timestampsMs, from, newest, endMs) : newest;
  const firstMs = timestampsMs[first] as number;
  const lastMs = timestampsMs[last] as number;
  if (lastMs <= startMs || (smoothed && firstMs > endMs)) return undefined;
  return {
    first,
    last,
    startsBetween: smoothed && firstMs < startMs,
    endsBetween: smoothed && last > from && lastMs > endMs,
  };
}

/** On the line between point `i` and the next. */
export function between(
  timestampsMs: Float64Array,
  values: Float64Array,
  i: number,
  ms: number,
  counter: boolean,
): number {
  const after = values[i + 1] as number;
  let before = values[i] as number;
  if (counter && after < before) before = 0;
  const beforeMs = timestampsMs[i] as number;
  return before + ((after - before) * (ms - beforeMs)) / ((timestampsMs[i + 1] as number) - beforeMs);
}

/** The values at the two ends. */
export function endsOf(
  timestampsMs: Float64Array,
  values: Float64Array,
  { first, last, startsBetween, endsBetween }: Boundary,
  { startMs, endMs }: Range,
  counter: boolean,
): readonly [number, number] {
  return [
    startsBetween ? between(timestampsMs, values, first, startMs, counter) : (values[first] as number),
    endsBetween ? between(timestampsMs, values, last - 1, endMs, counter) : (values[last] as number),
  ];
}

/** Undefined: nothing is known of the range. */
export function boundedGrowth(
  timestampsMs: Float64Array,
  values: Float64Array,
  range: Range,
  { counter, perSecond }: Growth,
): number | undefined {
  const boundary = boundaryOf(timestampsMs, range);
  if (boundary === undefined) return undefined;
  const { startMs, endMs } = range;
  const [left, right] = endsOf(timestampsMs, values, boundary, range, counter);
  let growth = right - left;
  if (counter) {
    const [low, high] = inside(timestampsMs, boundary, range);
    let before = left;
    for (let i = low; i < high; i++) {
      const value = values[i] as number;
      if (value < before) growth += before;
      before = value;
    }
    if (right < before) growth += before;
  }
  return perSecond ? growth / ((endMs - startMs) / 1000) : growth;
}

/** The points strictly between the two ends: `[low, high)`. */
export function inside(timestampsMs: Float64Array, { first, last }: Boundary, range: Range): readonly [number, number] {
  const low = (timestampsMs[first] as number) <= range.startMs ? first + 1 : first;
  const high = (timestampsMs[last] as number) >= range.endMs ? last : last + 1;
  return [low, high];
}
