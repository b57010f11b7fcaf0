import type { SeriesSection } from './series-section.ts';

// Rollup rows of one tenant and one resolution, in columns. A row is absolute: it replaces what an older revision said of
// the same (series, window, resolution), and is never added to it. What the columns mean: rollup-row.ts.

export type Resolution = '1m' | '1h';
export const RESOLUTION_MS: Readonly<Record<Resolution, number>> = { '1m': 60_000, '1h': 3_600_000 };

export interface RowBatch {
  readonly tenant: string;
  readonly resolution: Resolution;
  readonly admittedAtMs: number;
  readonly series: SeriesSection;
  readonly rows: RowColumns;
}

/** All columns have `length` entries. Windows are `(endMs - resolution, endMs]`. */
export interface RowColumns {
  readonly length: number;
  /** Index into the section's series. */
  readonly series: Uint32Array;
  readonly endMs: Float64Array;
  /** 0: the row is taken back (a stale marker replaced the only values of its window), and is no row. */
  readonly count: Float64Array;
  /** Neumaier pair: the sum is `sum + compensation`. */
  readonly sum: Float64Array;
  readonly compensation: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly first: Float64Array;
  readonly firstMs: Float64Array;
  readonly last: Float64Array;
  readonly lastMs: Float64Array;
  readonly increase: Float64Array;
  /** The revision: the greatest (generation, offset) of a row is the row. */
  readonly generation: Uint32Array;
  /** Highest source offset included. */
  readonly offset: Float64Array;
}

/** The float columns, in the order in which they are written. */
export const ROW_FLOAT_COLUMNS = [
  'count',
  'sum',
  'compensation',
  'min',
  'max',
  'first',
  'firstMs',
  'last',
  'lastMs',
  'increase',
] as const;

export type RowFloatColumn = (typeof ROW_FLOAT_COLUMNS)[number];

export function makeRowColumns(length: number): RowColumns {
  const f64 = () => new Float64Array(length);
  return {
    length,
    series: new Uint32Array(length),
    endMs: f64(),
    count: f64(),
    sum: f64(),
    compensation: f64(),
    min: f64(),
    max: f64(),
    first: f64(),
    firstMs: f64(),
    last: f64(),
    lastMs: f64(),
    increase: f64(),
    generation: new Uint32Array(length),
    offset: f64(),
  };
}

/** Whether revision a is newer than b. */
export function revisionAfter(aGeneration: number, aOffset: number, bGeneration: number, bOffset: number): boolean {
  return aGeneration !== bGeneration ? aGeneration > bGeneration : aOffset > bOffset;
}
