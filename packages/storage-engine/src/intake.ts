import type { RowBatch, SampleBatch } from '@tidemark/model';
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

export function samplesToEntries(batch: SampleBatch): ShardEntries {
  return {
    tenant: batch.tenant,
    section: batch.series,
    series: batch.sampleSeries,
    timestampsMs: batch.timestampsMs,
    columns: [makeColumn(batch.values)],
    count: batch.values.length,
  };
}

/** Rows whose first or last time cannot be kept as a distance before their end are left out; `refused` counts them. */
export function rowsToEntries(batch: RowBatch): { readonly entries: ShardEntries; readonly refused: number } {
  const { rows } = batch;
  const columns: Column[] = ROW_COLUMNS.map((name) => makeColumn(Float64Array.from(rows[name])));
  for (const c of ROW_COLUMNS.keys()) {
    const from = rows[ROW_COLUMNS[c] as (typeof ROW_COLUMNS)[number]];
    // As bits: Float64Array.from goes through numbers.
    if (from instanceof Float64Array) {
      (columns[c] as Column).words.set(new Uint32Array(from.buffer, from.byteOffset, from.length * 2));
    }
  }
  const kept: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    const endMs = rows.endMs[i] as number;
    if (isNear(endMs, rows.firstMs[i] as number) && isNear(endMs, rows.lastMs[i] as number)) kept.push(i);
  }
  for (const c of RELATIVE_COLUMNS) {
    const { values } = columns[c] as Column;
    for (let i = 0; i < rows.length; i++) values[i] = (rows.endMs[i] as number) - (values[i] as number);
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
    entries: kept.length === rows.length ? whole : keepEntries(whole, kept),
    refused: rows.length - kept.length,
  };
}

/** The entries at these indexes. */
export function keepEntries(entries: ShardEntries, kept: readonly number[]): ShardEntries {
  return {
    ...entries,
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
