import { ByteWriter, crc32c, isTidemarkError, type Random } from '@tidemark/base';
import { encodeLabels, labelsOf } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import type { BlockRange } from './chunk-columns.ts';
import { SegmentCursor } from './cursor.ts';
import { bufferRanges } from './reader.ts';
import { encodeIndex, SegmentIndex } from './segment-index.ts';
import type { IndexedSeries, SegmentChunk } from './series-entry.ts';

const START_MS = 1_699_999_200_000;

/** As version 0 had it: every series by itself. Postings are none, which a reader takes as it is. */
function encodeOld(blocks: readonly BlockRange[], series: readonly IndexedSeries[]): Uint8Array {
  const writer = new ByteWriter();
  writer.uvarint(blocks.length);
  for (const { offset, length } of blocks) {
    writer.uvarint(offset);
    writer.uvarint(length);
  }
  writer.uvarint(series.length);
  for (const { id, labels, chunks } of series) {
    writer.raw(id);
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
  for (const [m, metric] of metrics.entries()) {
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
        blocks.push({ offset: 8, length: offset });
        offset = 0;
      }
      series.push({ id: new Uint8Array(16).fill(m * 16 + host), labels, chunks });
    }
  }
  if (offset > 0) blocks.push({ offset: 8, length: offset });
  return { blocks, series };
}

function contentOf(payload: Uint8Array, version: number): IndexedSeries[] {
  const read = new SegmentIndex(payload, START_MS, version);
  return read.refs().map((ref) => ({
    id: new Uint8Array(0),
    labels: read.labelBytes(ref).slice(),
    chunks: [...read.chunks(ref)],
  }));
}

async function throughCursor(payload: Uint8Array, version: number): Promise<IndexedSeries[]> {
  const bytes = new ByteWriter();
  bytes.raw(payload);
  bytes.u32(crc32c(payload));
  const ranges = bufferRanges('test', bytes.finish());
  const cursor = await SegmentCursor.open(ranges, { offset: 0, length: ranges.size }, { startMs: START_MS, version });
  const series: IndexedSeries[] = [];
  while (await cursor.next()) series.push(cursor.series as IndexedSeries);
  return series;
}

const withoutIds = (series: readonly IndexedSeries[]) => series.map((each) => ({ ...each, id: new Uint8Array(0) }));

test.each([
  [0, encodeOld],
  [1, (blocks: BlockRange[], series: IndexedSeries[]) => encodeIndex(blocks, series, START_MS)],
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
      expect(contentOf(payload, version)).toEqual(withoutIds(series));
      expect(await throughCursor(payload, version)).toEqual(series);
    }
  });
});

test('a series of a fleet takes its id and little more than its place in the postings', () => {
  const { blocks, series } = fleet(500);
  const bytes = encodeIndex(blocks, series, START_MS).length / series.length;
  expect(encodeOld(blocks, series).length / series.length).toBeGreaterThan(100);
  expect(bytes).toBeLessThan(48);
});

test('labels that share more than was there before them are refused', () => {
  const { blocks, series } = fleet(2);
  const payload = encodeIndex(blocks, series, START_MS);
  // Behind two counts, a block and an id: how much the first shares.
  const at = Buffer.from(payload).indexOf(new Uint8Array(16)) + 16;
  const bad = payload.slice();
  bad[at] = 1;
  expect(() => new SegmentIndex(bad, START_MS, 1)).toThrow('labels that share more than there is');
});

test('cut anywhere it is refused', () => {
  const { blocks, series } = fleet(20);
  const payload = encodeIndex(blocks, series, START_MS);
  for (let end = 0; end < payload.length; end++) {
    let refused: unknown;
    try {
      new SegmentIndex(payload.subarray(0, end), START_MS, 1);
    } catch (error) {
      refused = error;
    }
    expect(isTidemarkError(refused), `cut at ${end}`).toBe(true);
  }
});
