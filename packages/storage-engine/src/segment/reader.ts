import { ByteReader, ByteWriter, crc32c } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { BlockRange, ByteRange } from './chunk-columns.ts';
import {
  decodeFooter,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  type SegmentFooter,
  TAIL_BYTES,
  TRAILER_BYTES,
  versionOf,
} from './format.ts';
import { decodeMetrics, type MetricTotals } from './metrics.ts';
import { SegmentIndex } from './segment-index.ts';
import { isIntact, openStored } from './stored.ts';

/** Where a segment's bytes come from: an object store behind a cache, or a buffer. */
export interface RangeReader {
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes from `start`, or it throws. */
  read(start: number, length: number): Promise<Uint8Array>;
}

/** A footer, and how the segment's indexes and blocks are written. */
export interface OpenedFooter extends SegmentFooter {
  readonly version: number;
  /** The end of the segment as it came with the footer: often it has an index too. */
  readonly tail: { readonly offset: number; readonly bytes: Uint8Array };
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
  return { ...decodeFooter(footer, version), version, tail: { offset: size - tailLength, bytes: tail } };
}

/** Undefined when the segment has nothing of the tenant. Throws `SEGMENT_CORRUPT`. */
export async function readTenantIndex(
  ranges: RangeReader,
  footer: OpenedFooter,
  tenant: string,
): Promise<SegmentIndex | undefined> {
  const entry = footer.tenants.find((candidate) => candidate.tenant === tenant);
  if (entry === undefined) return undefined;
  const range = { offset: entry.indexOffset, length: entry.indexLength };
  const payload =
    footer.version < 2
      ? openStored(await readIntact(ranges, range, 'index'), footer.version)
      : await readPages(ranges, range, footer);
  return new SegmentIndex(payload, footer.startMs, footer.version);
}

/** What a tenant's metrics take; empty in versions before 2. Throws `SEGMENT_CORRUPT`. */
export async function readMetrics(
  ranges: RangeReader,
  footer: OpenedFooter,
  tenant: string,
): Promise<readonly MetricTotals[]> {
  const entry = footer.tenants.find((candidate) => candidate.tenant === tenant);
  if (entry === undefined || entry.metricsLength === 0) return [];
  const range = { offset: entry.metricsOffset, length: entry.metricsLength };
  return decodeMetrics(openStored(await readIntact(ranges, range, 'metrics'), footer.version));
}

/** An index of version 2: pages, one behind the other. */
async function readPages(ranges: RangeReader, range: ByteRange, { tail, version }: OpenedFooter): Promise<Uint8Array> {
  checkInside(ranges, range, 'index');
  const stored =
    range.offset >= tail.offset
      ? tail.bytes.subarray(range.offset - tail.offset, range.offset - tail.offset + range.length)
      : await ranges.read(range.offset, range.length);
  const reader = new ByteReader(stored);
  const payload = new ByteWriter(stored.length * 4);
  while (reader.left > 0) {
    const page = reader.lengthPrefixed();
    if (!isIntact(page)) throw corrupt(ranges.name, `the index at ${range.offset} fails its checksum`);
    payload.raw(openStored(page, version));
  }
  return payload.finish();
}

/** The payload of a block: chunks, as the index says where. Throws `SEGMENT_CORRUPT`. */
export async function readBlock(ranges: RangeReader, block: BlockRange, version: number): Promise<Uint8Array> {
  const payload = openStored(await readIntact(ranges, block, 'block'), version);
  if (payload.length === block.payload) return payload;
  throw corrupt(
    ranges.name,
    `the block at ${block.offset} has ${payload.length} bytes, its index says ${block.payload}`,
  );
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

async function readIntact(ranges: RangeReader, range: ByteRange, what: string): Promise<Uint8Array> {
  checkInside(ranges, range, what);
  const bytes = await ranges.read(range.offset, range.length);
  if (!checked.has(bytes)) {
    if (!isIntact(bytes)) throw corrupt(ranges.name, `the ${what} at ${range.offset} fails its checksum`);
    checked.add(bytes);
  }
  return bytes;
}

function checkInside({ name, size }: RangeReader, { offset, length }: ByteRange, what: string): void {
  if (length < 4 || offset + length > size) throw corrupt(name, `the ${what} at ${offset} lies outside it`);
}

function corrupt(name: string, why: string): Error {
  return storageError('SEGMENT_CORRUPT', `segment ${name}: ${why}`, { name });
}
