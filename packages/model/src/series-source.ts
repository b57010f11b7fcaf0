import type { Resolution, RowColumns, RowFloatColumn } from './batch/row-batch.ts';
import type { SelectedHistograms } from './histogram/native-histogram.ts';
import type { Label, Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';
import type { TimeRange } from './time.ts';

// The read port: what a query asks of whatever holds series. storage-engine answers it, query and promql ask it, server
// hands one to the other. Everything comes back in columns, series by series, already merged from head, windows and
// segments, deduplicated, times strictly rising.

/** What a reader may ask of any source beyond what it selects. */
export interface ReadTerms {
  /** Only of these partitions of the log; absent: of all that the source has. */
  readonly partitions?: readonly number[];
  /** Records that have to be in the answer. A source that is filled from elsewhere waits for them, or refuses. */
  readonly notBefore?: readonly ReadPosition[];
  /** Whether an answer without the partitions that nobody can read now will do, with a warning; else that is an error. */
  readonly partial?: boolean;
}

/** Everything of a topic's partition below the offset. */
export interface ReadPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface SelectRequest extends ReadTerms {
  readonly tenant: string;
  /** All must hold; at least one must not match the empty string (checked by the caller). */
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  readonly limits: SelectLimits;
  readonly signal: AbortSignal;
  /** A hint: the step of the query, ms; sources may use it to choose a tier. */
  readonly stepMs?: number;
  /** A hint: of each series the newest sample in the range is enough, a stale marker too. Older ones may come with it. */
  readonly newestOnly?: boolean;
  /**
   * A hint: series may be handed over one at a time instead of being answered, all of them or none. Each is good until what this
   * returns is done, its columns are used again for the next; times that are the same array are the same times.
   */
  readonly each?: ((series: SelectedSeries) => Promise<void> | undefined) | undefined;
}

export interface SelectRowsRequest extends SelectRequest {
  readonly resolution: Resolution;
  /** A hint: what is asked of each row beside its end, count and revision; absent: all. Other columns may be empty or hold anything. */
  readonly columns?: readonly RowFloatColumn[] | undefined;
}

export interface SelectLimits {
  readonly seriesMax: number;
  readonly samplesMax: number;
}

export interface SelectedSeries {
  readonly labels: Labels;
  /** Strictly rising, inside the range. Series of one scrape may share one array: it says which series move in step. */
  readonly timestampsMs: Float64Array;
  /** Bits as stored; stale markers included. */
  readonly values: Float64Array;
  /** Absent: all of them are numbers. */
  readonly histograms?: SelectedHistograms | undefined;
}

export interface SelectedRows {
  readonly labels: Labels;
  /** Newest revision of each window, rising by end; `series` is meaningless here. */
  readonly rows: RowColumns;
}

export interface SelectAnswer<S> {
  /** Of samples and rows: in no particular order. */
  readonly series: readonly S[];
  /** What is missing or damaged, for people: "segment raw/0/... cannot be read: ...". */
  readonly warnings: readonly string[];
}

export interface LabelsRequest extends ReadTerms {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  /** At most so many are handed out, without a word: ask for one more than needed to know that there are more. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/**
 * Throws `SELECT_TOO_MANY_SERIES`, `SELECT_TOO_MANY_SAMPLES` with limit and number in message and details, and the
 * signal's reason when cancelled. A part that cannot be read is a warning, not an error.
 */
export interface SeriesSource {
  select(request: SelectRequest): Promise<SelectAnswer<SelectedSeries>>;
  /** Rollup rows as they are, windows whose end lies in the range. */
  selectRows(request: SelectRowsRequest): Promise<SelectAnswer<SelectedRows>>;
  /** Series with at least one sample possibly in the range. */
  series(request: LabelsRequest): Promise<SelectAnswer<Labels>>;
  /** Sorted names. */
  labelNames(request: LabelsRequest): Promise<SelectAnswer<string>>;
  /** Sorted values. */
  labelValues(request: LabelsRequest & { readonly name: Label['name'] }): Promise<SelectAnswer<string>>;
}
