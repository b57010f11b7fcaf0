import type { SeriesSection } from '@tidemark/model';

// What admission and routing need to know of series, whoever keeps them: the directory (remote write, known series by
// their wire bytes) or a batch's own section (everything that comes as a SampleBatch). A ref is an index into the columns,
// valid until control goes back to the event loop.

/** One entry per ref. Columns may be replaced when they grow: read them anew after every resolve. */
export interface SeriesColumns {
  /** Which way the series goes (route/routes.ts). */
  ways: Uint16Array;
  /** In which activity window the series was last counted (admission/active-series.ts). */
  activeStamps: Uint32Array;
  /** Scratch of the router: the outgoing record the series was last put into, and its index there. */
  recordStamps: Float64Array;
  recordIndexes: Uint32Array;
}

export function makeColumns(count: number): SeriesColumns {
  return {
    ways: new Uint16Array(count),
    activeStamps: new Uint32Array(count),
    recordStamps: new Float64Array(count),
    recordIndexes: new Uint32Array(count),
  };
}

export interface SeriesTable {
  readonly columns: SeriesColumns;
  /** By ref, of series whose way depends on the time of a sample. */
  readonly masks: ReadonlyMap<number, number>;
  /** Bytes of the canonical labels. */
  labelLength(ref: number): number;
  /** A 53-bit fingerprint of the canonical labels, never 0. The same in every table. */
  fingerprint(ref: number): number;
  /** `name{a="b"}`, for people. */
  describe(ref: number): string;
  /** The section of these series in this order; the same object again for the same refs where that is cheap. */
  section(way: number, refs: Uint32Array): SeriesSection;
}
