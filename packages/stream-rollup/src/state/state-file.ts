import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, crc32c, type Disk, isTidemarkError, TidemarkError } from '@tidemark/base';

// Every state file is one frame: docs/format/state-store.md.
//
//   file := "TMST" | version u8 | kind u8 | body | checksum u32
//
// The checksum covers all before it: crc32c in version 0, the older crc32 in version 1, which Node computes five times as fast.
// Windows and hours are written whole every minute, and half of what that took was the checksum. Files are written whole and atomically, so anything that does not fit is damage.

const MAGIC = [0x54, 0x4d, 0x53, 0x54] as const;
const VERSION = 1;
const VERSION_CRC32C = 0;
const HEADER_LENGTH = 6;
const CRC_LENGTH = 4;

/** Numbers are on disk and never reused. */
export const FILE_KIND = { manifest: 1, entries: 2, series: 3, window: 4, hour: 5 } as const;
export type FileKind = (typeof FILE_KIND)[keyof typeof FILE_KIND];

/** A writer that stands behind the header; finish with `sealStateFile`. */
export function beginStateFile(kind: FileKind, capacity = 256): ByteWriter {
  const writer = new ByteWriter(capacity + HEADER_LENGTH + CRC_LENGTH);
  for (const byte of MAGIC) writer.u8(byte);
  writer.u8(VERSION);
  writer.u8(kind);
  return writer;
}

/** The whole file: a view of the writer's buffer. */
export function sealStateFile(writer: ByteWriter): Uint8Array {
  writer.u32(crc32(writer.view()));
  return writer.view();
}

/** Stands behind the header. Throws `STATE_CORRUPT`, or `STATE_VERSION` for a file of a newer Tidemark. */
export function openStateFile(bytes: Uint8Array, kind: FileKind, path: string): ByteReader {
  const corrupt = (what: string) => corruptState(path, what);
  if (bytes.length < HEADER_LENGTH + CRC_LENGTH) throw corrupt(`${bytes.length} bytes are too few`);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw corrupt('it does not begin with TMST');
  const end = bytes.length - CRC_LENGTH;
  const version = bytes[4] as number;
  const checksum = version === VERSION_CRC32C ? crc32c(bytes, 0, end) : crc32(bytes.subarray(0, end));
  if (new ByteReader(bytes, end).u32() !== checksum) throw corrupt('the checksum does not fit');
  if (version > VERSION) {
    const message = `the state file ${path} has version ${version}, known are those up to ${VERSION}`;
    throw new TidemarkError('STATE_VERSION', message, { path, version });
  }
  if (bytes[5] !== kind) throw corrupt(`its kind is ${bytes[5]}, not ${kind}`);
  return new ByteReader(bytes, HEADER_LENGTH, end);
}

/** Reads and decodes one file; whatever is wrong with it, absence included, is `STATE_CORRUPT`. */
export async function readStateFile<T>(
  disk: Disk,
  path: string,
  kind: FileKind,
  decode: (reader: ByteReader) => T,
): Promise<T> {
  try {
    const reader = openStateFile(await disk.read(path), kind, path);
    const decoded = decode(reader);
    if (reader.left > 0) throw corruptState(path, `${reader.left} bytes too many`);
    return decoded;
  } catch (error) {
    if (isTidemarkError(error, 'DISK_NOT_FOUND')) throw corruptState(path, 'it is not there', error);
    if (isTidemarkError(error, 'BYTES_MALFORMED')) throw corruptState(path, error.message, error);
    throw error;
  }
}

export function corruptState(path: string, what: string, cause?: unknown): TidemarkError {
  return new TidemarkError('STATE_CORRUPT', `the state file ${path} is damaged: ${what}`, { path }, cause);
}
