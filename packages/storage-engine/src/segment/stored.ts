import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ByteReader, ByteWriter, crc32c } from '@tidemark/base';
import { storageError } from '../errors.ts';

// A payload as it lies in a segment, since version 2; before, it lay there as it is, with its checksum.
//
//   stored := codec u8 | body | crc u32                crc = crc32c of all before it
//             0  body = payload
//             1  body = payload length uvarint | a zstd frame
//
// Where a tenant's cipher is not 0 (format.ts), what stands between codec and crc is encrypted, a tag behind it; no program does
// that yet.

export const CODEC_PLAIN = 0;
export const CODEC_ZSTD = 1;

/** Compressed only where that saves a sixteenth: what is not compressed need not be decompressed for every read. */
const WORTH_IT = 15 / 16;
// What a reader makes room for before it knows better.
const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;
const CRC_BYTES = 4;

/** Writes a payload; returns how many bytes it takes. */
export function writeStored(into: ByteWriter, payload: Uint8Array, level = 1): number {
  const start = into.length;
  const compressed = zstdCompressSync(payload, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  if (compressed.length < payload.length * WORTH_IT) {
    into.u8(CODEC_ZSTD);
    into.uvarint(payload.length);
    into.raw(compressed);
  } else {
    into.u8(CODEC_PLAIN);
    into.raw(payload);
  }
  into.u32(crc32c(into.bytes, start, into.length));
  return into.length - start;
}

/** Whether the checksum of what `writeStored` wrote, or of a payload of an older version, is right. */
export function isIntact(stored: Uint8Array): boolean {
  const end = stored.length - CRC_BYTES;
  return end >= 0 && new ByteReader(stored, end).u32() === crc32c(stored, 0, end);
}

/** The payload; a view of `stored` where it is not compressed. Requires that it is intact. Throws `SEGMENT_CORRUPT`. */
export function openStored(stored: Uint8Array, version: number): Uint8Array {
  const end = stored.length - CRC_BYTES;
  if (version < 2) return stored.subarray(0, end);
  const reader = new ByteReader(stored, 0, end);
  const codec = reader.u8();
  if (codec === CODEC_PLAIN) return stored.subarray(1, end);
  if (codec !== CODEC_ZSTD) throw storageError('SEGMENT_CORRUPT', `no codec has the number ${codec}`, { codec });
  const length = reader.uvarint();
  if (length > PAYLOAD_BYTES_MAX) throw storageError('SEGMENT_CORRUPT', `a payload of ${length} bytes`, { length });
  const payload = decompressed(reader.raw(reader.left), length);
  if (payload?.length === length) return payload;
  throw storageError('SEGMENT_CORRUPT', 'a payload does not decompress to its length', { length });
}

function decompressed(frame: Uint8Array, length: number): Uint8Array | undefined {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: Math.max(1, length) });
  } catch {
    return undefined;
  }
}

/** For payloads that are written one behind the other, and read in pieces. */
export function writePages(into: ByteWriter, payload: Uint8Array, pageBytes: number): void {
  const page = new ByteWriter(pageBytes);
  for (let at = 0; at === 0 || at < payload.length; at += pageBytes) {
    page.reset();
    // Denser than blocks: names repeat from page to page, and pages are few.
    writeStored(page, payload.subarray(at, at + pageBytes), 3);
    into.lengthPrefixed(page.view());
  }
}
