import { isTidemarkError } from '@tidemark/base';
import {
  decodeHistogram,
  type HistogramColumns,
  histogramBytes,
  histogramProblem,
  type RowBatch,
  type SampleBatch,
} from '@tidemark/model';
import { type Column, makeColumn } from './chunk/columns.ts';
import { RELATIVE_COLUMNS, ROW_COLUMNS } from './chunk/rollup-columns.ts';
import type { ShardEntries } from './shard/shard.ts';

// Records from a log, as the engine takes them: which log it was, the engine doesn't care.

export interface TopicPartitionName {
  readonly topic: string;
  readonly partition: number;
}

export interface SampleRecord extends TopicPartitionName {
  readonly offset: number;
  readonly batch: SampleBatch;
}

export interface RowRecord extends TopicPartitionName {
  readonly offset: number;
  readonly batch: RowBatch;
}

/** The next offset to apply: everything below is in. */
export interface EnginePosition extends TopicPartitionName {
  readonly offset: number;
}

/** Histograms that are none are left out; `refused` counts them. */
export function samplesToEntries(batch: SampleBatch): { readonly entries: ShardEntries; readonly refused: number } {
  const numbers: ShardEntries = {
    tenant: batch.tenant,
    section: batch.series,
    series: batch.sampleSeries,
    timestampsMs: batch.timestampsMs,
    columns: [makeColumn(batch.values)],
    count: batch.values.length,
  };
  return batch.histograms === undefined ? { entries: numbers, refused: 0 } : withHistograms(numbers, batch.histograms);
}

/** Histograms behind the numbers: in log order they come after them. */
function withHistograms(numbers: ShardEntries, columns: HistogramColumns): ReturnType<typeof samplesToEntries> {
  const kept = Array.from(columns.series, (_, i) => i).filter((i) => isHistogram(histogramBytes(columns, i)));
  const first = numbers.count;
  const count = first + kept.length;
  const series = new Uint32Array(count);
  const timestampsMs = new Float64Array(count);
  const values = makeColumn(new Float64Array(count));
  series.set(numbers.series);
  timestampsMs.set(numbers.timestampsMs);
  values.words.set((numbers.columns[0] as Column).words);
  kept.forEach((i, at) => {
    series[first + at] = columns.series[i] as number;
    timestampsMs[first + at] = columns.timestampsMs[i] as number;
    values.values[first + at] = Number.NaN;
  });
  const histograms = kept.map((i) => histogramBytes(columns, i));
  return {
    entries: { ...numbers, series, timestampsMs, columns: [values], count, histograms },
    refused: columns.series.length - kept.length,
  };
}

function isHistogram(bytes: Uint8Array): boolean {
  try {
    return histogramProblem(decodeHistogram(bytes)) === undefined;
  } catch (error) {
    if (isTidemarkError(error, 'HISTOGRAM_MALFORMED')) return false;
    throw error;
  }
}

/** Rows whose first or last time cannot be kept as a distance before their end are left out; `refused` counts them. */
export function rowsToEntries(batch: RowBatch): { readonly entries: ShardEntries; readonly refused: number } {
  const { rows } = batch;
  // The batch's own memory, but for what is kept in another way: whoever takes entries copies them.
  const columns: Column[] = ROW_COLUMNS.map((name) => {
    const from = rows[name];
    return makeColumn(from instanceof Float64Array ? from : new Float64Array(from));
  });
  const { endMs, firstMs, lastMs } = rows;
  const refused: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    const end = endMs[i] as number;
    if (!isNear(end, firstMs[i] as number) || !isNear(end, lastMs[i] as number)) refused.push(i);
  }
  for (const c of RELATIVE_COLUMNS) {
    const { values } = columns[c] as Column;
    const distances = new Float64Array(rows.length);
    for (let i = 0; i < rows.length; i++) distances[i] = (endMs[i] as number) - (values[i] as number);
    columns[c] = makeColumn(distances);
  }
  const whole: ShardEntries = {
    tenant: batch.tenant,
    section: batch.series,
    series: rows.series,
    timestampsMs: rows.endMs,
    columns,
    count: rows.length,
  };
  return {
    entries: refused.length === 0 ? whole : keepEntries(whole, allBut(refused, rows.length)),
    refused: refused.length,
  };
}

function allBut(left: readonly number[], count: number): number[] {
  const out = new Set(left);
  return Array.from({ length: count }, (_, i) => i).filter((i) => !out.has(i));
}

/** The entries at these indexes, which rise. */
export function keepEntries(entries: ShardEntries, kept: readonly number[]): ShardEntries {
  const { histograms } = entries;
  const first = entries.count - (histograms?.length ?? 0);
  return {
    ...entries,
    ...(histograms && { histograms: kept.filter((i) => i >= first).map((i) => histograms[i - first] as Uint8Array) }),
    count: kept.length,
    series: Uint32Array.from(kept, (i) => entries.series[i] as number),
    timestampsMs: Float64Array.from(kept, (i) => entries.timestampsMs[i] as number),
    columns: entries.columns.map((column) => pick(column, kept)),
  };
}

function pick({ words }: Column, kept: readonly number[]): Column {
  const picked = makeColumn(new Float64Array(kept.length));
  kept.forEach((i, at) => {
    picked.words[at * 2] = words[i * 2] as number;
    picked.words[at * 2 + 1] = words[i * 2 + 1] as number;
  });
  return picked;
}

function isNear(endMs: number, timeMs: number): boolean {
  return Number.isSafeInteger(endMs) && Number.isSafeInteger(timeMs) && Math.abs(endMs - timeMs) < 2 ** 40;
}
