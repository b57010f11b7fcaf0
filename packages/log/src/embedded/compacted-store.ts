import type { LogRecord } from '../log.ts';
import type { Slice } from '../reader.ts';
import type { Materialised } from './control-body.ts';

/** A tombstone stays while it is at or above this offset and not older than this. */
export interface TombstonesKept {
  readonly fromOffset: number;
  readonly sinceMs: number;
}

/** Where a compacted topic keeps the last record of every key, so that the journal may let its files go. */
export interface CompactedStore {
  /** Everything below this offset of the partition is in the store, and durable. */
  through(partition: number): number;
  /** What the store holds, for the journal's own account of it. */
  account(topicId: number): Materialised;
  /** Records from `position` on, in offset order; requires position < through. `nextOffset` is at most `through`. */
  read(partition: number, position: number, maxBytes: number): Promise<Slice>;
  /**
   * Takes the records of one partition from `through` to `newThrough`, in offset order; durable when it resolves.
   * Of the tombstones it held before, those go that everyone has passed or that are too old.
   */
  take(partition: number, records: readonly LogRecord[], newThrough: number, keep: TombstonesKept): Promise<void>;
  close(): Promise<void>;
}
