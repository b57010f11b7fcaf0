import { GrowingOutput, OutputTooLarge } from './growing.ts';

// Reads Snappy (format_description.txt), as one block, or as Java's snappy streams frame it (xerial):
//
//   stream := 0x82 "SNAPPY" 0x00 | version i32be | oldest reader i32be | (length i32be | block)...
//   block  := uvarint length of the output | (tag | ...)...
//   tag    := kind in the two low bits: 0 literal, 1 match with 11 bits of distance, 2 with 16, 3 with 32

const STREAM = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const STREAM_HEADER_BYTES = 16;

/** Throws `RangeError` for what is no such thing, `OutputTooLarge`. */
export function decompressSnappy(source: Uint8Array, maxBytes: number): Uint8Array {
  const out = new GrowingOutput(source.length * 2, maxBytes);
  if (!STREAM.every((byte, i) => source[i] === byte)) {
    inflateBlock(source, 0, source.length, out, maxBytes);
    return out.view();
  }
  const view = new DataView(source.buffer, source.byteOffset, source.length);
  let at = STREAM_HEADER_BYTES;
  while (at < source.length) {
    const length = view.getInt32(at);
    at += 4;
    if (length < 0 || length > source.length - at) throw new RangeError('a block beyond the end');
    inflateBlock(source, at, at + length, out, maxBytes);
    at += length;
  }
  return out.view();
}

function inflateBlock(source: Uint8Array, start: number, end: number, out: GrowingOutput, maxBytes: number): void {
  let at = start;
  const little = (bytes: number): number => {
    if (bytes > end - at) throw new RangeError('a number beyond the end');
    let value = 0;
    for (let i = 0; i < bytes; i++) value += (source[at + i] as number) * 2 ** (8 * i);
    at += bytes;
    return value;
  };
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    if (scale > 2 ** 28) throw new RangeError('a length of too many bytes');
    const byte = little(1);
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  if (out.length + length > maxBytes) throw new OutputTooLarge(`more than ${maxBytes} bytes`);
  const whole = out.length + length;
  while (at < end) {
    const tag = little(1);
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >>> 2;
      const literals = (short < 60 ? short : little(short - 59)) + 1;
      if (literals > end - at) throw new RangeError('literals beyond the end');
      out.literal(source, at, at + literals);
      at += literals;
    } else if (kind === 1) {
      out.match(((tag >>> 5) << 8) | little(1), ((tag >>> 2) & 7) + 4);
    } else {
      out.match(little(kind === 2 ? 2 : 4), (tag >>> 2) + 1);
    }
    if (out.length > whole) throw new RangeError('more than the block says');
  }
  if (out.length !== whole) throw new RangeError('less than the block says');
}
