import { expect, test } from 'vitest';
import {
  checkpointName,
  manifestName,
  parseCheckpointName,
  parseManifestName,
  parseSeriesFileName,
  parseWindowName,
  seriesFileName,
  windowPath,
} from './filename.ts';

const SHARD = { topic: 'tidemark.raw', partition: 11 };

test('names come back as what they were made of', () => {
  expect(parseCheckpointName(checkpointName(123))).toBe(123);
  expect(parseSeriesFileName(seriesFileName(4))).toBe(4);
  expect(parseManifestName(manifestName(SHARD))).toEqual(SHARD);
  const window = { tier: '1m', startMs: 1_699_920_000_000, sequence: 2 } as const;
  expect(parseWindowName(windowPath(SHARD, window).split('/').at(-1) as string)).toEqual(window);
});

test('names sort as they count', () => {
  const names = [9, 10, 99, 100, 123_456].map(checkpointName);
  expect([...names].sort()).toEqual(names);
});

test.each([
  'checkpoint-1',
  'checkpoint-0000000000000001.tmp',
  'LOCK',
  'series-1',
  'raw_1_2',
  '2h_000000000000000_0000',
  'manifests/a/b.manifest',
])('%s is no name of ours', (name) => {
  expect([
    parseCheckpointName(name),
    parseSeriesFileName(name),
    parseWindowName(name),
    parseManifestName(name),
  ]).toEqual([undefined, undefined, undefined, undefined]);
});
