import { ByteReader } from '../bytes/reader.ts';
import { isTidemarkError } from '../error.ts';
import { fits } from './checksum.ts';
import { unpackSnappy } from './snappy.ts';

// LevelDB's tables (doc/table_format.md there).
//
//   file    := block*, then the index block, then the footer byte[48]
//   block   := entry* | restart u32* | restarts u32     | type u8 | masked crc32c u32 of block and type
//   entry   := shared varint | own varint | length varint | key byte[own] | value byte[length]
//   footer  := handle of the block of meta blocks | handle of the index block | zeros | magic u64
//   handle  := offset varint | size varint              without type and checksum
//   key of a data block   := the user's key | (sequence << 8 | 1: put, 0: deleted) u64
//   value of the index and of the block of meta blocks := handle

const FOOTER_BYTES = 48;
const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);
const SNAPPY = 1;
const TAG_BYTES = 8;

export interface TableEntry {
  readonly key: Uint8Array;
  readonly sequence: number;
  /** Null: deleted. */
  readonly value: Uint8Array | null;
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** What is wrong with a table; undefined when every block fits its checksum. */
export function tableProblem(bytes: Uint8Array): string | undefined {
  const outline = outlineOf(bytes);
  if (typeof outline === 'string') return outline;
  const bad = [...outline.data, ...outline.meta].find((handle) => !isWhole(bytes, handle));
  return bad && `the block at ${bad.offset} fails its checksum`;
}

/** Entries of every block that fits its checksum. */
export function* tableEntries(bytes: Uint8Array): Iterable<TableEntry> {
  const outline = outlineOf(bytes);
  if (typeof outline === 'string') return;
  for (const handle of outline.data) {
    if (!isWhole(bytes, handle)) continue;
    for (const { key, value } of entriesOf(contentOf(bytes, handle))) {
      if (key.length < TAG_BYTES) continue;
      const tag = new ByteReader(key, key.length - TAG_BYTES).u64();
      const isPut = tag % 256 === 1;
      yield { key: key.subarray(0, -TAG_BYTES), sequence: Math.floor(tag / 256), value: isPut ? value : null };
    }
  }
}

/** Where its blocks lie; or what keeps from knowing it. */
function outlineOf(bytes: Uint8Array): { readonly data: Handle[]; readonly meta: Handle[] } | string {
  const footer = bytes.length - FOOTER_BYTES;
  if (footer < 0 || MAGIC.some((byte, i) => bytes[footer + 40 + i] !== byte)) return 'it does not end like a table';
  try {
    const reader = new ByteReader(bytes, footer, footer + 40);
    const metaIndex = readHandle(reader);
    const index = readHandle(reader);
    if (!isWhole(bytes, index)) return 'its index fails its checksum';
    if (!isWhole(bytes, metaIndex)) return 'its list of meta blocks fails its checksum';
    const handles = (of: Handle) =>
      [...entriesOf(contentOf(bytes, of))].map(({ value }) => readHandle(new ByteReader(value)));
    return { data: handles(index), meta: handles(metaIndex) };
  } catch (error) {
    if (!isTidemarkError(error, 'BYTES_MALFORMED')) throw error;
    return 'its index cannot be read';
  }
}

function readHandle(reader: ByteReader): Handle {
  return { offset: reader.uvarint(), size: reader.uvarint() };
}

function isWhole(bytes: Uint8Array, { offset, size }: Handle): boolean {
  const end = offset + size + 1;
  if (end + 4 > bytes.length) return false;
  return fits(new ByteReader(bytes, end).u32(), bytes, offset, end);
}

function contentOf(bytes: Uint8Array, { offset, size }: Handle): Uint8Array {
  const stored = bytes.subarray(offset, offset + size);
  return bytes[offset + size] === SNAPPY ? unpackSnappy(stored) : stored;
}

/** Throws `BYTES_MALFORMED`: behind a good checksum a bug of the writer. */
function* entriesOf(block: Uint8Array): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
  const restarts = new ByteReader(block, block.length - 4).u32();
  const reader = new ByteReader(block, 0, block.length - 4 - restarts * 4);
  let key = new Uint8Array(0);
  while (reader.left > 0) {
    const shared = reader.uvarint();
    const own = reader.uvarint();
    const length = reader.uvarint();
    key = new Uint8Array(Buffer.concat([key.subarray(0, shared), reader.raw(own)]));
    yield { key, value: reader.raw(length) };
  }
}
