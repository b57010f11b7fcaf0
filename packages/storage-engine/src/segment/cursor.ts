import { ByteReader, crc32c, isTidemarkError } from '@tidemark/base';
import { SERIES_ID_LENGTH } from '@tidemark/model';
import { storageError } from '../errors.ts';
import type { BlockRange } from './chunk-columns.ts';
import { type OpenedFooter, type RangeReader, readBlock } from './reader.ts';
import { ChunkWalk, type IndexedSeries, readLabelDifference, type SegmentChunk } from './series-entry.ts';

// One tenant of a segment, series by series in canonical order, in memory that does not grow with the segment: the index is read
// a piece at a time, and of the blocks there is one.
//
//   index   ─[ 128 KiB ]─▶ series ─▶ its chunks ─▶ block        the checksum is known when the last piece was read
//
// So what comes out counts only once `finish` has passed.

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
  /** The series it stands at; undefined before the first and after the last. */
  series: IndexedSeries | undefined;

  private constructor(
    ranges: RangeReader,
    index: BlockRange,
    { startMs, version }: Pick<OpenedFooter, 'startMs' | 'version'>,
  ) {
    this.#ranges = ranges;
    this.#startMs = startMs;
    this.#version = version;
    this.#before = { labels: new Uint8Array(0), chunk: undefined };
    this.#index = new IndexStream(ranges, index);
  }

  /** Stands before the first series. Throws `SEGMENT_CORRUPT`, and what the range reader throws. */
  static async open(
    ranges: RangeReader,
    index: BlockRange,
    footer: Pick<OpenedFooter, 'startMs' | 'version'>,
  ): Promise<SegmentCursor> {
    const cursor = new SegmentCursor(ranges, index, footer);
    const blocks = await cursor.#index.read((reader) => reader.uvarint());
    for (let left = blocks; left > 0; left--) {
      cursor.#blocks.push(
        await cursor.#index.read((reader) => ({ offset: reader.uvarint(), length: reader.uvarint() })),
      );
    }
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
      this.#block = { number, payload: await readBlock(this.#ranges, this.#blocks[number] as BlockRange) };
    }
    return this.#block.payload;
  }

  /** Called again with more bytes until it has enough: it changes nothing. */
  #readSeries(reader: ByteReader): IndexedSeries {
    const { labels: before, chunk } = this.#before;
    const id = reader.raw(SERIES_ID_LENGTH).slice();
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
    return { id, labels, chunks };
  }
}

class IndexStream {
  readonly #ranges: RangeReader;
  /** Of the payload, without its checksum. */
  readonly #end: number;
  #next: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #crc = 0;

  constructor(ranges: RangeReader, { offset, length }: BlockRange) {
    if (length < 4 || offset + length > ranges.size) throw this.#corrupt(ranges.name, 'an index lies outside it');
    this.#ranges = ranges;
    this.#next = offset;
    this.#end = offset + length - 4;
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
        if (this.#next >= this.#end) throw this.#corrupt(this.#ranges.name, 'an index ends early');
        await this.#more(Math.max(PIECE_BYTES, this.#bytes.length - this.#at));
      }
    }
  }

  /** Reads the rest, for its checksum. */
  async finish(): Promise<void> {
    while (this.#next < this.#end) {
      this.#at = this.#bytes.length;
      await this.#more(PIECE_BYTES);
    }
    const crc = new ByteReader(await this.#ranges.read(this.#end, 4)).u32();
    if (crc !== this.#crc) throw this.#corrupt(this.#ranges.name, 'an index fails its checksum');
  }

  async #more(atLeast: number): Promise<void> {
    const length = Math.min(atLeast, this.#end - this.#next);
    const piece = await this.#ranges.read(this.#next, length);
    this.#crc = crc32c(piece, 0, piece.length, this.#crc);
    this.#next += length;
    const rest = this.#bytes.subarray(this.#at);
    const bytes = new Uint8Array(rest.length + piece.length);
    bytes.set(rest);
    bytes.set(piece, rest.length);
    this.#bytes = bytes;
    this.#at = 0;
  }

  #corrupt(name: string, why: string): Error {
    return storageError('SEGMENT_CORRUPT', `segment ${name}: ${why}`, { name });
  }
}
