import type { Random } from '@tidemark/base';
import {
  type Labels,
  labelsOf,
  makeRowColumns,
  type NativeHistogram,
  type SelectedRows,
  type SelectedSeries,
} from '@tidemark/model';
import { Oracle, rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import type { Attempt, DataPart } from './attempt.ts';
import { mergeCardinality, mergeLabels, mergeRows, mergeSamples, mergeTexts } from './merge.ts';

// Samples dealt out to several stores, some to two, long series in pieces: put together they are what they were.

const attemptOf = (parts: readonly DataPart[]): Attempt => ({
  head: { partitions: 1, answered: [0], positions: [] },
  parts,
  warnings: [],
});

const labelsOfSeries = (i: number): Labels => labelsOf({ __name__: `m${i % 3}`, i: String(i) });
const byLabels = <S extends { readonly labels: Labels }>(list: readonly S[]) =>
  [...list].sort((a, b) => (JSON.stringify(a.labels) < JSON.stringify(b.labels) ? -1 : 1));

/** Pieces of a list, in order. */
function pieces<T>(random: Random, list: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let at = 0; at < list.length; ) {
    const length = 1 + random.below(list.length - at);
    found.push(list.slice(at, at + length));
    at += length;
  }
  return found;
}

test('samples of several stores are those of one', () =>
  withSeed('replica-merge', (random) => {
    for (let round = 0; round < rounds(30); round++) mergeOnce(random);
  }));

function mergeOnce(random: Random): void {
  const oracle = new Oracle();
  const stores: DataPart[][] = Array.from({ length: 1 + random.below(4) }, () => []);
  for (let i = 0; i < 20; i++) {
    const labels = labelsOfSeries(i);
    const times = [...new Set(Array.from({ length: random.below(30) }, () => random.below(50)))].sort((a, b) => a - b);
    const owners = stores.filter(() => random.below(stores.length) === 0);
    for (const [s, owner] of (owners.length === 0 ? stores.slice(0, 1) : owners).entries()) {
      const own = s === 0 ? times : times.filter(() => random.below(2) === 0);
      for (const piece of pieces(random, own)) {
        const series: SelectedSeries = {
          labels,
          timestampsMs: Float64Array.from(piece),
          values: Float64Array.from(piece, (ms) => ms * 100 + s),
        };
        owner.push({ kind: 'samples', series: [series] });
      }
      for (const ms of own) oracle.append(labels, ms, ms * 100 + s);
    }
  }
  const merged = byLabels(mergeSamples(stores.map(attemptOf)));
  const wanted = byLabels(oracle.select([]));
  expect(
    merged.map(({ labels, timestampsMs, values }) => ({
      labels,
      samples: [...timestampsMs].map((timestampMs, k) => ({ timestampMs, value: values[k] })),
    })),
  ).toEqual(wanted);
}

test('native histograms of several stores stand where their samples do', () =>
  withSeed('replica-merge-histograms', (random) => {
    for (let round = 0; round < rounds(30); round++) mergeHistogramsOnce(random);
  }));

function mergeHistogramsOnce(random: Random): void {
  const wanted = new Map<number, number | 'histogram'>();
  const stores = Array.from({ length: 1 + random.below(3) }, (_, s): DataPart[] => {
    const times = Array.from({ length: 40 }, (_v, ms) => ms).filter(() => random.below(2) === 0);
    return pieces(random, times).map((piece) => {
      const entries: number[] = [];
      const histograms: NativeHistogram[] = [];
      for (const [i, ms] of piece.entries()) {
        const isHistogram = random.below(2) === 0;
        wanted.set(ms, isHistogram ? 'histogram' : ms * 100 + s);
        if (!isHistogram) continue;
        entries.push(i);
        histograms.push(histogramOf(ms * 100 + s));
      }
      const series: SelectedSeries = {
        labels: labelsOfSeries(1),
        timestampsMs: Float64Array.from(piece),
        values: Float64Array.from(piece, (ms, i) => (entries.includes(i) ? Number.NaN : ms * 100 + s)),
        ...(entries.length === 0 ? {} : { histograms: { entries: Uint32Array.from(entries), histograms } }),
      };
      return { kind: 'samples', series: [series] };
    });
  });
  const [merged] = mergeSamples(stores.map(attemptOf));
  const counts = new Map(
    [...(merged?.histograms?.entries ?? [])].map((entry, i) => [entry, merged?.histograms?.histograms[i]?.count]),
  );
  for (const [i, ms] of [...(merged?.timestampsMs ?? [])].entries()) {
    const kind = wanted.get(ms);
    if (kind === 'histogram') expect(Math.floor((counts.get(i) ?? 0) / 100)).toBe(ms);
    else expect([counts.get(i), merged?.values[i]]).toEqual([undefined, kind]);
  }
  expect(merged?.timestampsMs.length ?? 0).toBe(wanted.size);
}

function histogramOf(count: number): NativeHistogram {
  const side = { spans: [], counts: new Float64Array(0) };
  const nothing = { zeroThreshold: 0, zeroCount: 0, sum: 0, positive: side, negative: side, bounds: undefined };
  return { ...nothing, schema: 0, hint: 'unknown', fractions: false, count };
}

test('rows of several stores: of each window the newest revision', () =>
  withSeed('replica-merge-rows', (random) => {
    for (let round = 0; round < rounds(30); round++) mergeRowsOnce(random);
  }));

function mergeRowsOnce(random: Random): void {
  const newest = new Map<number, readonly [generation: number, offset: number]>();
  const stores = Array.from({ length: 1 + random.below(4) }, (): DataPart[] => {
    const ends = Array.from({ length: 20 }, (_, i) => i * 60_000).filter(() => random.below(2) === 0);
    return pieces(random, ends).map((piece) => {
      const rows = makeRowColumns(piece.length);
      for (const [i, endMs] of piece.entries()) {
        const [generation, offset] = [1 + random.below(2), random.below(5)];
        rows.endMs[i] = endMs;
        rows.generation[i] = generation;
        rows.offset[i] = offset;
        rows.sum[i] = generation * 10 + offset;
        const known = newest.get(endMs);
        if (!known || generation > known[0] || (generation === known[0] && offset > known[1]))
          newest.set(endMs, [generation, offset]);
      }
      const series: SelectedRows = { labels: labelsOfSeries(1), rows };
      return { kind: 'rows', series: [series] };
    });
  });
  const [merged] = mergeRows(stores.map(attemptOf));
  const rows = merged?.rows ?? makeRowColumns(0);
  const found = Array.from({ length: rows.length }, (_, i) => [rows.endMs[i], rows.sum[i]]);
  const wanted = [...newest]
    .sort(([a], [b]) => a - b)
    .map(([endMs, [generation, offset]]) => [endMs, generation * 10 + offset]);
  expect(found).toEqual(wanted);
}

test('lists are sorted by their bytes, each once, and cut', () => {
  const texts = [
    ['a', '\u{1f600}'],
    ['\uffee', 'a'],
  ].map((some) => attemptOf([{ kind: 'texts', texts: some }]));
  expect(mergeTexts(texts, 10)).toEqual(['a', '\uffee', '\u{1f600}']);
  expect(mergeTexts(texts, 2)).toEqual(['a', '\uffee']);
  const series = [
    [2, 1],
    [0, 2],
  ].map((some) => attemptOf([{ kind: 'series', series: some.map(labelsOfSeries) }]));
  expect(mergeLabels(series, 10)).toEqual([0, 1, 2].map(labelsOfSeries));
  expect(mergeLabels(series, 1)).toEqual([labelsOfSeries(0)]);
});

test('counts add up', () => {
  const count = (name: string, value: number) => ({ name, value });
  const one = (series: number, oldestMs: number | undefined) => ({
    series,
    labelPairs: 2,
    chunks: 3,
    range: oldestMs === undefined ? undefined : { oldestMs, newestMs: oldestMs + 5 },
    seriesByMetric: [count(`m${series}`, series)],
    valuesByLabel: [count('job', series), count('z', 1)],
    bytesByLabel: [],
    seriesByPair: [],
  });
  const stores = [one(7, 10), one(2, undefined), one(9, 4)].map((cardinality) =>
    attemptOf([{ kind: 'cardinality', cardinality }]),
  );
  expect(mergeCardinality(stores, 2)).toEqual({
    series: 18,
    labelPairs: 6,
    chunks: 9,
    range: { oldestMs: 4, newestMs: 15 },
    seriesByMetric: [count('m9', 9), count('m7', 7)],
    valuesByLabel: [count('job', 18), count('z', 3)],
    bytesByLabel: [],
    seriesByPair: [],
  });
});
