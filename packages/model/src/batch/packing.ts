import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ByteReader, ByteWriter } from '@tidemark/base';
import { malformed } from './columns.ts';

// A byte field of a batch:
//
//   packed := 0x00 | bytes                           as they are
//             0x01 | length uvarint | zstd frame     from PACK_AT bytes on, when that is smaller

// A synchronous zstd call costs 30 us and more: below 16 KB that is more than the bytes it saves are worth.
const PACK_AT = 16_384;
const UNPACKED_MAX = 256 * 1024 * 1024;
// Room for all of it at once spares zlib its pieces of 16 KB and joining them; no more than this on the word of a stranger.
const ROOM_MIN = 64;
const ROOM_MAX = 4 * 1024 * 1024;
const AS_THEY_ARE = 0;
const ZSTD = 1;

/** `bytes` may be a view of scratch. */
export function pack(bytes: Uint8Array): Uint8Array {
  const frame = bytes.length < PACK_AT ? undefined : compress(bytes);
  const writer = new ByteWriter(10 + (frame ?? bytes).length);
  writePacked(writer, bytes, frame);
  return writer.finish();
}

/** As a field of Avro bytes: the length of `pack(bytes)`, then `pack(bytes)`. */
export function writePackedField(writer: ByteWriter, bytes: Uint8Array): void {
  const frame = bytes.length < PACK_AT ? undefined : compress(bytes);
  writer.zigzag(frame ? 1 + uvarintLength(bytes.length) + frame.length : 1 + bytes.length);
  writePacked(writer, bytes, frame);
}

function writePacked(writer: ByteWriter, bytes: Uint8Array, frame: Uint8Array | undefined): void {
  writer.u8(frame ? ZSTD : AS_THEY_ARE);
  if (frame) writer.uvarint(bytes.length);
  writer.raw(frame ?? bytes);
}

/** Undefined where it does not pay. */
function compress(bytes: Uint8Array): Uint8Array | undefined {
  const frame = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  return frame.length < bytes.length ? frame : undefined;
}

function uvarintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Throws `BATCH_MALFORMED`, and what zlib throws at bad frames. May be a view of `packed`. */
export function unpack(packed: Uint8Array): Uint8Array {
  const reader = new ByteReader(packed);
  const mode = reader.u8();
  if (mode === AS_THEY_ARE) return plain(packed.subarray(1));
  if (mode !== ZSTD) throw malformed(`packing ${mode}`);
  const length = reader.uvarint();
  if (length > UNPACKED_MAX) throw malformed(`${length} bytes unpacked; the limit is ${UNPACKED_MAX}`);
  const chunkSize = Math.min(ROOM_MAX, Math.max(ROOM_MIN, length));
  const bytes = zstdDecompressSync(packed.subarray(reader.at), { maxOutputLength: Math.max(1, length), chunkSize });
  if (bytes.length !== length) throw malformed(`${bytes.length} bytes unpacked, ${length} announced`);
  return plain(bytes);
}

/** A Buffer's `slice` does not copy; past this line bytes are a Uint8Array, whose `slice` does. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
