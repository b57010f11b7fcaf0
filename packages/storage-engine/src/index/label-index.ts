import type { LabelPostings } from './postings.ts';

// What a select needs to know about a set of series: a tenant's series in a shard's registry, or in a sealed segment. Refs
// are dense numbers that mean something only inside their index.

export interface LabelIndex {
  readonly count: number;
  /** Rising; a copy. */
  refs(): number[];
  /** Undefined when no series has the label. */
  postings(name: string): LabelPostings | undefined;
  names(): Iterable<string>;
  /** '' when the series lacks the label. */
  labelValue(ref: number, name: string): string;
  /** Canonical label bytes. */
  labelBytes(ref: number): Uint8Array;
}
