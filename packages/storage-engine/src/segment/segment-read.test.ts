import { systemClock } from '@tidemark/base';
import { encodeLabels, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { Columns } from '../chunk/columns.ts';
import { SeriesDecoder } from '../read/decode.ts';
import { Gathered } from '../read/gather.ts';
import { Turns } from '../read/turns.ts';
import type { BlockRange } from './chunk-columns.ts';
import { bufferRanges, readBlock, readFooter, readTenantIndex } from './reader.ts';
import { areApart, SegmentRead } from './segment-read.ts';
import { SegmentWriter } from './writer.ts';

const START_MS = 7_200_000;

/** A read of everything in a segment of these series: one sample each, at the start and each a minute after the one before. */
async function readOf(partition: number, ...series: readonly Record<string, string>[]): Promise<SegmentRead> {
  const writer = new SegmentWriter({
    tier: 'raw',
    topic: 'tidemark.raw',
    partition,
    startMs: START_MS,
    endMs: 2 * START_MS,
    sequence: 0,
    part: 0,
    sealedThroughOffset: 1,
    columnCount: 1,
    level: 0,
    cleanedThrough: -1,
    sources: [],
  });
  for (const [i, labels] of series.entries()) {
    const columns = new Columns(1, 1);
    columns.timestampsMs[0] = START_MS + i * 60_000;
    columns.length = 1;
    writer.add('a', encodeLabels(labelsOf(labels)), columns);
  }
  const ranges = bufferRanges('test', writer.finish().bytes);
  const index = await readTenantIndex(ranges, await readFooter(ranges), 'a');
  if (index === undefined) throw new Error('the segment has nothing of its tenant');
  const range = { startMs: START_MS, endMs: START_MS + 120_000 };
  return new SegmentRead({
    index,
    refs: index.refs(),
    source: {
      id: 'test',
      cacheable: false,
      ...(index.times && { times: index.times }),
      readBlocks: (numbers) =>
        Promise.all(numbers.map((number) => readBlock(ranges, index.blocks[number] as BlockRange, index.version))),
    },
    range,
    rank: 0,
    erasures: undefined,
    labelsOnly: false,
  });
}

test('segments of different metrics are apart, those that share one are not, and who has no name is anybody', async () => {
  const up = await readOf(0, { __name__: 'up', i: '1' }, { __name__: 'up', i: '2' });
  const load = await readOf(1, { __name__: 'load' });
  const more = await readOf(2, { __name__: 'up', i: '3' });
  const nameless = await readOf(3, { i: '1' });
  expect(areApart([])).toBe(true);
  expect(areApart([nameless])).toBe(true);
  expect(areApart([up, load])).toBe(true);
  expect(areApart([up, load, more])).toBe(false);
  expect(areApart([load, nameless])).toBe(false);
});

test('series that reach into the range are handed over, each once, whole or their newest sample', async () => {
  const read = await readOf(0, ...[1, 2, 3, 4].map((i) => ({ __name__: 'up', i: String(i) })));
  for (const newestOnly of [false, true]) {
    const taken: number[] = [];
    await read.scan({
      decoder: new SeriesDecoder(1),
      newestOnly,
      gathered: new Gathered(2),
      turns: new Turns(systemClock, new AbortController().signal),
      take(_owner, ref, { columns, from, to }) {
        expect(to - from).toBe(1);
        expect(columns.timestampsMs[from]).toBe(START_MS + ref * 60_000);
        taken.push(ref);
        return undefined;
      },
    });
    // The third begins where the range ends.
    expect(taken).toEqual([0, 1]);
  }
});

test('more series than may be are refused', async () => {
  const read = await readOf(0, { __name__: 'up', i: '1' }, { __name__: 'up', i: '2' });
  const turns = new Turns(systemClock, new AbortController().signal);
  const scan = { decoder: new SeriesDecoder(1), newestOnly: false, gathered: new Gathered(1), turns };
  await expect(read.scan({ ...scan, take: () => undefined })).rejects.toMatchObject({ code: 'SELECT_TOO_MANY_SERIES' });
});
