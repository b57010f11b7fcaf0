import { ByteReader, ByteWriter, crc32c, isTidemarkError, type Random } from '@tidemark/base';
import { encodeLabels, labelsOf } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { TimesTable } from '../chunk/shared-times.ts';
import type { BlockRange } from './chunk-columns.ts';
import { SegmentCursor } from './cursor.ts';
import { bufferRanges } from './reader.ts';
import { encodeIndex, SegmentIndex } from './segment-index.ts';
import type { IndexedSeries, SegmentChunk } from './series-entry.ts';
import { writePages } from './stored.ts';

const START_MS = 1_699_999_200_000;
const NO_TIMES = new TimesTable(0);

/** As version 0 had it: every series by itself. Postings are none, which a reader takes as it is. */
function encodeOld(blocks: readonly BlockRange[], series: readonly IndexedSeries[]): Uint8Array {
  const writer = new ByteWriter();
  writer.uvarint(blocks.length);
  for (const { offset, length } of blocks) {
    writer.uvarint(offset);
    writer.uvarint(length);
  }
  writer.uvarint(series.length);
  for (const { labels, chunks } of series) {
    writer.raw(new Uint8Array(16));
    writer.lengthPrefixed(labels);
    writer.uvarint(chunks.length);
    let block = 0;
    for (const chunk of chunks) {
      writer.uvarint(chunk.block - block);
      block = chunk.block;
      writer.uvarint(chunk.offset);
      writer.uvarint(chunk.length);
      writer.zigzag(chunk.minMs - START_MS);
      writer.uvarint(chunk.maxMs - chunk.minMs);
      writer.uvarint(chunk.samples);
    }
  }
  writer.uvarint(0);
  return writer.finish();
}

function fleet(hosts: number): { blocks: BlockRange[]; series: IndexedSeries[] } {
  return index(['node_load1', 'node_load5', 'up'], hosts, () => ({ length: 36, chunks: 1, wait: 0 }));
}

/** `shape`: how long a series' chunks are, how many, and how long after the window's start they begin. */
function index(
  metrics: readonly string[],
  hosts: number,
  shape: () => { length: number; chunks: number; wait: number },
): { blocks: BlockRange[]; series: IndexedSeries[] } {
  const blocks: BlockRange[] = [];
  const series: IndexedSeries[] = [];
  let offset = 0;
  for (const metric of metrics) {
    for (let host = 0; host < hosts; host++) {
      const labels = encodeLabels(
        labelsOf({ __name__: metric, instance: `node-${host}.example:9100`, job: 'node', region: 'eu-west-1' }),
      );
      const { length, chunks: count, wait } = shape();
      const chunks: SegmentChunk[] = [];
      for (let i = 0; i < count; i++) {
        const minMs = START_MS + wait + i * 600_000;
        chunks.push({ block: blocks.length, offset, length, minMs, maxMs: minMs + 590_000, samples: 60 });
        offset += length;
        if (offset < 64 * 1024) continue;
        blocks.push({ offset: 8, length: offset + 4, payload: offset });
        offset = 0;
      }
      series.push({ labels, chunks });
    }
  }
  if (offset > 0) blocks.push({ offset: 8, length: offset + 4, payload: offset });
  return { blocks, series };
}

function contentOf(payload: Uint8Array, version: number): IndexedSeries[] {
  const read = new SegmentIndex(payload, START_MS, version);
  return read.refs().map((ref) => ({
    labels: read.labelBytes(ref).slice(),
    chunks: [...read.chunks(ref)],
  }));
}

async function throughCursor(payload: Uint8Array, version: number): Promise<IndexedSeries[]> {
  const bytes = new ByteWriter();
  if (version < 2) {
    bytes.raw(payload);
    bytes.u32(crc32c(payload));
  } else writePages(bytes, payload, 700);
  const ranges = bufferRanges('test', bytes.finish());
  const cursor = await SegmentCursor.open(ranges, { offset: 0, length: ranges.size }, { startMs: START_MS, version });
  const series: IndexedSeries[] = [];
  while (await cursor.next()) series.push(cursor.series as IndexedSeries);
  return series;
}

test.each([
  [0, encodeOld],
  [2, (blocks: BlockRange[], series: IndexedSeries[]) => encodeIndex(blocks, NO_TIMES, series, START_MS)],
])('an index of version %i is read whole, and series by series', async (version, encode) => {
  await withSeed('segment index', async (random: Random) => {
    for (let round = 0; round < rounds(10); round++) {
      const shape = () => ({
        length: 1 + random.below(40_000),
        chunks: random.below(4),
        wait: (random.below(3) - 1) * random.below(7_000_000),
      });
      const { blocks, series } = index(['a', 'ab', 'zz'], 1 + random.below(60), shape);
      const payload = encode(blocks, series);
      expect(contentOf(payload, version)).toEqual(series);
      expect(await throughCursor(payload, version)).toEqual(series);
    }
  });
});

test('a series of a fleet takes four bytes or so, its place in the postings included', () => {
  const { blocks, series } = fleet(500);
  const pages = new ByteWriter();
  writePages(pages, encodeIndex(blocks, NO_TIMES, series, START_MS), 512 * 1024);
  expect(encodeOld(blocks, series).length / series.length).toBeGreaterThan(100);
  expect(pages.length / series.length).toBeLessThan(5);
});

test('labels that share more than was there before them are refused', () => {
  const { blocks, series } = fleet(2);
  const payload = encodeIndex(blocks, NO_TIMES, series, START_MS);
  const bad = payload.slice();
  // Behind a block, no times and two counts: how much the first shares.
  const head = new ByteReader(bad);
  for (let fields = 1 + 3 * blocks.length + 2; fields > 0; fields--) head.uvarint();
  bad[head.at] = 1;
  expect(() => new SegmentIndex(bad, START_MS, 2)).toThrow('labels that share more than there is');
});

test('cut anywhere it is refused', () => {
  const { blocks, series } = fleet(20);
  const payload = encodeIndex(blocks, NO_TIMES, series, START_MS);
  for (let end = 0; end < payload.length; end++) {
    let refused: unknown;
    try {
      new SegmentIndex(payload.subarray(0, end), START_MS, 2);
    } catch (error) {
      refused = error;
    }
    expect(isTidemarkError(refused), `cut at ${end}`).toBe(true);
  }
});
