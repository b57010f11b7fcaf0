import type { OutgoingRecord, TopicPartition } from '../../log.ts';
import { recordBytes } from '../../record.ts';
import { encodeBatch } from '../batch/batch-writer.ts';
import type { KafkaLogOptions } from '../options.ts';
import type { ProducerIdentity } from '../protocol/init-producer-id.ts';

// The records of a transaction as batches of their partitions.
//
//   records  a0 b0 a1 a2 b1      ->   a: [a0 a1] [a2]     numbered on from the producer's last batch there
//                                     b: [b0 b1]

export interface NumberedBatches extends TopicPartition {
  readonly batches: readonly Uint8Array[];
  /** For each batch, which of the transaction's records are in it. */
  readonly indexes: readonly (readonly number[])[];
}

/** Of the next record in each partition (`topic/partition`), by one producer of one epoch. */
export type Sequences = Map<string, number>;

type Limits = Pick<KafkaLogOptions, 'batchBytesMax' | 'compression' | 'compressAboveBytes'>;

// After 2^31 - 1 comes 0.
const SEQUENCE_MOD = 2 ** 31;

/** Moves `sequences` on. */
export function batchesOf(
  records: readonly OutgoingRecord[],
  identity: ProducerIdentity,
  sequences: Sequences,
  timestampMs: number,
  limits: Limits,
): readonly NumberedBatches[] {
  const parts = new Map<string, { at: TopicPartition; indexes: number[][]; bytes: number }>();
  for (const [i, record] of records.entries()) {
    const key = `${record.topic}/${record.partition}`;
    let part = parts.get(key);
    if (!part) {
      part = { at: { topic: record.topic, partition: record.partition }, indexes: [[]], bytes: 0 };
      parts.set(key, part);
    }
    part.bytes += recordBytes(record);
    const last = part.indexes.at(-1) as number[];
    if (last.length > 0 && part.bytes > limits.batchBytesMax) {
      part.indexes.push([i]);
      part.bytes = recordBytes(record);
    } else last.push(i);
  }
  return [...parts].map(([key, { at, indexes }]) => {
    const batches = indexes.map((ofBatch) => {
      const baseSequence = sequences.get(key) ?? 0;
      sequences.set(key, (baseSequence + ofBatch.length) % SEQUENCE_MOD);
      const { compression, compressAboveBytes } = limits;
      return encodeBatch(
        ofBatch.map((i) => records[i] as OutgoingRecord),
        { ...identity, baseSequence, timestampMs, transactional: true, compression, compressAboveBytes },
      );
    });
    return { ...at, batches, indexes };
  });
}
