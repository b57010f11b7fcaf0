import { ByteReader } from '../bytes/reader.ts';

// Snappy's raw format (format_description.txt there), as far as reading goes.
//
//   stream   := length uvarint | (literal | copy)*
//   literal  := (length - 1) << 2 | 0, where length is at most 60; else (59 + n) << 2 | 0, length - 1 in n bytes; then the bytes
//   copy     := offset high 3 bits | (length - 4) << 2 | 1, offset low u8;   or   (length - 1) << 2 | 2, offset u16;   or   3, u32

/** Throws `BYTES_MALFORMED`, and nothing else whatever the bytes. */
export function unpackSnappy(bytes: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes);
  const length = reader.uvarint();
  const pieces: number[] = [];
  while (reader.left > 0) {
    const tag = reader.u8();
    const kind = tag & 3;
    if (kind === 0) {
      const small = tag >>> 2;
      const count = small < 60 ? small : littleEndian(reader, small - 59);
      for (const byte of reader.raw(count + 1)) pieces.push(byte);
      continue;
    }
    const count = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const offset = kind === 1 ? ((tag >>> 5) << 8) + reader.u8() : littleEndian(reader, kind === 2 ? 2 : 4);
    const from = pieces.length - offset;
    if (offset === 0 || from < 0) reader.raw(reader.left + 1);
    for (let i = 0; i < count; i++) pieces.push(pieces[from + i] as number);
  }
  if (pieces.length !== length) reader.raw(1);
  return Uint8Array.from(pieces);
}

function littleEndian(reader: ByteReader, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value += reader.u8() * 256 ** i;
  return value;
}
