import type { MetricType, SeriesSection } from './series-section.ts';

// One tenant's samples, in columns. From the protocol decoders through the log to the head and the rollup it is this shape;
// on the log it travels as batch/codec.ts writes it.
//
//   series      0..n-1 with labels, type, unit, start time                        (series-section.ts)
//   samples     sampleSeries | timestampsMs | values, in step; arrival order       a sample repeats harmlessly:
//   histograms, exemplars, metadata: columns of their own                         (series, time) is its identity

export interface SampleBatch {
  readonly tenant: string;
  /** The admission clock: when the gateway let it in, wall ms. Windows close by this, never by event time. */
  readonly admittedAtMs: number;
  readonly series: SeriesSection;
  /** Index into `series`, per sample. */
  readonly sampleSeries: Uint32Array;
  /** Whole milliseconds since the epoch. */
  readonly timestampsMs: Float64Array;
  /** NaN payloads, -0 and infinities are data. */
  readonly values: Float64Array;
  readonly histograms: HistogramColumns | undefined;
  readonly exemplars: ExemplarColumns | undefined;
  readonly metadata: readonly MetricMetadata[] | undefined;
}

/**
 * Native histograms; each is bytes of its own, `bytes[ends[i - 1] or 0, ends[i])`, as histogram/codec.ts writes them. In log order they
 * come after the batch's numbers.
 */
export interface HistogramColumns {
  readonly series: Uint32Array;
  readonly timestampsMs: Float64Array;
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

export interface ExemplarColumns {
  readonly series: Uint32Array;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** Canonical labels of exemplar i are `labelBytes[labelEnds[i - 1] or 0, labelEnds[i])`. */
  readonly labelEnds: Uint32Array;
  readonly labelBytes: Uint8Array;
  /** 1: it named no time, the one it has is its sample's. Absent: all named one. */
  readonly hasNoTime?: Uint8Array | undefined;
}

export interface MetricMetadata {
  readonly metric: string;
  readonly type: MetricType;
  readonly unit: string;
  readonly help: string;
}
