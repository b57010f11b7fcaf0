import { expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import { initialState, SipHash128 } from './sip-hash.ts';
import { digestPlainly } from './sip-hash-plain.ts';
import { loadSipHash } from './sip-hash-wasm.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);
const NOTHING = new Uint8Array(0);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

// The authors' vectors_sip128: message n is the bytes 0, 1, ... n - 1.
test.each([
  [0, 'a3817f04ba25a8e66df67214c7550293'],
  [1, 'da87c1d86b99af44347659119b22fc45'],
  [2, '8177228da4a45dc7fca38bdef60affe4'],
])('the hash of %i bytes is what its authors say', (length, expected) => {
  const message = Uint8Array.from({ length }, (_, i) => i);
  expect(hex(new SipHash128(KEY).hash(NOTHING, message))).toBe(expected);
  expect(hex(digestPlainly(initialState(KEY), message, NOTHING))).toBe(expected);
});

test('both ways agree at every length, wherever the head ends', () => {
  const digest = loadSipHash();
  const random = seededRandom(7);
  const lengths = [...Array.from({ length: 70 }, (_, i) => i), 255, 256, 257, 65_536, 131_000, 200_000];
  for (const length of lengths) {
    const message = random.bytes(length);
    const state = initialState(random.bytes(16));
    const head = Math.min(length, random.below(40));
    const [front, back] = [message.subarray(0, head), message.subarray(head)];
    expect(hex(digest?.(state, front, back) ?? NOTHING)).toBe(hex(digestPlainly(state, message, NOTHING)));
  }
});

test('a key of another length is refused', () => {
  expect(() => new SipHash128(KEY.subarray(1))).toThrow('16 bytes');
});
