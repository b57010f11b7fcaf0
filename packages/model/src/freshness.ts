import type { ReadPosition } from './series-source.ts';

// How far storage has read. A strong read waits until everything acknowledged before it began is visible.

export interface Freshness {
  /**
   * Resolves to true when all that was committed to the raw topics at the time of the call is visible to queries, to false
   * when `timeoutMs` passed first.
   */
  caughtUp(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  /**
   * The same where several storages may answer a read that follows: what it has to have read for that, undefined for false.
   * Absent where one storage answers all.
   */
  pinned?(timeoutMs: number, signal?: AbortSignal): Promise<readonly ReadPosition[] | undefined>;
}
