import { randomBytes } from 'node:crypto';

// The only room that draws chance. Everything random takes a Random, so that a seed replays it.

export interface Random {
  /** Uniform in [0, 1), 32 bits of resolution. */
  next(): number;
  /** Uniform whole number in [0, bound), bound <= 2^32. */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
}

/** sfc32 (Chris Doty-Humphrey, PractRand): small, fast, passes BigCrush; seeded through splitmix32. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const splitmix = () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let counter = 1;
  const nextU32 = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) nextU32();
  return {
    next: () => nextU32() / 0x1_0000_0000,
    below: (bound) => Math.floor((nextU32() / 0x1_0000_0000) * bound),
    bytes(length) {
      const out = new Uint8Array(length);
      for (let i = 0; i < length; i++) out[i] = nextU32() & 0xff;
      return out;
    },
  };
}

/** Chance from the operating system: keys, ids, jitter. */
export const systemRandom: Random = {
  next: () => randomBytes(4).readUInt32LE() / 0x1_0000_0000,
  below: (bound) => Math.floor((randomBytes(4).readUInt32LE() / 0x1_0000_0000) * bound),
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
