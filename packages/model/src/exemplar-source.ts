import type { Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';
import type { ReadTerms, SelectAnswer } from './series-source.ts';
import type { TimeRange } from './time.ts';

// The read port of exemplars: what a sample stands for, by labels of its own (a trace, most of the time). Storage keeps the
// latest of each tenant, as many as its memory for them holds; the API asks.

export interface ExemplarRequest extends ReadTerms {
  readonly tenant: string;
  /** A series is meant when all matchers of one of these want it. */
  readonly selectors: readonly (readonly Matcher[])[];
  readonly range: TimeRange;
  /** At most so many are handed out, the rest is said in a warning. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs: number;
}

export interface SelectedExemplars {
  readonly labels: Labels;
  /** At least one; times strictly rising, inside the range. */
  readonly exemplars: readonly Exemplar[];
}

/** Series in no particular order. */
export type ExemplarSource = (request: ExemplarRequest) => Promise<SelectAnswer<SelectedExemplars>>;
