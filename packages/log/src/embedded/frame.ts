import { assert, crc32c } from '@tidemark/base';
import { FRAME_HEADER_BYTES, isKind, type Kind } from './format.ts';

//   0         4      5      8           12         16           20
//   | length  | kind | 000  | syncedTo  | bodyCrc  | headerCrc  | body ...

export interface FrameHeader {
  readonly length: number;
  readonly kind: Kind;
  readonly syncedTo: number;
  readonly bodyCrc: number;
}

/** The header of a frame at `position`, for a body given in pieces. */
export function encodeFrameHeader(
  frame: { readonly kind: Kind; readonly syncedTo: number; readonly body: readonly Uint8Array[] },
  file: { readonly salt: number },
  position: number,
): Uint8Array {
  assert(frame.syncedTo <= position, 'what is synced lies before what is written');
  let length = 0;
  let bodyCrc = 0;
  for (const piece of frame.body) {
    length += piece.length;
    bodyCrc = crc32c(piece, 0, piece.length, bodyCrc);
  }
  const bytes = new Uint8Array(FRAME_HEADER_BYTES);
  putU32(bytes, 0, length);
  bytes[4] = frame.kind;
  putU32(bytes, 8, frame.syncedTo);
  putU32(bytes, 12, bodyCrc);
  putU32(bytes, 16, headerCrc(bytes, 0, file.salt, position));
  return bytes;
}

/** The header at `bytes[at]`, which stands at `position` of its file; undefined when it is not whole and right. */
export function decodeFrameHeader(
  bytes: Uint8Array,
  at: number,
  file: { readonly salt: number },
  position: number,
): FrameHeader | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined;
  const kind = bytes[at + 4] as number;
  // Cheap first: looking for frames in a torn tail comes here for every byte.
  if (!isKind(kind) || bytes[at + 5] !== 0 || bytes[at + 6] !== 0 || bytes[at + 7] !== 0) return undefined;
  if (u32(bytes, at + 16) !== headerCrc(bytes, at, file.salt, position)) return undefined;
  return { length: u32(bytes, at), kind, syncedTo: u32(bytes, at + 8), bodyCrc: u32(bytes, at + 12) };
}

export function bodyIsRight(header: FrameHeader, bytes: Uint8Array, bodyAt: number): boolean {
  const end = bodyAt + header.length;
  return end <= bytes.length && crc32c(bytes, bodyAt, end) === header.bodyCrc;
}

const PLACE = new Uint8Array(8);

function headerCrc(bytes: Uint8Array, at: number, salt: number, position: number): number {
  putU32(PLACE, 0, salt);
  putU32(PLACE, 4, position);
  return crc32c(bytes, at, at + 16, crc32c(PLACE));
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
