import { ByteWriter } from '../bytes/writer.ts';

// Writes snappy blocks (see snappy.ts): greedy, one hash table of four-byte sequences over pieces of 64 KiB, as the format's
// usual writers do it.

const PIECE_BYTES = 65_536;
const TABLE_BITS = 14;

export function snappyBlock(input: Uint8Array): Uint8Array {
  const out = new ByteWriter(32 + input.length + Math.ceil(input.length / 6));
  out.uvarint(input.length);
  for (let start = 0; start < input.length; start += PIECE_BYTES) {
    writePiece(out, input.subarray(start, start + PIECE_BYTES));
  }
  return out.finish();
}

/** Literals only: what a writer does with bytes that do not repeat. */
export function snappyLiteral(input: Uint8Array): Uint8Array {
  const out = new ByteWriter(16 + input.length);
  out.uvarint(input.length);
  if (input.length > 0) writeLiteral(out, input, 0, input.length);
  return out.finish();
}

function writePiece(out: ByteWriter, piece: Uint8Array): void {
  const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
  const lastSeen = new Int32Array(1 << TABLE_BITS).fill(-1);
  let at = 0;
  let literalStart = 0;
  while (at + 4 <= piece.length) {
    const word = view.getUint32(at, true);
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - TABLE_BITS);
    const candidate = lastSeen[slot] as number;
    lastSeen[slot] = at;
    if (candidate < 0 || view.getUint32(candidate, true) !== word) {
      at++;
      continue;
    }
    let length = 4;
    while (at + length < piece.length && piece[candidate + length] === piece[at + length]) length++;
    if (at > literalStart) writeLiteral(out, piece, literalStart, at);
    writeCopy(out, at - candidate, length);
    at += length;
    literalStart = at;
  }
  if (literalStart < piece.length) writeLiteral(out, piece, literalStart, piece.length);
}

function writeLiteral(out: ByteWriter, piece: Uint8Array, start: number, end: number): void {
  const n = end - start - 1;
  if (n < 60) {
    out.u8(n << 2);
  } else {
    const extra = n < 0x100 ? 1 : n < 0x1_0000 ? 2 : n < 0x100_0000 ? 3 : 4;
    out.u8((59 + extra) << 2);
    for (let i = 0; i < extra; i++) out.u8((n >>> (8 * i)) & 0xff);
  }
  out.raw(piece.subarray(start, end));
}

function writeCopy(out: ByteWriter, back: number, length: number): void {
  while (length > 0) {
    // 68 leaves four for the last copy, which then fits the short form.
    const count = length >= 68 ? 64 : length > 64 ? 60 : length;
    if (count >= 4 && count <= 11 && back < 2048) {
      out.u8(((back >>> 8) << 5) | ((count - 4) << 2) | 1);
      out.u8(back & 0xff);
    } else {
      out.u8(((count - 1) << 2) | 2);
      out.u8(back & 0xff);
      out.u8(back >>> 8);
    }
    length -= count;
  }
}
