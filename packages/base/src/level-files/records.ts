import { ByteReader } from '../bytes/reader.ts';
import { fits } from './checksum.ts';

// LevelDB's log format, of its logs and its MANIFEST (doc/log_format.md there).
//
//   file   := block byte[32768]*                    the last may be shorter
//   block  := piece*, then zeros where less than 7 bytes are left
//   piece  := masked crc32c u32 | length u16 | type u8 | byte[length]       crc of type and bytes
//   type      1 whole record   2 first piece   3 middle   4 last

export const BLOCK_BYTES = 32 * 1024;
export const PIECE_HEADER_BYTES = 7;

export type Read =
  | { readonly kind: 'record'; readonly bytes: Uint8Array }
  /** Something that was there cannot be read: records are missing here. */
  | { readonly kind: 'bad'; readonly at: number }
  /** The file ends in the middle of a record: the last write was not finished, or the file was cut. */
  | { readonly kind: 'torn'; readonly at: number };

/** Every record that is whole. Behind a bad piece it goes on with the next block, as LevelDB does. */
export function* readRecords(bytes: Uint8Array): Iterable<Read> {
  let begun: Uint8Array[] | undefined;
  let at = 0;
  while (at < bytes.length) {
    const blockEnd = Math.min(bytes.length, (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES);
    const isLast = blockEnd === bytes.length;
    if (blockEnd - at < PIECE_HEADER_BYTES) {
      if (isLast && bytes.length % BLOCK_BYTES !== 0) return void (yield { kind: 'torn', at });
      at = blockEnd;
      continue;
    }
    const head = new ByteReader(bytes, at);
    const crc = head.u32();
    const length = head.u8() + head.u8() * 256;
    const type = head.u8();
    const end = at + PIECE_HEADER_BYTES + length;
    if (end > blockEnd && isLast) return void (yield { kind: 'torn', at });
    if (end > blockEnd || !fits(crc, bytes, at + 6, end) || !follows(type, begun)) {
      yield { kind: 'bad', at };
      begun = undefined;
      at = blockEnd;
      continue;
    }
    const piece = bytes.subarray(at + PIECE_HEADER_BYTES, end);
    at = end;
    if (type === 1) yield { kind: 'record', bytes: piece };
    else if (type === 2) begun = [piece];
    else if (begun !== undefined) {
      begun.push(piece);
      if (type === 3) continue;
      yield { kind: 'record', bytes: new Uint8Array(Buffer.concat(begun)) };
      begun = undefined;
    }
  }
  if (begun !== undefined) yield { kind: 'torn', at };
}

function follows(type: number, begun: readonly Uint8Array[] | undefined): boolean {
  return begun === undefined ? type === 1 || type === 2 : type === 3 || type === 4;
}
