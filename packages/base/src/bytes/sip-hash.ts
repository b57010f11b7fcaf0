import { assert } from '../assert.ts';
import { digestPlainly } from './sip-hash-plain.ts';
import { loadSipHash } from './sip-hash-wasm.ts';

// SipHash-2-4 with an output of 128 bits (Aumasson and Bernstein; their reference code of 2014 for the longer output): a keyed hash.
// Whoever does not know the key can neither tell it from chance nor make two messages of one hash. For short messages: one of 170
// bytes takes a fifth of a microsecond in WebAssembly, where HMAC-SHA-256 by way of node:crypto takes twenty (model: series-identity.bench.ts).

export const SIP_KEY_BYTES = 16;
export const SIP_HASH_BYTES = 16;

/** Turns four words of state, then the message with its padding, into the 16 bytes of the hash. */
export type SipDigest = (state: Uint8Array, head: Uint8Array, bytes: Uint8Array) => Uint8Array<ArrayBuffer>;

let digest: SipDigest | undefined;

export class SipHash128 {
  /** v0 to v3 as they are before any message, little-endian. */
  readonly #state: Uint8Array;

  constructor(key: Uint8Array) {
    this.#state = initialState(key);
  }

  /** The hash of `head` and then `bytes`. */
  hash(head: Uint8Array, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    digest ??= loadSipHash() ?? digestPlainly;
    return digest(this.#state, head, bytes);
  }
}

// "somepseudorandomlygeneratedbytes", of which the second word says that the output is the longer one.
const CONSTANTS = [0x736f6d6570736575n, 0x646f72616e646f6dn ^ 0xeen, 0x6c7967656e657261n, 0x7465646279746573n];

export function initialState(key: Uint8Array): Uint8Array {
  assert(key.length === SIP_KEY_BYTES, 'a key of SipHash has 16 bytes');
  const from = new DataView(key.buffer, key.byteOffset, key.length);
  const state = new DataView(new ArrayBuffer(32));
  CONSTANTS.forEach((constant, i) => {
    state.setBigUint64(i * 8, constant ^ from.getBigUint64((i & 1) * 8, true), true);
  });
  return new Uint8Array(state.buffer);
}
