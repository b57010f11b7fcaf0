import { GrowingOutput } from './growing.ts';

// Reads the LZ4 frame format 1.6 (lz4_Frame_format.md), which Kafka's batches use.
//
//   frame := magic u32le 0x184D2204 | FLG | BD | content size u64le ? | dictionary id u32le ? | HC | block... | 0 u32le | checksum ?
//   block := size u32le (high bit: stored as it is) | data | checksum u32le ?
//   data  := (token: literals << 4 | match - 4, 15 continues in bytes of 255 | literals | distance u16le | match)...
//
// Checksums in it are not looked at: the batch has one over all of it.

const MAGIC = 0x184d2204;
const STORED = 0x8000_0000;

/** Throws `RangeError` for what is no such frame, `OutputTooLarge`. */
export function decompressLz4(source: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(source.buffer, source.byteOffset, source.length);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('no LZ4 frame');
  const flags = view.getUint8(4);
  if (flags >>> 6 !== 1) throw new RangeError('another version of LZ4 frames');
  const hasBlockChecksum = (flags & 0x10) !== 0;
  let at = 6 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0) + 1;
  const out = new GrowingOutput(source.length * 4, maxBytes);
  for (;;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) return out.view();
    const length = size & ~STORED;
    if (length > source.length - at) throw new RangeError('a block beyond the end');
    if (size >= STORED) out.literal(source, at, at + length);
    else inflateBlock(source, at, at + length, out);
    at += length + (hasBlockChecksum ? 4 : 0);
  }
}

function inflateBlock(source: Uint8Array, start: number, end: number, out: GrowingOutput): void {
  let at = start;
  const more = (first: number): number => {
    let count = first;
    if (first !== 15) return count;
    for (;;) {
      if (at >= end) throw new RangeError('a length beyond the end');
      const byte = source[at++] as number;
      count += byte;
      if (byte !== 255) return count;
    }
  };
  while (at < end) {
    const token = source[at++] as number;
    const literals = more(token >>> 4);
    if (literals > end - at) throw new RangeError('literals beyond the end');
    out.literal(source, at, at + literals);
    at += literals;
    if (at === end) return;
    if (end - at < 2) throw new RangeError('a distance beyond the end');
    const distance = (source[at] as number) | ((source[at + 1] as number) << 8);
    at += 2;
    out.match(distance, more(token & 15) + 4);
  }
}
