import type { SipDigest } from './sip-hash.ts';

// SipHash as it is written down, with BigInt: for where there is no WebAssembly, a hundred times slower.

const MASK = 0xffff_ffff_ffff_ffffn;

export const digestPlainly: SipDigest = (state, head, bytes) => {
  const message = paddedMessage(head, bytes);
  const start = new DataView(state.buffer, state.byteOffset, 32);
  const v = [0, 8, 16, 24].map((at) => start.getBigUint64(at, true)) as Words;
  for (let at = 0; at < message.byteLength; at += 8) {
    const word = message.getBigUint64(at, true);
    v[3] ^= word;
    for (let i = 0; i < 2; i++) round(v);
    v[0] ^= word;
  }
  const out = new DataView(new ArrayBuffer(16));
  for (const [at, mark] of [
    [0, 2],
    [8, 1],
  ] as const) {
    v[mark] ^= at === 0 ? 0xeen : 0xddn;
    for (let i = 0; i < 4; i++) round(v);
    out.setBigUint64(at, v[0] ^ v[1] ^ v[2] ^ v[3], true);
  }
  return new Uint8Array(out.buffer);
};

type Words = [bigint, bigint, bigint, bigint];

/** Zeroes up to a whole word, of which the last byte is the length modulo 256. */
function paddedMessage(head: Uint8Array, bytes: Uint8Array): DataView {
  const length = head.length + bytes.length;
  const message = new Uint8Array((Math.floor(length / 8) + 1) * 8);
  message.set(head);
  message.set(bytes, head.length);
  message[message.length - 1] = length;
  return new DataView(message.buffer);
}

function round(v: Words): void {
  v[0] = (v[0] + v[1]) & MASK;
  v[1] = rotated(v[1], 13n) ^ v[0];
  v[0] = rotated(v[0], 32n);
  v[2] = (v[2] + v[3]) & MASK;
  v[3] = rotated(v[3], 16n) ^ v[2];
  v[0] = (v[0] + v[3]) & MASK;
  v[3] = rotated(v[3], 21n) ^ v[0];
  v[2] = (v[2] + v[1]) & MASK;
  v[1] = rotated(v[1], 17n) ^ v[2];
  v[2] = rotated(v[2], 32n);
}

const rotated = (word: bigint, by: bigint): bigint => ((word << by) | (word >> (64n - by))) & MASK;
