import { messageOf } from '@tidemark/base';
import type { StorePosition } from './answer.ts';
import { malformedAnswer } from './frame.ts';

// Where a store is asked, and what it says of itself.

/** Kinds of question; each is the last part of a route that takes a POST. */
export const READ_KINDS = [
  'select',
  'rows',
  'series',
  'label_names',
  'label_values',
  'metadata',
  'cardinality',
  'exemplars',
  // Waits until what the log holds now is in the store; the head says how far that is, and how far it got.
  'catch_up',
] as const;
export type ReadKind = (typeof READ_KINDS)[number];

export const STORE_PREFIX = '/internal/v1/store';
export const READ_CONTENT_TYPE = 'application/x-tidemark-read';

/** GET below the prefix, as JSON. */
export interface StoreState {
  /** Stores of a zone have all partitions together; several zones have each everything. */
  readonly zone: string;
  /** Partitions of the log, owned by anyone. */
  readonly partitions: number;
  /** Those that this store owns, rising. */
  readonly owned: readonly number[];
  readonly positions: readonly StorePosition[];
}

export function storeStateJson(state: StoreState): object {
  return { version: 0, ...state };
}

/** Throws `READ_ANSWER_MALFORMED`. */
export function readStoreState(text: string): StoreState {
  let read: StoreState & { readonly version: number };
  try {
    read = JSON.parse(text) as StoreState & { readonly version: number };
  } catch (cause) {
    throw malformedAnswer(messageOf(cause), cause);
  }
  if (read?.version !== 0) throw malformedAnswer(`its version is ${read?.version}; this Tidemark reads 0`);
  const { zone, partitions, owned, positions } = read;
  const isWhole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const fits =
    typeof zone === 'string' &&
    isWhole(partitions) &&
    Array.isArray(owned) &&
    owned.every((partition) => isWhole(partition) && partition < partitions) &&
    Array.isArray(positions);
  if (!fits) throw malformedAnswer('what it says of itself');
  return { zone, partitions, owned, positions };
}
