import { ByteReader, crc32c } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { BlockRange } from './chunk-columns.ts';
import {
  decodeFooter,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  type SegmentFooter,
  TAIL_BYTES,
  TRAILER_BYTES,
  versionOf,
} from './format.ts';
import { SegmentIndex } from './segment-index.ts';

/** Where a segment's bytes come from: an object store behind a cache, or a buffer. */
export interface RangeReader {
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes from `start`, or it throws. */
  read(start: number, length: number): Promise<Uint8Array>;
}

/** A footer, and how the segment's indexes are written. */
export interface OpenedFooter extends SegmentFooter {
  readonly version: number;
}

/** Throws `SEGMENT_CORRUPT`, and what the range reader throws. */
export async function readFooter(ranges: RangeReader): Promise<OpenedFooter> {
  const { size, name } = ranges;
  if (size < TRAILER_BYTES + SEGMENT_MAGIC.length) throw corrupt(name, `only ${size} bytes`);
  const tailLength = Math.min(size, TAIL_BYTES);
  const tail = await ranges.read(size - tailLength, tailLength);
  const trailer = new ByteReader(tail, tailLength - TRAILER_BYTES);
  const length = trailer.u32();
  const crc = trailer.u32();
  const version = versionOf(trailer.raw(SEGMENT_MAGIC.length));
  if (version === undefined) throw corrupt(name, `it does not end as a segment up to version ${SEGMENT_VERSION} does`);
  if (length > size - TRAILER_BYTES - SEGMENT_MAGIC.length) throw corrupt(name, 'its footer is longer than it is');
  const start = size - TRAILER_BYTES - length;
  const footer =
    length <= tailLength - TRAILER_BYTES
      ? tail.subarray(tailLength - TRAILER_BYTES - length, tailLength - TRAILER_BYTES)
      : await ranges.read(start, length);
  if (crc32c(footer) !== crc) throw corrupt(name, 'the footer fails its checksum');
  return { ...decodeFooter(footer), version };
}

/** Undefined when the segment has nothing of the tenant. Throws `SEGMENT_CORRUPT`. */
export async function readTenantIndex(
  ranges: RangeReader,
  footer: OpenedFooter,
  tenant: string,
): Promise<SegmentIndex | undefined> {
  const entry = footer.tenants.find((candidate) => candidate.tenant === tenant);
  if (entry === undefined) return undefined;
  const payload = await readChecked(ranges, { offset: entry.indexOffset, length: entry.indexLength }, 'index');
  return new SegmentIndex(payload, footer.startMs, footer.version);
}

/** The payload of a block: chunks, as the index says where. Throws `SEGMENT_CORRUPT`. */
export function readBlock(ranges: RangeReader, block: BlockRange): Promise<Uint8Array> {
  return readChecked(ranges, block, 'block');
}

/** A whole segment in memory as a range reader. */
export function bufferRanges(name: string, bytes: Uint8Array): RangeReader {
  return {
    name,
    size: bytes.length,
    async read(start, length) {
      if (start < 0 || start + length > bytes.length) throw corrupt(name, 'a range beyond its end');
      return bytes.subarray(start, start + length);
    },
  };
}

// Bytes that a cache hands out again and again are checked once.
const checked = new WeakSet<Uint8Array>();

async function readChecked(ranges: RangeReader, range: BlockRange, what: string): Promise<Uint8Array> {
  if (range.length < 4 || range.offset + range.length > ranges.size) {
    throw corrupt(ranges.name, `the ${what} at ${range.offset} lies outside it`);
  }
  const bytes = await ranges.read(range.offset, range.length);
  const end = bytes.length - 4;
  if (!checked.has(bytes)) {
    if (new ByteReader(bytes, end).u32() !== crc32c(bytes, 0, end)) {
      throw corrupt(ranges.name, `the ${what} at ${range.offset} fails its checksum`);
    }
    checked.add(bytes);
  }
  return bytes.subarray(0, end);
}

function corrupt(name: string, why: string): Error {
  return storageError('SEGMENT_CORRUPT', `segment ${name}: ${why}`, { name });
}
