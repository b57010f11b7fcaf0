import type { BitWriter } from './bit-writer.ts';

// The numbers in Prometheus' chunks, in as many bits as they need.
//
//   whole     := 0                            0
//              | 10 n[3] | 110 n[6] | 1110 n[9] | 11110 n[12] | 111110 n[18] | 1111110 n[25]
//              | 11111110 n[56] | 11111111 n[64]
//   xor       := 0                            the same as before
//              | 10 bits                      the bits that differ, in the stretch that was told last
//              | 11 leading[5] length[6] bits a stretch anew: zeros before it (31 at most), its length (64 as 0)
//
// n bits of a whole number hold one from -(2^(n-1) - 1) to 2^(n-1); without sign, one below 2^n.

const WIDTHS = [3, 6, 9, 12, 18, 25] as const;
const MOST_56 = 2 ** 55;

/** A whole number with a sign, within 2^53. */
export function writeWhole(out: BitWriter, value: number): void {
  if (value === 0) return void out.bits(0, 1);
  for (const [i, width] of WIDTHS.entries()) {
    const most = 2 ** (width - 1);
    if (value <= most && value > -most) {
      out.bits(PREFIX[i] as number, i + 2);
      return void out.bits(value, width);
    }
  }
  writeLong(out, value, value <= MOST_56 && value > -MOST_56);
}

/** A whole number of at least 0, within 2^53. */
export function writeCount(out: BitWriter, value: number): void {
  if (value === 0) return void out.bits(0, 1);
  for (const [i, width] of WIDTHS.entries()) {
    if (value < 2 ** width) {
      out.bits(PREFIX[i] as number, i + 2);
      return void out.bits(value, width);
    }
  }
  writeLong(out, value, true);
}

// 10, 110, 1110, ...
const PREFIX = WIDTHS.map((_, i) => 2 ** (i + 2) - 2);

function writeLong(out: BitWriter, value: number, in56: boolean): void {
  out.bits(in56 ? 0b1111_1110 : 0b1111_1111, 8);
  out.whole(value, in56 ? 56 : 64);
}

/** A double, told as what differs from the one before; by its bits, so that every NaN stays which it is. */
export class XorNumbers {
  #high: number;
  #low: number;
  #leading = UNTOLD;
  #trailing = 0;

  constructor(high: number, low: number) {
    this.#high = high;
    this.#low = low;
  }

  write(out: BitWriter, high: number, low: number): void {
    const xorHigh = (this.#high ^ high) >>> 0;
    const xorLow = (this.#low ^ low) >>> 0;
    this.#high = high;
    this.#low = low;
    if (xorHigh === 0 && xorLow === 0) return void out.bits(0, 1);
    const leading = Math.min(xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh), LEADING_MOST);
    const trailing = xorLow === 0 ? 32 + trailingZeros(xorHigh) : trailingZeros(xorLow);
    if (this.#leading !== UNTOLD && leading >= this.#leading && trailing >= this.#trailing) {
      out.bits(0b10, 2);
    } else {
      this.#leading = leading;
      this.#trailing = trailing;
      out.bits(0b11, 2);
      out.bits(leading, 5);
      out.bits((64 - leading - trailing) & 63, 6);
    }
    writeShifted(out, xorHigh, xorLow, this.#trailing, 64 - this.#leading - this.#trailing);
  }
}

const UNTOLD = 255;
const LEADING_MOST = 31;

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** `count` bits of a number of 64, without the lowest `shift`. */
function writeShifted(out: BitWriter, high: number, low: number, shift: number, count: number): void {
  if (shift === 0) return void out.bits64(high, low, count);
  if (shift >= 32) return void out.bits64(0, high >>> (shift - 32), count);
  out.bits64(high >>> shift, (low >>> shift) | (high << (32 - shift)), count);
}
