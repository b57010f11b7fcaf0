import { assert } from '@tidemark/base';
import type { OutgoingRecord, TopicPartition } from '../log.ts';
import { recordBytes } from '../record.ts';
import { encodeBatch } from './batch/batch-writer.ts';
import type { KafkaLogOptions } from './options.ts';
import type { ProducerIdentity } from './protocol/init-producer-id.ts';

// What waits for one partition, and the one batch of it that is under way.
//
//   pieces  | a b | c | d e f |  --take-->  batch { identity, sequence, bytes }  --acknowledged--> offsets
//                                                 | again, the same bytes, until it is taken or time is over
//
// One batch at a time keeps the order over retries. A batch that is sent again has the same identity and sequence, so the
// broker knows it: it is there once. After a batch whose outcome is not known the identity is given up.

/** Records of one append for one partition, no more than a batch may hold. */
export interface Piece {
  readonly records: readonly OutgoingRecord[];
  /** `clock.monotonicMs` after which nobody waits any more. */
  readonly endMs: number;
  taken(baseOffset: number): void;
  failed(error: unknown): void;
}

export interface BatchUnderWay {
  readonly pieces: readonly Piece[];
  readonly count: number;
  readonly bytes: Buffer;
  readonly endMs: number;
  /** A request with it got no answer that says it was not taken. */
  mayBeThere: boolean;
}

type Limits = Pick<KafkaLogOptions, 'batchBytesMax' | 'compression' | 'compressAboveBytes' | 'sequenceMax'>;

export class PartitionQueue {
  readonly at: TopicPartition;
  readonly #limits: Limits;
  readonly #transactional: boolean;
  #pieces: Piece[] = [];
  #identity: ProducerIdentity | undefined;
  #sequence = 0;
  underWay: BatchUnderWay | undefined;
  /** A request with the batch is on its way, or a pause before the next. */
  isBusy = false;
  /** Faults since something was taken. */
  tries = 0;
  /** The producer id last used here: the next one must be another. */
  spent: bigint | undefined;

  constructor(at: TopicPartition, limits: Limits, transactional: boolean) {
    this.at = at;
    this.#limits = limits;
    this.#transactional = transactional;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.underWay === undefined;
  }

  get needsIdentity(): boolean {
    return this.underWay === undefined && this.#pieces.length > 0 && !this.#fits(this.#countOfNext());
  }

  push(piece: Piece): void {
    this.#pieces.push(piece);
  }

  /** From now on batches are numbered under it, from `sequence` on. */
  identify(identity: ProducerIdentity, sequence = 0): void {
    assert(this.underWay === undefined, 'a batch under way keeps its identity');
    this.#identity = { producerId: identity.producerId, producerEpoch: identity.producerEpoch };
    this.spent = identity.producerId;
    this.#sequence = sequence;
  }

  /** The batch to send: the one under way, or the next. Requires an identity. */
  take(nowWallMs: number): BatchUnderWay | undefined {
    if (this.underWay || this.#pieces.length === 0) return this.underWay;
    const identity = this.#identity;
    const pieces = this.#pieces.splice(0, this.#piecesOfNext());
    const records = pieces.flatMap((piece) => piece.records);
    assert(identity !== undefined && this.#fits(records.length), 'a batch is numbered');
    const bytes = encodeBatch(records, {
      ...identity,
      compression: this.#limits.compression,
      compressAboveBytes: this.#limits.compressAboveBytes,
      transactional: this.#transactional,
      timestampMs: nowWallMs,
      baseSequence: this.#sequence,
    });
    const endMs = Math.max(...pieces.map((piece) => piece.endMs));
    this.underWay = { pieces, count: records.length, bytes, endMs, mayBeThere: false };
    return this.underWay;
  }

  acknowledged(baseOffset: number): void {
    const batch = this.#end();
    this.tries = 0;
    this.#sequence += batch.count;
    let offset = baseOffset;
    for (const piece of batch.pieces) {
      piece.taken(offset);
      offset += piece.records.length;
    }
  }

  /** Its outcome may be unknown: whatever comes next is numbered anew, so that a late arrival of it disturbs nothing. */
  gaveUp(error: unknown): void {
    const batch = this.#end();
    this.#identity = undefined;
    for (const piece of batch.pieces) piece.failed(error);
  }

  /** Its sequence means nothing to the broker, which took nothing of it: the same records, numbered anew. */
  renumber(): void {
    const batch = this.#end();
    this.#identity = undefined;
    this.#pieces.unshift(...batch.pieces);
  }

  /** Tells those that wait, and whose time is over by `nowMs`. A batch under way goes on. */
  failWaiting(error: unknown, nowMs = Number.POSITIVE_INFINITY): void {
    const over = this.#pieces.filter(({ endMs }) => endMs <= nowMs);
    this.#pieces = this.#pieces.filter(({ endMs }) => endMs > nowMs);
    for (const piece of over) piece.failed(error);
  }

  #end(): BatchUnderWay {
    const batch = this.underWay;
    assert(batch !== undefined, 'a batch is under way');
    this.underWay = undefined;
    return batch;
  }

  /** A batch of its own always fits behind a new identity. */
  #fits(count: number): boolean {
    if (this.#identity === undefined) return false;
    return this.#sequence === 0 || this.#sequence + count <= this.#limits.sequenceMax;
  }

  /** Whole pieces up to batchBytesMax, one at least. */
  #piecesOfNext(): number {
    let bytes = 0;
    let count = 0;
    for (const piece of this.#pieces) {
      for (const record of piece.records) bytes += recordBytes(record);
      if (count > 0 && bytes > this.#limits.batchBytesMax) break;
      count++;
    }
    return count;
  }

  #countOfNext(): number {
    let count = 0;
    for (const piece of this.#pieces.slice(0, this.#piecesOfNext())) count += piece.records.length;
    return count;
  }
}
