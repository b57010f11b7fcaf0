import { ByteReader, ByteWriter, crc32c, isTidemarkError } from '@tidemark/base';
import { SharedTimes } from '../chunk/shared-times.ts';
import { storageError } from '../errors.ts';
import { type BlockRange, type ByteRange, readBlockRange } from './chunk-columns.ts';
import { type OpenedFooter, type RangeReader, readBlock } from './reader.ts';
import { ChunkWalk, type IndexedSeries, readLabelDifference, type SegmentChunk, skipId } from './series-entry.ts';
import { isIntact, openStored } from './stored.ts';

// One tenant of a segment, series by series in canonical order, in memory that does not grow with the segment: the index is read
// a piece at a time, and of the blocks there is one.
//
//   index   ─[ 128 KiB ]─▶ series ─▶ its chunks ─▶ block
//
// Before version 2 the checksum is known when the last piece was read, so what comes out counts only once the last series was
// passed; since then each page has its own.

const PIECE_BYTES = 128 * 1024;

export class SegmentCursor {
  readonly #ranges: RangeReader;
  readonly #startMs: number;
  readonly #version: number;
  readonly #index: IndexStream;
  readonly #blocks: BlockRange[] = [];
  /** What the next series is told by. */
  #before: { readonly labels: Uint8Array; readonly chunk: SegmentChunk | undefined };
  #left = 0;
  #block: { number: number; payload: Uint8Array } | undefined;
  /** Times that chunks name by number. */
  times: SharedTimes | undefined;
  /** The series it stands at; undefined before the first and after the last. */
  series: IndexedSeries | undefined;

  private constructor(
    ranges: RangeReader,
    index: ByteRange,
    { startMs, version }: Pick<OpenedFooter, 'startMs' | 'version'>,
  ) {
    this.#ranges = ranges;
    this.#startMs = startMs;
    this.#version = version;
    this.#before = { labels: new Uint8Array(0), chunk: undefined };
    this.#index = version < 2 ? new WholeIndex(ranges, index) : new PagedIndex(ranges, index, version);
  }

  /** Stands before the first series. Throws `SEGMENT_CORRUPT`, and what the range reader throws. */
  static async open(
    ranges: RangeReader,
    index: ByteRange,
    footer: Pick<OpenedFooter, 'startMs' | 'version'>,
  ): Promise<SegmentCursor> {
    const cursor = new SegmentCursor(ranges, index, footer);
    const blocks = await cursor.#index.read((reader) => reader.uvarint());
    for (let left = blocks; left > 0; left--) {
      cursor.#blocks.push(await cursor.#index.read((reader) => readBlockRange(reader, footer.version)));
    }
    if (footer.version >= 2) cursor.times = await cursor.#index.read((reader) => new SharedTimes(reader));
    cursor.#left = await cursor.#index.read((reader) => reader.uvarint());
    return cursor;
  }

  /** Goes to the next series; false after the last, when the whole index was found good. Throws `SEGMENT_CORRUPT`. */
  async next(): Promise<boolean> {
    if (this.#left === 0) {
      this.series = undefined;
      await this.#index.finish();
      return false;
    }
    this.#left--;
    const series = await this.#index.read((reader) => this.#readSeries(reader));
    this.#before = { labels: series.labels, chunk: series.chunks.at(-1) ?? this.#before.chunk };
    this.series = series;
    return true;
  }

  /** The payload a chunk lies in. Chunks are asked for in their order. Throws `SEGMENT_CORRUPT`. */
  async block(number: number): Promise<Uint8Array> {
    if (this.#block?.number !== number) {
      this.#block = {
        number,
        payload: await readBlock(this.#ranges, this.#blocks[number] as BlockRange, this.#version),
      };
    }
    return this.#block.payload;
  }

  /** Called again with more bytes until it has enough: it changes nothing. */
  #readSeries(reader: ByteReader): IndexedSeries {
    const { labels: before, chunk } = this.#before;
    skipId(reader, this.#version);
    const { shared, tail, middle, length } = readLabelDifference(reader, this.#version, before.length);
    const labels = new Uint8Array(length);
    labels.set(before.subarray(0, shared));
    labels.set(middle, shared);
    labels.set(before.subarray(before.length - tail), shared + middle.length);
    const walk = new ChunkWalk(this.#version, this.#startMs, chunk);
    walk.beginSeries();
    const chunks: SegmentChunk[] = [];
    for (let left = reader.uvarint(); left > 0; left--) {
      walk.next(reader, this.#blocks);
      chunks.push(walk.chunk());
    }
    return { labels, chunks };
  }
}

/** An index as it comes: pieces of the segment, of which the bytes of the index are made. */
abstract class IndexStream {
  readonly #ranges: RangeReader;
  readonly #end: number;
  #next: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(ranges: RangeReader, offset: number, end: number) {
    if (offset > end || end > ranges.size) throw corrupt(ranges.name, 'an index lies outside it');
    this.#ranges = ranges;
    this.#next = offset;
    this.#end = end;
  }

  get name(): string {
    return this.#ranges.name;
  }

  /** Reads one thing, with more bytes as long as it needs them. */
  async read<T>(decode: (reader: ByteReader) => T): Promise<T> {
    for (;;) {
      const reader = new ByteReader(this.#bytes, this.#at);
      try {
        const value = decode(reader);
        this.#at = reader.at;
        return value;
      } catch (error) {
        if (!isTidemarkError(error, 'BYTES_MALFORMED')) throw error;
        if (this.#next >= this.#end) throw corrupt(this.name, 'an index ends early');
        await this.#more(Math.max(PIECE_BYTES, this.#bytes.length - this.#at));
      }
    }
  }

  /** Reads the rest: what was read counts when all of it is good. */
  async finish(): Promise<void> {
    while (this.#next < this.#end) {
      this.#at = this.#bytes.length;
      await this.#more(PIECE_BYTES);
    }
    await this.check();
  }

  /** What a piece of the segment has of the index. */
  protected abstract take(piece: Uint8Array): Uint8Array;

  /** Called when the last piece was taken. Throws `SEGMENT_CORRUPT`. */
  protected abstract check(): Promise<void>;

  async #more(atLeast: number): Promise<void> {
    const length = Math.min(atLeast, this.#end - this.#next);
    const piece = this.take(await this.#ranges.read(this.#next, length));
    this.#next += length;
    const rest = this.#bytes.subarray(this.#at);
    const bytes = new Uint8Array(rest.length + piece.length);
    bytes.set(rest);
    bytes.set(piece, rest.length);
    this.#bytes = bytes;
    this.#at = 0;
  }
}

/** Before version 2: a payload and its checksum. */
class WholeIndex extends IndexStream {
  readonly #crc: () => Promise<Uint8Array>;
  #seen = 0;

  constructor(ranges: RangeReader, { offset, length }: ByteRange) {
    const end = offset + length - 4;
    super(ranges, offset, end);
    this.#crc = () => ranges.read(end, 4);
  }

  protected take(piece: Uint8Array): Uint8Array {
    this.#seen = crc32c(piece, 0, piece.length, this.#seen);
    return piece;
  }

  protected async check(): Promise<void> {
    if (new ByteReader(await this.#crc()).u32() !== this.#seen) throw corrupt(this.name, 'an index fails its checksum');
  }
}

/** Since version 2: pages, each with its own. */
class PagedIndex extends IndexStream {
  readonly #version: number;
  /** The beginning of a page of which the rest is still to come. */
  #waiting = new ByteWriter(PIECE_BYTES);

  constructor(ranges: RangeReader, { offset, length }: ByteRange, version: number) {
    super(ranges, offset, offset + length);
    this.#version = version;
  }

  protected take(piece: Uint8Array): Uint8Array {
    const waiting = this.#waiting;
    waiting.raw(piece);
    const payload = new ByteWriter(piece.length * 4);
    const reader = new ByteReader(waiting.finish());
    let taken = 0;
    for (let page = nextPage(reader); page !== undefined; page = nextPage(reader)) {
      if (!isIntact(page)) throw corrupt(this.name, 'an index fails its checksum');
      payload.raw(openStored(page, this.#version));
      taken = reader.at;
    }
    waiting.reset();
    waiting.raw(reader.bytes.subarray(taken));
    return payload.finish();
  }

  protected async check(): Promise<void> {
    if (this.#waiting.length > 0) throw corrupt(this.name, 'an index ends within a page');
  }
}

/** Undefined: all of it has not come yet. */
function nextPage(reader: ByteReader): Uint8Array | undefined {
  try {
    return reader.lengthPrefixed();
  } catch (error) {
    if (isTidemarkError(error, 'BYTES_MALFORMED')) return undefined;
    throw error;
  }
}

function corrupt(name: string, why: string): Error {
  return storageError('SEGMENT_CORRUPT', `segment ${name}: ${why}`, { name });
}
