import type { SpanColumn } from '../value/spans.ts';

// What a selector is read for: with it a source can tell whether rows would answer as well as samples.

export interface SelectorUse {
  /**
   * `instant`: one value at a time, by the lookback. `rows`: a range, for a function that rows answer by their own meaning.
   * `samples`: a range, for anything else.
   */
  readonly kind: 'instant' | 'rows' | 'samples';
  /** The function that takes the range, for people; undefined where there is none. */
  readonly functionName: string | undefined;
  /** Where rows stand for samples, all that is read of them. */
  readonly columns: readonly SpanColumn[];
  /** Length of each window; of an instant the lookback. */
  readonly rangeMs: number;
  /** Where the first window ends, `@` and offset taken in. */
  readonly firstMs: number;
  /** From one window's end to the next; 0: there is one. */
  readonly stepMs: number;
}
