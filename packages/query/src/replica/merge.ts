import { assert } from '@tidemark/base';
import {
  type Cardinality,
  compareUtf8,
  type Exemplar,
  encodeLabels,
  HistogramEntries,
  type Labels,
  type MetricDescriptions,
  type MetricMetadata,
  makeRowColumns,
  type NamedCount,
  type NativeHistogram,
  ROW_FLOAT_COLUMNS,
  type RowColumns,
  revisionAfter,
  rowsBetween,
  type SelectedExemplars,
  type SelectedHistograms,
  type SelectedRows,
  type SelectedSeries,
} from '@tidemark/model';
import type { Attempt, DataPart } from './attempt.ts';

// Answers of several stores as one. A metric's series are in one partition, so nearly always there is nothing to do but to put
// lists side by side; a long series comes in several parts, in order, and a series that was moved is in two stores.

type PartOf<K extends DataPart['kind']> = Extract<DataPart, { readonly kind: K }>;

function partsOf<K extends DataPart['kind']>(attempts: readonly Attempt[], kind: K): PartOf<K>[] {
  return attempts.flatMap(({ parts }) =>
    parts.map((part) => {
      assert(part.kind === kind, 'an answer has parts of the kind that was asked for');
      return part as PartOf<K>;
    }),
  );
}

export function mergeSamples(attempts: readonly Attempt[]): SelectedSeries[] {
  const found = partsOf(attempts, 'samples').flatMap(({ series }) => series);
  return bySeries(found, (several) =>
    follow(several, timesOfSamples) ? inARow(several) : several.reduce(joinSamples),
  );
}

export function mergeRows(attempts: readonly Attempt[]): SelectedRows[] {
  const found = partsOf(attempts, 'rows').flatMap(({ series }) => series);
  return bySeries(found, (several) => several.reduce(joinRows));
}

/** Sorted by canonical bytes, each once. */
export function mergeLabels(attempts: readonly Attempt[], limit: number): Labels[] {
  const keyed = partsOf(attempts, 'series').flatMap(({ series }) =>
    series.map((labels) => ({ labels, bytes: encodeLabels(labels) })),
  );
  keyed.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const once = keyed.filter(
    ({ bytes }, i) => i === 0 || Buffer.compare(bytes, keyed[i - 1]?.bytes as Uint8Array) !== 0,
  );
  return once.slice(0, limit).map(({ labels }) => labels);
}

export function mergeTexts(attempts: readonly Attempt[], limit: number): string[] {
  const once = new Set(partsOf(attempts, 'texts').flatMap(({ texts }) => texts));
  return [...once].sort(compareUtf8).slice(0, limit);
}

export function mergeMetadata(attempts: readonly Attempt[]): MetricDescriptions[] {
  const byMetric = new Map<string, MetricMetadata[]>();
  for (const { metric, entries } of partsOf(attempts, 'metadata').flatMap(({ metrics }) => metrics)) {
    const known = byMetric.get(metric) ?? [];
    const news = entries.filter(
      (one) => !known.some(({ type, unit, help }) => type === one.type && unit === one.unit && help === one.help),
    );
    byMetric.set(metric, [...known, ...news]);
  }
  return [...byMetric].map(([metric, entries]) => ({ metric, entries }));
}

/** Exemplars of a series in order of time, each once: several stores may have had the same. */
export function mergeExemplars(attempts: readonly Attempt[]): SelectedExemplars[] {
  const found = partsOf(attempts, 'exemplars').flatMap(({ series }) => series);
  return bySeries(found, (several) => ({
    labels: (several[0] as SelectedExemplars).labels,
    exemplars: inOrderOnce(several.flatMap(({ exemplars }) => exemplars)),
  }));
}

function inOrderOnce(exemplars: readonly Exemplar[]): Exemplar[] {
  const byTime = exemplars.toSorted((a, b) => a.timestampMs - b.timestampMs);
  // A series takes only later ones, so there is one of a time; stores that took different ones of it agree on the first answer.
  return byTime.filter(({ timestampMs }, i) => i === 0 || timestampMs !== byTime[i - 1]?.timestampMs);
}

/**
 * Counts added up. A metric is in one store, so those of series are exact; what several stores have of a label, each counts.
 */
export function mergeCardinality(attempts: readonly Attempt[], limit: number): Cardinality {
  const all = partsOf(attempts, 'cardinality').map(({ cardinality }) => cardinality);
  const sum = (of: (one: Cardinality) => number) => all.reduce((total, one) => total + of(one), 0);
  const lists = (of: (one: Cardinality) => readonly NamedCount[]) => addUp(all.flatMap(of), limit);
  const ranges = all.flatMap(({ range }) => range ?? []);
  return {
    series: sum(({ series }) => series),
    labelPairs: sum(({ labelPairs }) => labelPairs),
    chunks: sum(({ chunks }) => chunks),
    range:
      ranges.length === 0
        ? undefined
        : {
            oldestMs: Math.min(...ranges.map(({ oldestMs }) => oldestMs)),
            newestMs: Math.max(...ranges.map(({ newestMs }) => newestMs)),
          },
    seriesByMetric: lists(({ seriesByMetric }) => seriesByMetric),
    valuesByLabel: lists(({ valuesByLabel }) => valuesByLabel),
    bytesByLabel: lists(({ bytesByLabel }) => bytesByLabel),
    seriesByPair: lists(({ seriesByPair }) => seriesByPair),
  };
}

function addUp(counts: readonly NamedCount[], limit: number): NamedCount[] {
  const sums = new Map<string, number>();
  for (const { name, value } of counts) sums.set(name, (sums.get(name) ?? 0) + value);
  return [...sums]
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => b.value - a.value || compareUtf8(a.name, b.name))
    .slice(0, limit);
}

function bySeries<S extends { readonly labels: Labels }>(found: readonly S[], join: (several: readonly S[]) => S): S[] {
  const byKey = new Map<string, S | S[]>();
  for (const one of found) {
    const key = keyOf(one.labels);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, one);
    else if (Array.isArray(known)) known.push(one);
    else byKey.set(key, [known, one]);
  }
  return [...byKey.values()].map((one) => (Array.isArray(one) ? join(one) : one));
}

/** Lengths between, so that no two label sets have one key. */
function keyOf(labels: Labels): string {
  let key = '';
  for (const { name, value } of labels) key += `${name.length} ${value.length} ${name}${value}`;
  return key;
}

const timesOfSamples = ({ timestampsMs }: SelectedSeries) => timestampsMs;

/** Whether each begins after the one before it ends: the pieces of a long series, nearly always. */
function follow<S>(several: readonly S[], timesOf: (one: S) => Float64Array): boolean {
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const times of several.map(timesOf)) {
    if (times.length > 0 && (times[0] as number) <= lastMs) return false;
    lastMs = times.at(-1) ?? lastMs;
  }
  return true;
}

function inARow(several: readonly SelectedSeries[]): SelectedSeries {
  const count = several.reduce((sum, { values }) => sum + values.length, 0);
  const timestampsMs = new Float64Array(count);
  const values = new Float64Array(count);
  let at = 0;
  const histograms = new HistogramEntries();
  for (const one of several) {
    timestampsMs.set(one.timestampsMs, at);
    values.set(one.values, at);
    if (one.histograms) histograms.addAll(one.histograms, at);
    at += one.values.length;
  }
  return withHistograms({ labels: (several[0] as SelectedSeries).labels, timestampsMs, values }, histograms);
}

/** Of a time that both have, the later one's value. */
function joinSamples(a: SelectedSeries, b: SelectedSeries): SelectedSeries {
  const times = new Float64Array(a.values.length + b.values.length);
  const values = new Float64Array(times.length);
  const words = new Uint32Array(values.buffer);
  const [aWords, bWords] = [a.values, b.values].map((v) => new Uint32Array(v.buffer, v.byteOffset, v.length * 2));
  const [inA, inB] = [histogramsByEntry(a), histogramsByEntry(b)];
  const histograms = new HistogramEntries();
  let count = 0;
  for (let i = 0, k = 0; i < a.values.length || k < b.values.length; count++) {
    const [aMs, bMs] = [a.timestampsMs[i] ?? Number.POSITIVE_INFINITY, b.timestampsMs[k] ?? Number.POSITIVE_INFINITY];
    const fromB = bMs <= aMs;
    times[count] = fromB ? bMs : aMs;
    // As words: a NaN keeps its payload.
    const [from, at] = fromB ? [bWords, k] : [aWords, i];
    words[count * 2] = from?.[at * 2] as number;
    words[count * 2 + 1] = from?.[at * 2 + 1] as number;
    const histogram = fromB ? inB.get(k) : inA.get(i);
    if (histogram) histograms.add(count, histogram);
    if (aMs <= bMs) i++;
    if (fromB) k++;
  }
  const joined = { labels: a.labels, timestampsMs: times.subarray(0, count), values: values.subarray(0, count) };
  return withHistograms(joined, histograms);
}

function withHistograms(series: SelectedSeries, entries: HistogramEntries): SelectedSeries {
  const histograms = entries.finish();
  return histograms === undefined ? series : { ...series, histograms };
}

function histogramsByEntry({ histograms: selected }: SelectedSeries): ReadonlyMap<number, NativeHistogram> {
  const { entries, histograms } = selected ?? NO_HISTOGRAMS;
  return new Map(histograms.map((histogram, i) => [entries[i] as number, histogram]));
}

const NO_HISTOGRAMS: SelectedHistograms = { entries: new Uint32Array(0), histograms: [] };

/** Of a window that both have, the newest revision. */
function joinRows(a: SelectedRows, b: SelectedRows): SelectedRows {
  const rows = makeRowColumns(a.rows.length + b.rows.length);
  let count = 0;
  for (let i = 0, k = 0; i < a.rows.length || k < b.rows.length; count++) {
    const [aMs, bMs] = [a.rows.endMs[i] ?? Number.POSITIVE_INFINITY, b.rows.endMs[k] ?? Number.POSITIVE_INFINITY];
    const fromB = bMs < aMs || (bMs === aMs && isNewer(b.rows, k, a.rows, i));
    copyRow(rows, count, fromB ? b.rows : a.rows, fromB ? k : i);
    if (aMs <= bMs) i++;
    if (bMs <= aMs) k++;
  }
  return { labels: a.labels, rows: rowsBetween(rows, 0, count) };
}

function isNewer(a: RowColumns, i: number, b: RowColumns, k: number): boolean {
  return revisionAfter(
    a.generation[i] as number,
    a.offset[i] as number,
    b.generation[k] as number,
    b.offset[k] as number,
  );
}

function copyRow(into: RowColumns, at: number, from: RowColumns, i: number): void {
  for (const name of [...ROW_FLOAT_COLUMNS, 'endMs', 'generation', 'offset'] as const) {
    into[name][at] = from[name][i] as number;
  }
}
