import { must, unreachable } from '@tidemark/base';
import {
  decodeRowBatch,
  decodeSampleBatch,
  encodeRowBatch,
  encodeSampleBatch,
  type RowBatch,
  type SampleBatch,
} from '@tidemark/model';
import { decodeTombstones, encodeTombstones, type Tombstone } from '../deletes/tombstone.ts';
import type { StorageEngine } from '../engine.ts';
import { TIERS, type Tier } from '../head/resolve.ts';
import type { TopicPartitionName } from '../intake.ts';
import { KIND, type RecordKind, TIER_OF } from './format.ts';

// What a record says, as the engine takes it: the journal is a log of one partition for each tier, and all of them share one sequence of
// offsets.

export type JournalRecord =
  | { readonly kind: typeof KIND.samples; readonly batch: SampleBatch }
  | { readonly kind: typeof KIND.minutes | typeof KIND.hours; readonly batch: RowBatch }
  | { readonly kind: typeof KIND.delete; readonly tombstone: Tombstone };

export type DeleteRequest = Pick<Tombstone, 'tenant' | 'selectors' | 'startMs' | 'endMs'>;

/** Part of names of shards and segments. */
const TOPICS: Readonly<Record<Tier, string>> = { raw: 'journal', '1m': 'journal.1m', '1h': 'journal.1h' };

export function shardOf(tier: Tier): TopicPartitionName {
  return { topic: TOPICS[tier], partition: 0 };
}

export function recordOf(batch: SampleBatch | RowBatch): JournalRecord {
  if (!('rows' in batch)) return { kind: KIND.samples, batch };
  return { kind: batch.resolution === '1m' ? KIND.minutes : KIND.hours, batch };
}

export function encodeRecord(record: JournalRecord): Uint8Array {
  switch (record.kind) {
    case KIND.samples:
      return encodeSampleBatch(record.batch);
    case KIND.minutes:
    case KIND.hours:
      return encodeRowBatch(record.batch);
    case KIND.delete:
      return encodeTombstones({ tombstones: [record.tombstone] });
    default:
      return unreachable(record);
  }
}

/** Throws `BATCH_*`, `TOMBSTONES_CORRUPT`. */
export function decodeRecord(kind: RecordKind, body: Uint8Array): JournalRecord {
  switch (kind) {
    case KIND.samples:
      return { kind, batch: decodeSampleBatch(body) };
    case KIND.minutes:
    case KIND.hours:
      return { kind, batch: decodeRowBatch(body) };
    case KIND.delete:
      return { kind, tombstone: must(decodeTombstones(body).tombstones[0], 'a record of a delete has one') };
    default:
      return unreachable(kind);
  }
}

/** Throws what the engine throws; then nothing was applied. */
export function applyRecord(engine: StorageEngine, sequence: number, record: JournalRecord): boolean {
  const at = { ...shardOf(TIER_OF[record.kind]), offset: sequence };
  switch (record.kind) {
    case KIND.samples:
      return engine.applySamples({ ...at, batch: record.batch });
    case KIND.minutes:
    case KIND.hours:
      return engine.applyRows({ ...at, batch: record.batch });
    case KIND.delete:
      return engine.applyDelete({ ...record.tombstone, ...at });
    default:
      return unreachable(record);
  }
}

/** In the order of `TIERS`. */
export function offsetsByTier(of: (tp: TopicPartitionName) => number): Float64Array {
  return Float64Array.from(TIERS, (tier) => of(shardOf(tier)));
}
