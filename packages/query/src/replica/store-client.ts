import type { ReadKind, ReadPart, StoreState, WireRequest } from '@tidemark/model';

/** One store, somewhere else. */
export interface StoreClient {
  /** For people, and to tell stores apart: `http://10.0.0.7:9470`. */
  readonly address: string;
  /**
   * Asks; parts come as they are read, and no faster than they are taken. Ends after the last frame, whatever that is.
   * Throws `STORE_AWAY` (nobody answers, or something else than a store does), `READ_ANSWER_MALFORMED`, the signal's reason.
   */
  ask(kind: ReadKind, request: WireRequest, signal: AbortSignal): AsyncIterable<ReadPart>;
  /** Throws as `ask`. */
  state(signal: AbortSignal): Promise<StoreState>;
  close(): void;
}
