import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesEqual, must } from '@tidemark/base';
import { encodeLabels, labelsOf, seriesId } from '@tidemark/model';
import { expect, test } from 'vitest';
import { decodeCheckpoint } from '../src/checkpoint/checkpoint-file.ts';
import { readBrief } from '../src/chunk/brief.ts';
import { readChunk } from '../src/chunk/chunk.ts';
import { Columns } from '../src/chunk/columns.ts';
import { decodeTombstones, encodeTombstones } from '../src/deletes/tombstone.ts';
import { checkpointName, manifestName, segmentName, shardFolder, windowPath } from '../src/filename.ts';
import { type Fact, inspectSegment } from '../src/index.ts';
import { decodeMetadataFile } from '../src/metadata/codec.ts';
import { decodeKey, KIND_DICTIONARY, openValue } from '../src/partition/keys.ts';
import { decodeDictionary, decodeManifest } from '../src/partition/window-format.ts';
import { decodeSegmentManifest } from '../src/tiering/manifest.ts';

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

function decoded(name: string): { times: number[]; values: number[] } {
  const columns = new Columns(1);
  const bytes = hex('chunk.md', name);
  readChunk(bytes, 0, bytes.length, columns);
  const values = columns.columns[0]?.values.subarray(0, columns.length) ?? [];
  return { times: [...columns.timestampsMs.subarray(0, columns.length)], values: [...values] };
}

test('chunk.md', () => {
  expect(decoded('chunk-gauge')).toEqual({ times: [1000, 2000, 3000, 4000], values: [1.5, 1.25, 1.75, 1] });
  expect(decoded('chunk-constant')).toEqual({ times: [1000, 2000], values: [7, 7] });
  expect(decoded('chunk-minus-zero')).toEqual({ times: [1000, 2000], values: [1, -0] });
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
  expect(header).toMatchObject({ tier: 'raw', topic: 't', partition: 0, generation: 1, position: 42, seriesCount: 0 });
  expect(header.windows).toEqual([{ startMs: 0, sequence: 0, frozenPosition: 0, generation: 1 }]);
  expect(sections).toEqual([]);
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
  expect(await factsOf(hex('segment.md', 'segment'))).toMatchObject([
    segment,
    { what: 'tenant', tenant: 'default', series: 2, samples: 8 },
    up,
    { ...up, labels: 'up{job="a"}' },
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

test('tombstones.md', () => {
  const [tombstone, ...rest] = decodeTombstones(hex('tombstones.md', 'tombstones'));
  expect(rest).toEqual([]);
  expect(tombstone).toMatchObject({ topic: 'tidemark.raw', partition: 3, offset: 41, tenant: 'default', atMs: 5000 });
  expect(tombstone?.criticalOffset).toBe(16);
  expect([...encodeTombstones([must(tombstone)])]).toEqual([...hex('tombstones.md', 'tombstones')]);
  expect([tombstone?.startMs, tombstone?.endMs]).toEqual([1000, Number.POSITIVE_INFINITY]);
  expect(tombstone?.selectors.map((matchers) => matchers.map(({ name, type, value }) => name + type + value))).toEqual([
    ['__name__=up', 'host=~a.*'],
  ]);
});

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
