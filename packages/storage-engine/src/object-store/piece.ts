import { createHash } from 'node:crypto';
import { bytesEqual, crc32c } from '@tidemark/base';

// A piece of an object as the disk cache keeps it, a file each. docs/format/disk-cache.md
//
//   name := key hex[32] "-" number "-" bytes            key: the first half of SHA-256 of the object's name
//   file := magic "TMCACH" | version u16 | crc u32 | bytes
//
// crc is CRC-32C of the object's name, a zero byte, the number of the piece as text, a zero byte, and the bytes: a piece that is
// found under another's name is none. The length is in the name, so that a start need not ask for it.

const MAGIC = Uint8Array.of(0x54, 0x4d, 0x43, 0x41, 0x43, 0x48, 0, 0);
export const PIECE_HEADER_BYTES = MAGIC.length + 4;

/** What stands for an object in names of files. */
export function objectKey(object: string): string {
  return createHash('sha256').update(object).digest('hex').slice(0, 32);
}

export function pieceName(key: string, number: number, bytes: number): string {
  return `${key}-${number}-${bytes}`;
}

/** Undefined for the name of something else. */
export function parsePieceName(
  name: string,
): { readonly key: string; readonly number: number; readonly bytes: number } | undefined {
  const match = /^([0-9a-f]{32})-(\d{1,9})-(\d{1,9})$/.exec(name);
  return match ? { key: match[1] as string, number: Number(match[2]), bytes: Number(match[3]) } : undefined;
}

export function pieceHeader(object: string, number: number, bytes: Uint8Array): Uint8Array {
  const header = new Uint8Array(PIECE_HEADER_BYTES);
  header.set(MAGIC);
  new DataView(header.buffer).setUint32(MAGIC.length, checksum(object, number, bytes), true);
  return header;
}

/** The bytes of the piece; undefined when the file is not that piece, whole. */
export function openPiece(file: Uint8Array, object: string, number: number): Uint8Array | undefined {
  if (file.length < PIECE_HEADER_BYTES || !bytesEqual(file, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) return undefined;
  const bytes = file.subarray(PIECE_HEADER_BYTES);
  const said = new DataView(file.buffer, file.byteOffset).getUint32(MAGIC.length, true);
  return checksum(object, number, bytes) === said ? bytes : undefined;
}

const encoder = new TextEncoder();

function checksum(object: string, number: number, bytes: Uint8Array): number {
  return crc32c(bytes, 0, bytes.length, crc32c(encoder.encode(`${object}\0${number}\0`)));
}
