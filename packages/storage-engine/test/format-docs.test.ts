import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ByteReader, bytesEqual, must } from '@tidemark/base';
import { decodeHistogram, decodeLabels, encodeLabels, formatLabels, labelsOf, seriesId } from '@tidemark/model';
import { expect, test } from 'vitest';
import { decodeCheckpoint } from '../src/checkpoint/checkpoint-file.ts';
import { restoreSections } from '../src/checkpoint/head-pages.ts';
import { readBrief } from '../src/chunk/brief.ts';
import { readChunk } from '../src/chunk/chunk.ts';
import { Columns } from '../src/chunk/columns.ts';
import { SharedTimes } from '../src/chunk/shared-times.ts';
import { decodeTombstones, encodeTombstones } from '../src/deletes/tombstone.ts';
import { decodeExemplarsFile } from '../src/exemplars/codec.ts';
import { checkpointName, manifestName, segmentName, shardFolder, windowPath } from '../src/filename.ts';
import { Head } from '../src/head/head.ts';
import { type Fact, inspectSegment } from '../src/index.ts';
import { decodeFileHeader, encodeFileHeader, encodeFrame, KIND } from '../src/journal/format.ts';
import { decodeRecord, type JournalRecord } from '../src/journal/record.ts';
import { scanFrames } from '../src/journal/scan.ts';
import { decodeMetadataFile } from '../src/metadata/codec.ts';
import { objectKey, openPiece, pieceName } from '../src/object-store/piece.ts';
import { decodeKey, KIND_DICTIONARY, openValue } from '../src/partition/keys.ts';
import { decodeDictionary, decodeManifest } from '../src/partition/window-format.ts';
import { decodeSegmentManifest } from '../src/tiering/manifest.ts';
import { NaiveBytes } from './format/naive-bytes.ts';
import { naiveChunk, naiveTimes } from './format/naive-chunk.ts';
import { naiveSegment } from './format/naive-segment.ts';

// The pages of the formats, read as a reader would: their bytes are decoded and must say what the text says.

const FORMATS = join(import.meta.dirname, '../../../docs/format');

function block(page: string, name: string): string {
  const found = new RegExp(`\`\`\`${name}\\n([\\s\\S]*?)\`\`\``).exec(readFileSync(join(FORMATS, page), 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${page} has no block ${name}`);
  return found;
}

function hex(page: string, name: string): Uint8Array {
  return Uint8Array.from(Buffer.from(block(page, `hex ${name}`).replace(/\s+/g, ''), 'hex'));
}

const JITTER = [1000, 2003, 2999, 4001];
const PAGES = Array.from({ length: 20 }, (_, i) => (i === 11 ? 9_000_000 : 34 + ((i * 7) % 13)) * 4096);

/** What the page says its chunks are: times, then columns. */
const CHUNKS: readonly (readonly [string, number[], ...number[][]])[] = [
  ['chunk-gauge', [1000, 2000, 3000, 4000], [1.5, 1.25, 1.75, 1]],
  ['chunk-constant', [1000, 2000], [7, 7]],
  ['chunk-minus-zero', [1000, 2000], [1, -0]],
  ['chunk-jitter', JITTER, [3, 9, 4, 7]],
  ['chunk-near', [1000, 2000, 3000], [0.1 + 0.2, 0.5, 0.7]],
  ['chunk-pi', [1000, 2000], [Math.PI, Math.PI]],
  ['chunk-plain', [1000, 2000, 3000], [0.1 + 0.2, -1 / 3e200, Math.E * 1e150]],
  ['chunk-copy', [1000, 2000], [7, 8], [7, 8]],
  ['chunk-pages', Array.from(PAGES, (_, i) => 1000 + 1000 * i), PAGES],
];

test('chunk.md', () => {
  for (const [name, times, ...columns] of CHUNKS) {
    const chunk = hex('chunk.md', name);
    expect(naiveChunk(chunk, columns.length), name).toEqual({ times, columns });
    const read = new Columns(columns.length);
    readChunk(chunk, 0, chunk.length, read);
    expect([...read.timestampsMs.subarray(0, read.length)], name).toEqual(times);
    expect(
      read.columns.map(({ values }) => [...values.subarray(0, read.length)]),
      name,
    ).toEqual(columns);
  }
  const both = new Columns(1);
  const histograms = hex('chunk.md', 'chunk-histograms');
  readChunk(histograms, 0, histograms.length, both);
  expect([...both.timestampsMs.subarray(0, both.length)]).toEqual([1000, 2000, 3000]);
  expect([...(both.columns[0]?.values.subarray(0, 3) ?? [])]).toEqual([Number.NaN, 1.5, Number.NaN]);
  const histogram = (sum: number, count: number, last: number) => ({
    ...{ schema: 3, hint: 'unknown', fractions: false, zeroThreshold: 0.5, zeroCount: 1, bounds: undefined },
    ...{ sum, count, negative: { spans: [], counts: new Float64Array(0) } },
    positive: { spans: [{ gap: -2, length: 2 }], counts: Float64Array.of(1, last) },
  });
  expect(both.histograms?.map((bytes) => bytes && decodeHistogram(bytes))).toEqual([
    histogram(2.5, 4, 2),
    undefined,
    histogram(4, 7, 5),
  ]);
  const table = new NaiveBytes(hex('chunk.md', 'times-table'));
  const shared = table.many(() => {
    const column = new NaiveBytes(table.lengthPrefixed());
    return naiveTimes(column, column.uvarint(), []);
  });
  expect(shared).toEqual([JITTER]);
  expect(naiveChunk(hex('chunk.md', 'chunk-shared'), 1, shared)).toEqual({ times: JITTER, columns: [[3, 9, 4, 7]] });
  const sharedTimes = new SharedTimes(new ByteReader(hex('chunk.md', 'times-table')));
  const chunk = hex('chunk.md', 'chunk-shared');
  const one = new Columns(1);
  readChunk(chunk, 0, chunk.length, one, undefined, sharedTimes);
  expect([...one.timestampsMs.subarray(0, 4)]).toEqual(JITTER);
  const brief = new Columns(4);
  const bytes = hex('chunk.md', 'brief');
  readBrief(bytes, 0, bytes.length, brief);
  expect([...brief.timestampsMs.subarray(0, brief.length)]).toEqual([60_000, 120_000]);
  expect(brief.columns.map(({ values }) => [...values.subarray(0, 2)])).toEqual([
    [6, 6],
    [1.5, 1.75],
    [1.5, 3],
    [0, 0],
  ]);
});

test('checkpoint.md', () => {
  const { header, sections } = decodeCheckpoint(hex('checkpoint.md', 'checkpoint'));
  expect(header).toMatchObject({ tier: 'raw', topic: 't', partition: 0, generation: 1, position: 42, seriesCount: 2 });
  expect(header.windows).toEqual([{ startMs: 0, sequence: 0, frozenPosition: 0, generation: 1 }]);
  const head = new Head({ ...header, streamMax: 112, streamFold: 0, emit: () => undefined });
  head.reserve(2);
  restoreSections(head, sections, 2);
  expect([...head.state.windowOf.subarray(0, 2)]).toEqual([-(2 ** 31), 1]);
  expect([...head.state.last.subarray(0, 2)]).toEqual([0, 1001]);
  expect([...head.state.finished.subarray(0, 2)]).toEqual([0, 1001]);
  expect([...head.state.firstCell.subarray(0, 2)]).toEqual([0xffff_ffff, 0]);
  expect([head.holds(0), head.holds(1)]).toEqual([false, true]);
  const held = new Columns(1);
  head.copySeries(1, held);
  expect([...held.timestampsMs.subarray(0, held.length)]).toEqual([7_200_000, 7_201_000]);
  expect([...(held.columns[0]?.values.subarray(0, held.length) ?? [])]).toEqual([1.5, 2.5]);
  const before = decodeCheckpoint(hex('checkpoint.md', 'checkpoint-0'));
  expect(before).toEqual({ header: { ...header, slotSize: 16, seriesCount: 0 }, sections: [] });
});

test('leveldb-keys.md', () => {
  const key = hex('leveldb-keys.md', 'window-key');
  expect(decodeKey(key)).toEqual({ tenant: 'default', kind: KIND_DICTIONARY, generation: 1, number: 0 });
  const { first, entries } = decodeDictionary(openValue(key, hex('leveldb-keys.md', 'window-value')) as Uint8Array);
  expect(first).toBe(0);
  const labels = encodeLabels(labelsOf({ __name__: 'up' }));
  const id = seriesId(new Uint8Array(32).fill(7), 'default', labels);
  expect(entries.length).toBe(1);
  expect(bytesEqual(entries[0]?.labels as Uint8Array, 0, labels.length, labels, 0, labels.length)).toBe(true);
  expect(bytesEqual(entries[0]?.id as Uint8Array, 0, 16, id, 0, 16)).toBe(true);
  const manifestKey = hex('leveldb-keys.md', 'manifest-key');
  const manifest = openValue(manifestKey, hex('leveldb-keys.md', 'manifest-value')) as Uint8Array;
  expect(decodeManifest(manifest)).toEqual({
    generation: 1,
    tenants: [{ tenant: 'default', dictionaryPages: 1, indexPages: 1, blocks: 1, series: 1 }],
  });
  expect(openValue(key, hex('leveldb-keys.md', 'manifest-value')), 'under another key it is nothing').toBeUndefined();
});

test('segment.md', async () => {
  const factsOf = async (bytes: Uint8Array) => {
    const facts: Fact[] = [];
    for await (const fact of inspectSegment('page', bytes)) facts.push(fact);
    return facts;
  };
  const bytes = hex('segment.md', 'segment-0');
  const segment = { what: 'segment', tier: 'raw', topic: 't', sealedThroughOffset: 41, endMs: 7_200_000 };
  const up = { what: 'series', labels: 'up', samples: 4, firstMs: 1000, lastMs: 4000 };
  expect(await factsOf(bytes)).toMatchObject([
    segment,
    { what: 'tenant', tenant: 'default', series: 1, samples: 4 },
    up,
  ]);
  for (const version of ['segment', 'segment-1'])
    expect(await factsOf(hex('segment.md', version))).toMatchObject([
      segment,
      { what: 'tenant', tenant: 'default', series: 2, samples: 8 },
      up,
      { ...up, labels: 'up{job="a"}' },
    ]);
  const written = hex('segment.md', 'segment');
  const values = [1.5, 1.25, 1.75, 1];
  const series = { times: [1000, 2000, 3000, 4000], columns: [values] };
  expect(naiveSegment(written)).toMatchObject({
    footer: { tier: 'raw', topic: 't', sealedThrough: 41, level: 0, lost: 0, cleanedThrough: -1, sources: [] },
    tenants: [
      {
        tenant: 'default',
        series: [
          { labels: { __name__: 'up' }, ...series },
          { labels: { __name__: 'up', job: 'a' }, ...series },
        ],
        metrics: [{ metric: 'up', series: 2, samples: 8 }],
      },
    ],
  });
  const [named] = decodeSegmentManifest(hex('segment.md', 'segment-manifest-2')).entries;
  expect(named).toMatchObject({ bytes: written.length, sealedThroughOffset: 41, level: 0 });
  expect(named?.object).toContain(createHash('sha256').update(written).digest('hex').slice(0, 16));
  expect(named?.tenants).toEqual([
    { tenant: 'default', series: 2, samples: 8, bytes: 134, metrics: { first: 'up', last: 'up' } },
  ]);
  const { entries } = decodeSegmentManifest(hex('segment.md', 'segment-manifest'));
  expect(entries).toMatchObject([{ bytes: bytes.length, sealedThroughOffset: 41, lost: 0, level: 0 }]);
  const compacted = decodeSegmentManifest(hex('segment.md', 'segment-manifest-1'));
  expect(compacted.entries).toMatchObject([
    { endMs: 86_400_000, level: 1, sealedThroughOffset: 99, cleanedThrough: 70 },
  ]);
  expect(compacted.merged).toEqual([
    {
      startMs: 0,
      lives: [
        { sequence: 0, sealedThroughOffset: 41 },
        { sequence: 1, sealedThroughOffset: 99 },
      ],
    },
  ]);
});

test('metadata.md', () => {
  expect(decodeMetadataFile(hex('metadata.md', 'metadata'))).toEqual([
    {
      tenant: 'default',
      entries: [{ metric: 'up', type: 'gauge', unit: '', help: 'Is it?', seenMs: 1_700_000_000_000 }],
    },
  ]);
});

test('exemplars.md', () => {
  const said = decodeExemplarsFile(hex('exemplars.md', 'exemplars')).flatMap(({ tenant, exemplars }) =>
    exemplars.map(({ series, timestampMs, value, labels, hasNoTime }) => {
      const [ofSeries, own] = [series, labels].map((bytes) => formatLabels(decodeLabels(bytes)));
      return { tenant, ofSeries, own, timestampMs, value, hasNoTime };
    }),
  );
  const both = { tenant: 'default', ofSeries: 'seconds_bucket{le="0.5"}' };
  expect(said).toEqual([
    { ...both, own: '{trace_id="4bf9"}', timestampMs: 1_700_000_000_000, value: 0.25, hasNoTime: false },
    { ...both, own: '{trace_id="a1c2"}', timestampMs: 1_700_000_015_000, value: 0.5, hasNoTime: true },
  ]);
});

test('tombstones.md', () => {
  const { tombstones, lostMs } = decodeTombstones(hex('tombstones.md', 'tombstones'));
  const [tombstone, ...rest] = tombstones;
  expect(lostMs).toBe(undefined);
  expect(rest).toEqual([]);
  expect(tombstone).toMatchObject({ topic: 'tidemark.raw', partition: 3, offset: 41, tenant: 'default', atMs: 5000 });
  expect(tombstone?.criticalOffset).toBe(16);
  expect([...encodeTombstones({ tombstones: [must(tombstone)] })]).toEqual([...hex('tombstones.md', 'tombstones')]);
  const after = decodeTombstones(hex('tombstones.md', 'tombstones-lost'));
  expect(after).toEqual({ tombstones: [], lostMs: 5000 });
  expect([...encodeTombstones(after)]).toEqual([...hex('tombstones.md', 'tombstones-lost')]);
  expect([tombstone?.startMs, tombstone?.endMs]).toEqual([1000, Number.POSITIVE_INFINITY]);
  expect(tombstone?.selectors.map((matchers) => matchers.map(({ name, type, value }) => name + type + value))).toEqual([
    ['__name__=up', 'host=~a.*'],
  ]);
});

test('journal.md', () => {
  const bytes = hex('journal.md', 'journal');
  const header = must(decodeFileHeader(bytes, 3));
  const ends = Float64Array.of(41, 17, 0);
  expect(header).toEqual({ number: 3, salt: 0x5a17, first: 41, previousLength: 1234, ownLength: 68, ends });
  const frames = [...scanFrames(bytes, header, undefined)].map((one) => (one.what === 'frame' ? one : unreadable(one)));
  expect(frames.map((one) => [one.header.kind, one.header.sequence, one.header.syncedTo])).toEqual([
    [KIND.samples, 41, 68],
    [KIND.delete, 42, 153],
    [KIND.mark, 43, 266],
  ]);
  const [samples, removal] = frames.slice(0, 2).map(({ header: { kind }, body }) => decodeRecord(kind as 1, body));
  expect(samples).toMatchObject({ kind: KIND.samples, batch: { tenant: 'default', admittedAtMs: 2000 } });
  const { timestampsMs, values } = (samples as JournalRecord & { kind: typeof KIND.samples }).batch;
  expect([...timestampsMs, ...values]).toEqual([1000, 1.5]);
  expect(removal).toMatchObject({ kind: KIND.delete, tombstone: { startMs: 500, endMs: 999, atMs: 3000 } });
  const written = frames.flatMap(({ at, header: { kind, sequence, syncedTo }, body }) =>
    encodeFrame({ kind, sequence, body }, header.salt, at, syncedTo),
  );
  expect(Buffer.concat([encodeFileHeader(header), ...written])).toEqual(Buffer.from(bytes));
  expect(decodeFileHeader(bytes, 4), 'under another number it is nothing').toBeUndefined();
});

const unreadable = (one: unknown): never => {
  throw new Error(`the page has ${JSON.stringify(one)}`);
};

test('object-names.md', () => {
  const shard = { topic: 'tidemark.raw', partition: 3 };
  const window = { tier: 'raw', startMs: 1_699_999_200_000, sequence: 0 } as const;
  expect(block('object-names.md', 'names').trim().split('\n')).toEqual([
    segmentName(shard, window, 0, 'd2d90af993ed0bc9'),
    manifestName(shard),
    windowPath(shard, window),
    `${shardFolder(shard)}/${checkpointName(42)}`,
  ]);
});

test('disk-cache.md', () => {
  expect([...(openPiece(hex('disk-cache.md', 'piece'), 'segments/a.seg', 0) ?? [])]).toEqual([1, 2, 3]);
  expect(openPiece(hex('disk-cache.md', 'piece'), 'segments/a.seg', 1)).toBeUndefined();
  const page = readFileSync(join(FORMATS, 'disk-cache.md'), 'utf8');
  expect(page).toContain(pieceName(objectKey('segments/a.seg'), 0, 3));
});
