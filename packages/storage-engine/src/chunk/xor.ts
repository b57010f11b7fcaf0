import type { ByteReader, ByteWriter } from '@tidemark/base';
import { BitReader } from '../bits/bit-reader.ts';
import { BitWriter } from '../bits/bit-writer.ts';

// Doubles by what changes from one to the next (Gorilla: Pelkonen et al., VLDB 2015), bit for bit.
//
//   xor  := length uvarint | first f64 | bits
//   bit 0                                       the same bits again
//   bits 1 0  | middle                          the changed bits lie inside the window of the last one
//   bits 1 1  | leading 6 | length-1 6 | middle a new window
//
// Each double is two words, high and low; a window is the bits between the leading and the trailing zeros of the xor.

export function writeXor(writer: ByteWriter, words: Uint32Array, start: number, count: number): void {
  const lengthAt = writer.length;
  writer.u32(0);
  writer.u32(words[start * 2] as number);
  writer.u32(words[start * 2 + 1] as number);
  const bits = new BitWriter(writer);
  let leading = 64;
  let trailing = 0;
  for (let i = start + 1; i < start + count; i++) {
    const low = ((words[i * 2] as number) ^ (words[i * 2 - 2] as number)) >>> 0;
    const high = ((words[i * 2 + 1] as number) ^ (words[i * 2 - 1] as number)) >>> 0;
    if (low === 0 && high === 0) {
      bits.write(0, 1);
      continue;
    }
    const lead = high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);
    const trail = low !== 0 ? trailingZeros(low) : 32 + trailingZeros(high);
    if (lead >= leading && trail >= trailing) bits.write(0b01, 2);
    else {
      leading = lead;
      trailing = trail;
      bits.write(0b11, 2);
      bits.write(leading, 6);
      bits.write(63 - leading - trailing, 6);
    }
    writeMiddle(bits, high, low, trailing, 64 - leading - trailing);
  }
  bits.finish();
  const length = writer.length - lengthAt - 4;
  writer.bytes[lengthAt] = length;
  writer.bytes[lengthAt + 1] = length >>> 8;
  writer.bytes[lengthAt + 2] = length >>> 16;
  writer.bytes[lengthAt + 3] = length >>> 24;
}

/** Fills the words of doubles `at` to `at + count`. */
export function readXor(reader: ByteReader, words: Uint32Array, at: number, count: number): void {
  const length = reader.u32();
  const bytes = reader.raw(length);
  reader.at -= length;
  let low = reader.u32();
  let high = reader.u32();
  const bits = new BitReader(reader.bytes, reader.at, bytes.byteOffset - reader.bytes.byteOffset + length);
  reader.at += length - 8;
  words[at * 2] = low;
  words[at * 2 + 1] = high;
  let trailing = 0;
  let width = 64;
  for (let i = at + 1; i < at + count; i++) {
    if (bits.read(1) === 1) {
      if (bits.read(1) === 1) {
        const leading = bits.read(6);
        width = bits.read(6) + 1;
        trailing = Math.max(0, 64 - leading - width);
      }
      // The middle, low end first, moved up by `trailing`.
      let shift = trailing;
      let left = width;
      while (left > 0) {
        const taken = Math.min(left, 16);
        const piece = bits.read(taken);
        if (shift < 32) {
          low ^= piece << shift;
          if (shift > 16) high ^= piece >>> (32 - shift);
        } else high ^= piece << (shift - 32);
        shift += taken;
        left -= taken;
      }
    }
    words[i * 2] = low;
    words[i * 2 + 1] = high;
  }
}

function writeMiddle(bits: BitWriter, high: number, low: number, trailing: number, width: number): void {
  let shift = trailing;
  let left = width;
  while (left > 0) {
    const taken = Math.min(left, 16);
    let piece: number;
    if (shift >= 32) piece = high >>> (shift - 32);
    else piece = shift === 0 ? low : (low >>> shift) | (high << (32 - shift));
    bits.write(piece & ((1 << taken) - 1), taken);
    shift += taken;
    left -= taken;
  }
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
