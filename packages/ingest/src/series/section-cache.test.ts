import {
  encodeLabels,
  encodeSampleBatch,
  type KeptSection,
  labelsOf,
  type SampleBatch,
  type SeriesSection,
} from '@tidemark/model';
import { expect, test } from 'vitest';
import { SectionCache } from './section-cache.ts';

const LABELS = encodeLabels(labelsOf({ __name__: 'up', job: 'node' }));

function section(bytes = LABELS.length): SeriesSection {
  const labelBytes = new Uint8Array(bytes);
  labelBytes.set(LABELS.subarray(0, bytes));
  return {
    count: 1,
    labelBytes,
    labelEnds: Uint32Array.of(bytes),
    types: new Uint8Array(1),
    units: undefined,
    startTimesMs: undefined,
  };
}

function batchOf(series: SeriesSection): SampleBatch {
  const columns = { sampleSeries: new Uint32Array(1), timestampsMs: new Float64Array(1), values: new Float64Array(1) };
  const none = { histograms: undefined, exemplars: undefined, metadata: undefined };
  return { tenant: 't', admittedAtMs: 0, series, ...columns, ...none };
}

/** What a table does: ask, and make when it is not there. */
function ask(cache: SectionCache, partition: number, refs: number[], bytes?: number): SeriesSection {
  const asked = Uint32Array.from(refs);
  return cache.get(partition, asked) ?? cache.put(partition, asked, section(bytes));
}

test('a sequence is kept from its second sighting on, by partition and order', () => {
  const cache = new SectionCache(10_000);
  const first = ask(cache, 0, [1, 2, 3]);
  const second = ask(cache, 0, [1, 2, 3]);
  expect(second).not.toBe(first);
  expect(ask(cache, 0, [1, 2, 3])).toBe(second);
  expect(ask(cache, 1, [1, 2, 3])).not.toBe(second);
  expect(ask(cache, 0, [1, 3, 2])).not.toBe(second);
  expect(ask(cache, 0, [1, 2])).not.toBe(second);
});

/** What the cache holds beside the notes of what it saw once. */
function keptBytes(cache: SectionCache): number {
  return cache.bytes - cache.noteBytes;
}

test('requests that slide over their series fill nothing but notes, which are bounded', () => {
  const cache = new SectionCache(10_000);
  for (let i = 0; i < 100_000; i++) ask(cache, 0, [i, i + 1, i + 2]);
  // Among so many, one or two share their hash with another.
  expect(keptBytes(cache)).toBeLessThan(1_000);
  expect(cache.noteBytes).toBe(4 * 64 * 1024);
});

test('many sequences in turn are all kept', () => {
  const cache = new SectionCache(10_000_000);
  for (let round = 0; round < 20; round++) for (let i = 0; i < 1_000; i++) ask(cache, 0, [i, i + 1]);
  const held = Array.from({ length: 1_000 }, (_, i) => ask(cache, 0, [i, i + 1]));
  const again = held.filter((section, i) => ask(cache, 0, [i, i + 1]) === section);
  // Two that share a note push each other out for ever; few do.
  expect(again.length).toBeGreaterThan(900);
});

test('bytes stay within the limit, what is asked for stays, and refs given are not kept', () => {
  const cache = new SectionCache(10_000);
  const asked = Uint32Array.of(1, 2);
  cache.get(0, asked);
  cache.put(0, asked, section());
  cache.get(0, asked);
  const kept = cache.put(0, asked, section());
  asked.fill(9);
  for (let i = 0; i < 100; i++) {
    expect(ask(cache, 0, [1, 2])).toBe(kept);
    for (let twice = 0; twice < 2; twice++) ask(cache, 0, [100 + i, 7], 500);
    expect(keptBytes(cache)).toBeLessThanOrEqual(10_000);
  }
  expect(keptBytes(cache)).toBeGreaterThan(3_000);
});

test('a section larger than half the limit is not kept', () => {
  const cache = new SectionCache(1_000);
  for (let i = 0; i < 3; i++) ask(cache, 0, [1], 600);
  expect(keptBytes(cache)).toBe(0);
});

test('labels of a section that comes again and again are let go, once it was packed', () => {
  const cache = new SectionCache(10_000);
  for (let i = 0; i < 2; i++) ask(cache, 0, [1, 2]);
  const kept = ask(cache, 0, [1, 2]) as KeptSection;
  encodeSampleBatch(batchOf(kept));
  for (let i = 0; i < 3; i++) expect(ask(cache, 0, [1, 2])).toBe(kept);
  expect(kept.held).toBe(false);
  expect(kept.labelBytes).toEqual(LABELS);
});
