import { ByteReader, ByteWriter, bytesEqual, crc32c } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { TIERS, type Tier } from '../head/resolve.ts';

// A file of the journal is a header and a run of frames. docs/format/journal.md
//
//   folder  journal-00000007 | journal-00000008 | ...                numbers rise by one; the oldest go
//   file    := magic "TMJRNL" | version u16 | number u32 | salt u32 | first u64
//             | previousLength u64 | ownLength u64 | ends u64[3] | crc u32 | frame*
//   frame   := length u32 | kind u8 | 0 u8[3] | sequence u64 | syncedTo u32 | bodyCrc u32 | headerCrc u32 | body
//
// A file comes to be whole, ownLength bytes long, or not at all. It says how long the one before was on disk: what that one has beyond was
// never acknowledged, or is said again here; what it lacks below is lost. headerCrc is seeded with the salt of the file and the frame's place, so nothing is taken for
// a frame but where it was written. syncedTo is how much of the file was on disk when the frame was written: what is unreadable below
// the syncedTo of any whole frame was there once (damage), above all of them it may be a torn write.

const MAGIC = Uint8Array.of(0x54, 0x4d, 0x4a, 0x52, 0x4e, 0x4c);
const VERSION = 0;

export const FILE_HEADER_BYTES = 68;
export const FRAME_HEADER_BYTES = 28;

/** Never renumbered. A mark says nothing but what was synced before it. */
export const KIND = { samples: 1, minutes: 2, hours: 3, delete: 4, mark: 5 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];
export type RecordKind = Exclude<Kind, typeof KIND.mark>;

const KINDS: ReadonlySet<number> = new Set(Object.values(KIND));

/** Of whose offsets a record is one. */
export const TIER_OF: Readonly<Record<RecordKind, Tier>> = {
  [KIND.samples]: 'raw',
  [KIND.delete]: 'raw',
  [KIND.minutes]: '1m',
  [KIND.hours]: '1h',
};

/** By tier, the offset that follows the last record of it: raw, 1m, 1h. */
export type Ends = Float64Array;

export const noEnds = (): Ends => new Float64Array(TIERS.length);

/** There is a record. */
export function raiseEnd(ends: Ends, kind: RecordKind, sequence: number): void {
  ends[TIERS.indexOf(TIER_OF[kind])] = sequence + 1;
}

export interface FileHeader {
  readonly number: number;
  /** Drawn at random for each file. */
  readonly salt: number;
  /** Sequence of the first record that may be in the file. */
  readonly first: number;
  /** Bytes of the file before that were on disk. */
  readonly previousLength: number;
  /** Bytes that the file began with, this header among them. */
  readonly ownLength: number;
  /** Of all that is in files before. */
  readonly ends: Ends;
}

export interface FrameHeader {
  readonly length: number;
  readonly kind: Kind;
  /** Of a mark: that of the next record. */
  readonly sequence: number;
  readonly syncedTo: number;
  readonly bodyCrc: number;
}

export interface FrameToWrite<K extends Kind = Kind> {
  readonly kind: K;
  readonly sequence: number;
  readonly body: Uint8Array;
}

export function encodeFileHeader({ number, salt, first, previousLength, ownLength, ends }: FileHeader): Uint8Array {
  const writer = new ByteWriter(FILE_HEADER_BYTES);
  writer.raw(MAGIC);
  writer.u8(VERSION);
  writer.u8(0);
  writer.u32(number);
  writer.u32(salt);
  writer.u64(first);
  writer.u64(previousLength);
  writer.u64(ownLength);
  for (const end of ends) writer.u64(end);
  writer.u32(crc32c(writer.view()));
  return writer.finish();
}

/** Undefined when it is damaged. Throws `JOURNAL_NEWER`. */
export function decodeFileHeader(bytes: Uint8Array, number: number): FileHeader | undefined {
  const crcAt = FILE_HEADER_BYTES - 4;
  if (bytes.length < FILE_HEADER_BYTES || !bytesEqual(bytes, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) return undefined;
  if (new ByteReader(bytes, crcAt).u32() !== crc32c(bytes, 0, crcAt)) return undefined;
  const reader = new ByteReader(bytes, MAGIC.length, crcAt);
  const version = reader.u8() + reader.u8() * 256;
  if (version !== VERSION) {
    const what = `file ${number} of the journal has version ${version}; this program reads ${VERSION}`;
    throw storageError('JOURNAL_NEWER', what, { number, version });
  }
  const header = {
    number: reader.u32(),
    salt: reader.u32(),
    first: reader.u64(),
    previousLength: reader.u64(),
    ownLength: reader.u64(),
    ends: Float64Array.from(TIERS, () => reader.u64()),
  };
  return header.number === number ? header : undefined;
}

/** Header and body, for `position` of the file with this salt. */
export function encodeFrame(frame: FrameToWrite, salt: number, position: number, syncedTo: number): Uint8Array[] {
  const writer = new ByteWriter(FRAME_HEADER_BYTES);
  writer.u32(frame.body.length);
  writer.u8(frame.kind);
  for (let i = 0; i < 3; i++) writer.u8(0);
  writer.u64(frame.sequence);
  writer.u32(syncedTo);
  writer.u32(crc32c(frame.body));
  writer.u32(headerCrc(writer.view(), 0, salt, position));
  return [writer.finish(), frame.body];
}

/** The header at `position` of a file's bytes; undefined when there is none, whole. */
export function decodeFrameHeader(bytes: Uint8Array, position: number, salt: number): FrameHeader | undefined {
  if (position + FRAME_HEADER_BYTES > bytes.length) return undefined;
  const kind = bytes[position + 4] as number;
  // Cheap first: whoever looks for frames comes here for every byte.
  if (!KINDS.has(kind) || bytes[position + 5] !== 0 || bytes[position + 6] !== 0 || bytes[position + 7] !== 0) {
    return undefined;
  }
  const crcAt = position + FRAME_HEADER_BYTES - 4;
  if (new ByteReader(bytes, crcAt).u32() !== headerCrc(bytes, position, salt, position)) return undefined;
  const reader = new ByteReader(bytes, position, crcAt);
  const length = reader.u32();
  reader.skip(4);
  return { length, kind: kind as Kind, sequence: reader.u64(), syncedTo: reader.u32(), bodyCrc: reader.u32() };
}

/** The body behind a header at `position`; undefined when it is cut off or damaged. */
export function frameBody(bytes: Uint8Array, position: number, header: FrameHeader): Uint8Array | undefined {
  const at = position + FRAME_HEADER_BYTES;
  const end = at + header.length;
  return end <= bytes.length && crc32c(bytes, at, end) === header.bodyCrc ? bytes.subarray(at, end) : undefined;
}

function headerCrc(bytes: Uint8Array, at: number, salt: number, position: number): number {
  const place = new ByteWriter(8);
  place.u32(salt);
  place.u32(position);
  return crc32c(bytes, at, at + FRAME_HEADER_BYTES - 4, crc32c(place.view()));
}
