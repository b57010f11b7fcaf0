// What a select needs to know about a set of series: a tenant's series in a shard's registry, or in a sealed segment. Refs
// are dense numbers that mean something only inside their index.

export interface LabelIndex {
  /** Rising. */
  readonly refs: readonly number[];
  /** Refs by value of one label, each list rising; undefined when no series has the label. */
  postings(name: string): ReadonlyMap<string, readonly number[]> | undefined;
  names(): Iterable<string>;
  /** '' when the series lacks the label. */
  labelValue(ref: number, name: string): string;
  /** Canonical label bytes. */
  labelBytes(ref: number): Uint8Array;
}
