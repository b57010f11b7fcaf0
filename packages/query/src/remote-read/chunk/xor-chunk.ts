import { BitWriter } from './bit-writer.ts';
import { XorNumbers } from './numbers.ts';

// A run of numbers as Prometheus' chunk of type XOR (its tsdb/docs/format/chunks.md):
//
//   chunk  := count u16be | time varint | value[64] | sample*, filled up to a whole byte
//   second := delta uvarint (ms since the first) | xor
//   later  := delta of the delta | xor
//   delta of the delta := 0 | 10 n[14] | 110 n[17] | 1110 n[20] | 1111 n[64]

export const XOR_ENCODING = 1;

const out = new BitWriter();

/** Samples `[from, to)` of the columns, at most 65,535; values as 32-bit words, the low one first. */
export function xorChunk(timesMs: Float64Array, words: Uint32Array, from: number, to: number): Uint8Array {
  out.reset();
  out.bits(to - from, 16);
  const first = timesMs[from] as number;
  writeVarint(BigInt.asUintN(64, (BigInt(first) << 1n) ^ (BigInt(first) >> 63n)));
  const [high, low] = [words[from * 2 + 1] as number, words[from * 2] as number];
  out.bits64(high, low, 64);
  const values = new XorNumbers(high, low);
  let before = first;
  let delta = 0;
  for (let i = from + 1; i < to; i++) {
    const time = timesMs[i] as number;
    if (i === from + 1) writeVarint(BigInt(time - before));
    else writeDeltaOfDelta(time - before - delta);
    delta = time - before;
    before = time;
    values.write(out, words[i * 2 + 1] as number, words[i * 2] as number);
  }
  return out.finish();
}

function writeVarint(value: bigint): void {
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) out.bits(Number(rest & 0x7fn) | 0x80, 8);
  out.bits(Number(rest), 8);
}

function writeDeltaOfDelta(value: number): void {
  if (value === 0) out.bits(0, 1);
  else if (fits(value, 14)) {
    out.bits(0b10, 2);
    out.bits(value, 14);
  } else if (fits(value, 17)) {
    out.bits(0b110, 3);
    out.bits(value, 17);
  } else if (fits(value, 20)) {
    out.bits(0b1110, 4);
    out.bits(value, 20);
  } else {
    out.bits(0b1111, 4);
    out.whole(value, 64);
  }
}

function fits(value: number, bits: number): boolean {
  const most = 2 ** (bits - 1);
  return value > -most && value <= most;
}
