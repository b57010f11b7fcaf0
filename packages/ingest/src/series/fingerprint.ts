import { hash32 } from '@tidemark/base';

// A fingerprint tells series apart where a mistake costs nothing but a count: 53 bits of two murmur hashes. Among three
// million series, two share one with a chance of one in two thousand.

const SECOND_SEED = 0x5bd1e995;

export function fingerprintOf(canonical: Uint8Array, start: number, end: number): number {
  const high = hash32(canonical, start, end, SECOND_SEED) & 0x1f_ffff;
  const low = hash32(canonical, start, end);
  return high * 0x1_0000_0000 + low || 1;
}
