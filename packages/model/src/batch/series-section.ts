import type { Labels } from '../labels.ts';
import { decodeLabels } from '../labels.ts';

// The series a batch names, once each, in the order in which the batch met them.
//
//   labelBytes   |canonical labels of 0|canonical labels of 1|...
//   labelEnds     ^ end of 0            ^ end of 1
//
// Immutable and shared: a decoder that meets the same section again hands out the same object, so whoever resolved it once
// can keep what it found by identity (WeakMap) and resolve the next scrape of the same target for nothing.

/** What kind of metric a series belongs to. Numbers are on the wire and never reused. */
export const METRIC_TYPES = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'summary',
  'info',
  'stateset',
  'gaugehistogram',
] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

export interface SeriesSection {
  readonly count: number;
  /** Canonical labels (labels.ts) of all series, end to end. */
  readonly labelBytes: Uint8Array;
  /** Series i is `labelBytes[labelEnds[i - 1] or 0, labelEnds[i])`. */
  readonly labelEnds: Uint32Array;
  /** Index into METRIC_TYPES. */
  readonly types: Uint8Array;
  /** Unit per series ('' unknown); absent when no series has one. */
  readonly units: readonly string[] | undefined;
  /** When a cumulative series began, ms (NaN unknown); absent when no series has one. */
  readonly startTimesMs: Float64Array | undefined;
}

export function labelStart(section: SeriesSection, index: number): number {
  return index === 0 ? 0 : (section.labelEnds[index - 1] as number);
}

/** Labels of one series as text: for people and tests, not for hot paths. */
export function sectionLabels(section: SeriesSection, index: number): Labels {
  return decodeLabels(section.labelBytes, labelStart(section, index), section.labelEnds[index] as number);
}
