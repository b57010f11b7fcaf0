import {
  HistogramEntries,
  isStaleAt,
  type Labels,
  type RowColumns,
  type SelectedRows,
  type SelectedSeries,
  wordsOf,
} from '@tidemark/model';
import { labelKey, makeSpans, type SpanColumn, type SpanSeries, type Spans } from '@tidemark/promql';

// Rows and samples of one selector, put together series by series.
//
//   1h rows | 1m rows | samples      parts of one series, each all before the next
//
// Rows that were taken back are no rows. Stale markers among samples end an instant, and are no samples to a range.

type Part =
  | { readonly kind: 'rows'; readonly rows: RowColumns }
  | { readonly kind: 'raw'; readonly series: SelectedSeries };

interface Parts {
  readonly labels: Labels;
  readonly list: Part[];
}

export class Stitch {
  readonly #columns: readonly SpanColumn[];
  readonly #series = new Map<string, Parts>();
  rowCount = 0;
  /** Where the last of all windows ends. */
  endMs = Number.NEGATIVE_INFINITY;

  /** `columns`: of spans, what will be read. */
  constructor(columns: readonly SpanColumn[]) {
    this.#columns = columns;
  }

  /** Returns where the windows of these rows begin and end: an empty range that contains nothing when there are none. */
  addRows(series: readonly SelectedRows[], rowMs: number): { startMs: number; endMs: number } {
    let startMs = Number.POSITIVE_INFINITY;
    let endMs = Number.NEGATIVE_INFINITY;
    for (const { labels, rows } of series) {
      if (rows.length === 0) continue;
      this.rowCount += rows.length;
      startMs = Math.min(startMs, (rows.endMs[0] as number) - rowMs);
      endMs = Math.max(endMs, rows.endMs[rows.length - 1] as number);
      this.#partsOf(labels).list.push({ kind: 'rows', rows });
    }
    this.endMs = Math.max(this.endMs, endMs);
    return { startMs, endMs };
  }

  addRaw(series: readonly SelectedSeries[]): void {
    for (const one of series) {
      if (one.values.length > 0) this.#partsOf(one.labels).list.push({ kind: 'raw', series: one });
    }
  }

  /** Of all series but those of `mixed`. */
  spans(keepStale: boolean): SpanSeries[] {
    const spans = (list: Part[]) => spansOf(inTime(list), keepStale, this.#columns);
    const numbers = [...this.#series.values()].filter(({ list }) => !isMixed(list));
    return numbers.map(({ labels, list }) => ({ labels, spans: spans(list) }));
  }

  /** Series in which there are native histograms, which no span can stand for; of rows beside them the last value of each. */
  mixed(): SelectedSeries[] {
    const mixed = [...this.#series.values()].filter(({ list }) => isMixed(list));
    return mixed.map(({ labels, list }) => samplesOf(labels, inTime(list)));
  }

  /** Samples where they are, and the last of each row where they are not. */
  samples(): SelectedSeries[] {
    return [...this.#series.values()].map(({ labels, list }) => samplesOf(labels, inTime(list)));
  }

  #partsOf(labels: Labels): Parts {
    const key = labelKey(labels);
    let parts = this.#series.get(key);
    if (parts === undefined) {
      parts = { labels, list: [] };
      this.#series.set(key, parts);
    }
    return parts;
  }
}

function isMixed(list: readonly Part[]): boolean {
  return list.some((part) => part.kind === 'raw' && part.series.histograms !== undefined);
}

function inTime(list: Part[]): Part[] {
  return list.sort((a, b) => beginOf(a) - beginOf(b));
}

function beginOf(part: Part): number {
  return (part.kind === 'rows' ? part.rows.endMs[0] : part.series.timestampsMs[0]) as number;
}

function spansOf(parts: readonly Part[], keepStale: boolean, columns: readonly SpanColumn[]): Spans {
  let rows = 0;
  let samples = 0;
  for (const part of parts) {
    if (part.kind === 'rows') rows += liveRows(part.rows);
    else samples += keepStale ? part.series.values.length : liveSamples(part.series.values);
  }
  const spans = makeSpans(rows + samples, rows, columns);
  let at = 0;
  for (const part of parts)
    at = part.kind === 'rows' ? putRows(spans, at, part.rows, columns) : putSamples(spans, at, part.series, keepStale);
  return spans;
}

function putRows(spans: Spans, at: number, rows: RowColumns, columns: readonly SpanColumn[]): number {
  if (liveRows(rows) === rows.length) {
    for (const column of columns) spans[column].set(rows[column], at);
    return at + rows.length;
  }
  for (let i = 0; i < rows.length; i++) {
    if (rows.count[i] === 0) continue;
    for (const column of columns) spans[column][at] = rows[column][i] as number;
    at++;
  }
  return at;
}

function putSamples(spans: Spans, at: number, { timestampsMs, values }: SelectedSeries, keepStale: boolean): number {
  const words = wordsOf(values);
  for (let i = 0; i < values.length; i++) {
    const stale = isStaleAt(words, i);
    if (stale && !keepStale) continue;
    const value = values[i] as number;
    const ms = timestampsMs[i] as number;
    spans.count[at] = stale ? 0 : 1;
    spans.firstMs[at] = ms;
    spans.lastMs[at] = ms;
    spans.sum[at] = value;
    spans.min[at] = value;
    spans.max[at] = value;
    spans.first[at] = value;
    spans.last[at] = value;
    at++;
  }
  return at;
}

function samplesOf(labels: Labels, parts: readonly Part[]): SelectedSeries {
  let count = 0;
  for (const part of parts) count += part.kind === 'rows' ? liveRows(part.rows) : part.series.values.length;
  const timestampsMs = new Float64Array(count);
  const values = new Float64Array(count);
  const entries = new HistogramEntries();
  let at = 0;
  for (const part of parts) {
    if (part.kind === 'raw') {
      timestampsMs.set(part.series.timestampsMs, at);
      // As words: a stale marker is told by its bits.
      wordsOf(values).set(wordsOf(part.series.values), at * 2);
      if (part.series.histograms) entries.addAll(part.series.histograms, at);
      at += part.series.values.length;
      continue;
    }
    for (let i = 0; i < part.rows.length; i++) {
      if (part.rows.count[i] === 0) continue;
      timestampsMs[at] = part.rows.lastMs[i] as number;
      values[at++] = part.rows.last[i] as number;
    }
  }
  const histograms = entries.finish();
  return histograms === undefined ? { labels, timestampsMs, values } : { labels, timestampsMs, values, histograms };
}

function liveRows({ count, length }: RowColumns): number {
  let live = 0;
  for (let i = 0; i < length; i++) if (count[i] !== 0) live++;
  return live;
}

function liveSamples(values: Float64Array): number {
  const words = wordsOf(values);
  let live = 0;
  for (let i = 0; i < values.length; i++) if (!isStaleAt(words, i)) live++;
  return live;
}
