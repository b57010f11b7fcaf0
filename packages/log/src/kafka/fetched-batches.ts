import { TidemarkError } from '@tidemark/base';
import type { Isolation, LogRecord, TopicPartition } from '../log.ts';
import { recordBytes } from '../record.ts';
import { type Batch, BatchCorrupt, checkBatch, isAbortMarker, nextBatch, readRecords } from './batch/batch-reader.ts';
import type { KafkaMetrics } from './metrics.ts';
import type { KafkaLogOptions } from './options.ts';
import type { AbortedTransaction, FetchedPartition } from './protocol/fetch.ts';

// What a broker answered for one partition, kept as bytes, decoded a batch at a time.
//
//   | batch | batch | control | batch | cut shor      position moves over all of them; records come from those that hold any
//
// Under `committed` the answer names aborted transactions: batches of such a producer are passed over from its first offset
// until its abort marker.

export interface Taken {
  readonly records: readonly LogRecord[];
  readonly nextOffset: number;
}

type Parts = {
  readonly options: Pick<KafkaLogOptions, 'decompressedBytesMax' | 'onCorruptBatch'>;
  readonly metrics: Pick<KafkaMetrics, 'corruptBatches'>;
};

export class FetchedBatches {
  readonly #at: TopicPartition;
  readonly #parts: Parts;
  readonly #source: Buffer;
  readonly #isolation: Isolation;
  readonly #aborted: AbortedTransaction[];
  readonly #aborting = new Set<bigint>();
  #cursor = 0;
  #position: number;
  /** Of the batch decoded last, those not taken yet; and where the position is behind them. */
  #decoded: LogRecord[] = [];
  #next = 0;
  #decodedEnd: number;

  constructor(at: TopicPartition, position: number, answer: FetchedPartition, isolation: Isolation, parts: Parts) {
    this.#at = at;
    this.#parts = parts;
    this.#source = answer.batches;
    this.#isolation = isolation;
    this.#aborted = [...answer.aborted].sort((a, b) => a.firstOffset - b.firstOffset);
    this.#position = position;
    this.#decodedEnd = position;
  }

  /** Bytes it keeps in memory; 0 when all is taken. */
  get bytesKept(): number {
    const isTaken = this.#next >= this.#decoded.length && this.#cursor >= this.#source.length;
    return isTaken ? 0 : this.#source.length;
  }

  /** Records up to about `maxBytes`, one at least; undefined when nothing whole is left. Throws `LOG_CORRUPT`. */
  take(maxBytes: number): Taken | undefined {
    const records: LogRecord[] = [];
    const began = this.#position;
    let bytes = 0;
    while (bytes < maxBytes || records.length === 0) {
      const record = this.#decoded[this.#next];
      if (record === undefined) {
        this.#position = Math.max(this.#position, this.#decodedEnd);
        if (!this.#decodeUnlessTaken(records.length > 0)) break;
        continue;
      }
      this.#next++;
      records.push(record);
      bytes += recordBytes(record);
      this.#position = this.#next === this.#decoded.length ? this.#decodedEnd : record.offset + 1;
    }
    return this.#position > began ? { records, nextOffset: this.#position } : undefined;
  }

  /** What was read before a corrupt batch is handed out first; the next call meets it again. */
  #decodeUnlessTaken(hasRecords: boolean): boolean {
    try {
      return this.#decodeNext();
    } catch (error) {
      if (hasRecords) return false;
      throw error;
    }
  }

  #decodeNext(): boolean {
    let end: number | undefined;
    try {
      const found = nextBatch(this.#source, this.#cursor);
      if (!found) return false;
      const { batch } = found;
      end = found.end;
      this.#decoded = this.#read(batch);
      this.#next = 0;
      this.#decodedEnd = batch.nextOffset;
      this.#cursor = end;
      return true;
    } catch (error) {
      if (!(error instanceof BatchCorrupt)) throw error;
      const { topic, partition } = this.#at;
      this.#parts.metrics.corruptBatches.with(topic, error.reason).add();
      if (this.#parts.options.onCorruptBatch === 'skip' && end !== undefined) {
        this.#passOver(end);
        return true;
      }
      throw new TidemarkError(
        'LOG_CORRUPT',
        `a batch of ${topic}/${partition} behind offset ${this.#position} cannot be read: ${error.message}`,
        { topic, partition, offset: this.#position, reason: error.reason },
        error,
      );
    }
  }

  #read(batch: Batch): LogRecord[] {
    if (batch.nextOffset <= this.#position) return [];
    checkBatch(batch);
    if (this.#isolation === 'committed') this.#noteAborted(batch);
    if (batch.isControl) {
      if (isAbortMarker(batch)) this.#aborting.delete(batch.producerId);
      return [];
    }
    if (batch.isTransactional && this.#aborting.has(batch.producerId)) return [];
    const records = readRecords(batch, this.#parts.options.decompressedBytesMax);
    return records.filter(({ offset }) => offset >= this.#position);
  }

  #noteAborted(batch: Batch): void {
    for (let first = this.#aborted[0]; first && first.firstOffset < batch.nextOffset; first = this.#aborted[0]) {
      this.#aborting.add(first.producerId);
      this.#aborted.shift();
    }
  }

  #passOver(end: number): void {
    const found = nextBatch(this.#source, this.#cursor);
    this.#decoded = [];
    this.#next = 0;
    this.#decodedEnd = found?.batch.nextOffset ?? this.#decodedEnd;
    this.#cursor = end;
  }
}
