import type { Labels } from '@tidemark/model';
import type { FloatHistogram, HistogramColumn } from '@tidemark/promql';

// What the service answers, in the shapes the API writes out.

export interface Point {
  readonly labels: Labels;
  readonly atMs: number;
  /** NaN where there is a histogram. */
  readonly value: number;
  /** Absent: the value is a number. */
  readonly histogram?: FloatHistogram | undefined;
}

export interface Line {
  readonly labels: Labels;
  /** Rising; one entry a point, steps without a value left out. */
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** Those among the values that are native histograms; absent: all are numbers. */
  readonly histograms?: HistogramColumn | undefined;
}

export type Result =
  | { readonly kind: 'vector'; readonly points: readonly Point[] }
  | { readonly kind: 'matrix'; readonly lines: readonly Line[] }
  | { readonly kind: 'scalar'; readonly atMs: number; readonly value: number }
  | { readonly kind: 'string'; readonly atMs: number; readonly text: string };

export interface Answer {
  readonly result: Result;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** Whether a strong read was fulfilled; true when none was asked for. */
  readonly fresh: boolean;
  /** The tiers it came from, finest first; none where no series was asked for. */
  readonly resolutions: readonly string[];
  /** Whether every value is what all samples would give. */
  readonly exact: boolean;
  readonly stats: { readonly samplesRead: number; readonly seconds: number };
}
