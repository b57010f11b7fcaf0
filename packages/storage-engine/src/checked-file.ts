import { ByteReader, bytesEqual, crc32c } from '@tidemark/base';
import { storageError } from './errors.ts';

// What stands around a file, or an object, that is read whole:
//
//   magic byte[6] | version u16 | ... | crc u32          crc = crc32c(all before)
//
// One that is whole and of a later version is no damage: whoever took it for that would make another in its place, of less than it said.

export interface CheckedKind {
  /** Six bytes. */
  readonly magic: Uint8Array;
  /** The latest that is known. */
  readonly version: number;
  /** Of a damaged one. */
  readonly code: string;
  /** As in "a manifest". */
  readonly what: string;
}

const MAGIC_BYTES = 6;
const HEAD_BYTES = MAGIC_BYTES + 2;
const CRC_BYTES = 4;

/** What is between head and checksum. Throws `code` where it is damaged, `STORAGE_NEWER`. */
export function openChecked(bytes: Uint8Array, kind: CheckedKind): { version: number; reader: ByteReader } {
  const { magic, code, what } = kind;
  const end = bytes.length - CRC_BYTES;
  if (end < HEAD_BYTES || !bytesEqual(bytes, 0, MAGIC_BYTES, magic, 0, MAGIC_BYTES)) {
    throw storageError(code, `not ${what}`);
  }
  if (new ByteReader(bytes, end).u32() !== crc32c(bytes, 0, end)) {
    throw storageError(code, `${what} fails its checksum`);
  }
  const version = (bytes[MAGIC_BYTES] as number) + (bytes[MAGIC_BYTES + 1] as number) * 256;
  if (version > kind.version) {
    const message = `${what} of version ${version}, and this program knows up to ${kind.version}: a newer Tidemark wrote it, and has to read it`;
    throw storageError('STORAGE_NEWER', message, { version, known: kind.version });
  }
  return { version, reader: new ByteReader(bytes, HEAD_BYTES, end) };
}
