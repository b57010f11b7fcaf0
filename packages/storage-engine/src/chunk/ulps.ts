import { wordsOf } from '@tidemark/model';

// Doubles by how many doubles they lie behind another: as whole numbers their bits count them, away from zero. A program that
// divides twice, or multiplies by a thousandth, makes numbers that are a decimal but for the last bit or two.

const one = new Float64Array(1);
const oneWords = wordsOf(one);

/** How many doubles the one at `at` of `words` lies behind `from`. Exact where it is small. */
export function ulpsBehind(words: Uint32Array, at: number, from: number): number {
  one[0] = from;
  const high = (words[at * 2 + 1] as number) - (oneWords[1] as number);
  return high * 0x1_0000_0000 + (words[at * 2] as number) - (oneWords[0] as number);
}

/** Puts each of `words[at, at + count)` so many doubles further. */
export function addUlps(words: Uint32Array, at: number, count: number, ulps: Float64Array): void {
  for (let i = 0; i < count; i++) {
    const low = (words[(at + i) * 2] as number) + (ulps[i] as number);
    words[(at + i) * 2] = low;
    // The carry, or what was borrowed.
    const carry = Math.floor(low / 0x1_0000_0000);
    if (carry !== 0) words[(at + i) * 2 + 1] = (words[(at + i) * 2 + 1] as number) + carry;
  }
}
