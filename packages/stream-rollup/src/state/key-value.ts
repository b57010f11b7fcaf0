import type { StateStore } from './store.ts';

/** Bytes by bytes, ordered as memcmp orders keys. A store copies what it is given and what it hands out. */
export interface KeyValueStore extends StateStore {
  get(key: Uint8Array): Uint8Array | undefined;
  put(key: Uint8Array, value: Uint8Array): void;
  /** An absent key is fine. */
  delete(key: Uint8Array): void;
  /**
   * Entries with keys in `[from, until)`, in order; undefined is open. Asynchronous, so for inspection and for work
   * outside `process`. Requires: nothing changes meanwhile.
   */
  entries(from?: Uint8Array, until?: Uint8Array): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
}

/** A key as a string of one char per byte: a map key whose order is memcmp's. */
export function textOfKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

export function keyOfText(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
