import { isTidemarkError, unreachable } from '@tidemark/base';
import type { TopicSpec } from '../log.ts';
import type { Catalog } from './catalog.ts';
import {
  decodeMaterialised,
  decodePositions,
  decodeSnapshot,
  decodeTopics,
  type NumberedTopic,
  type PositionChange,
} from './control-body.ts';
import { Kind } from './format.ts';
import { outlineRecords } from './records-body.ts';
import { decodeRepaired } from './repaired-body.ts';
import type { Salvaged } from './salvage.ts';
import { decodeProducer, decodeTransactionHead, recordsStart } from './transaction-body.ts';

// What the frames behind a damage still say, taken together with what the catalog knows from before it: how far each
// partition ever came. Nothing here is trusted to be complete, only to be true.
//
//   kept in the catalog          damage        whole frames, of which some may be missing
//   raw/0 ends at 40             ?????         records raw/0 from 55, 3 of them      ->  raw/0 came to 58 at least
//                                              a group committed raw/0 at 60         ->  to 60
//                                 12 bytes unreadable, behind all of it              ->  to 72 at most: a record takes a byte

export class Evidence {
  /** Created behind the damage. */
  readonly newTopics: NumberedTopic[] = [];
  /** Records that could still be read there, by partition as `topicId/partition`. */
  readonly readable = new Map<string, number>();
  unreadableBytes = 0;
  readonly #catalog: Catalog;
  readonly #ends = new Map<string, number>();
  /** Unreadable or missing since the last snapshot, which says everything that was true before it. */
  #unaccountedBytes = 0;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** How far the partition is known to have come. */
  knownEnd(topicId: number, partition: number): number {
    const kept = this.#catalog.byId(topicId)?.partitions[partition]?.end ?? 0;
    return Math.max(kept, this.#ends.get(`${topicId}/${partition}`) ?? 0);
  }

  /** No offset at or above this was ever given out: every unreadable byte may have been a record of this partition. */
  safeEnd(topicId: number, partition: number): number {
    return this.knownEnd(topicId, partition) + this.#unaccountedBytes;
  }

  /** No topic that nobody knows of any more came further than this. */
  newTopicsFrom(): number {
    const unknown = [...this.#ends].filter(([key]) => !this.#catalog.byId(Number.parseInt(key, 10)));
    return Math.max(this.#catalog.newTopicsFrom, ...unknown.map(([, end]) => end)) + this.#unaccountedBytes;
  }

  /** A topic that must have been there. */
  learn(spec: TopicSpec): void {
    this.#learn([{ id: this.#catalog.nextId, spec }]);
  }

  /** No producer had a higher epoch. */
  safeEpoch(): number {
    return this.#catalog.lastEpoch + this.#unaccountedBytes;
  }

  reached(topicId: number, partition: number, end: number): void {
    const key = `${topicId}/${partition}`;
    this.#ends.set(key, Math.max(end, this.#ends.get(key) ?? 0));
  }

  unreadable(bytes: number): void {
    this.unreadableBytes += bytes;
    this.#unaccountedBytes += bytes;
  }

  /** Bytes may have been there that are not even unreadable now. */
  missing(bytesMax: number): void {
    this.#unaccountedBytes += bytesMax;
  }

  take(frame: Salvaged): void {
    if (frame.state === 'unreadable') {
      this.unreadable(frame.bytes);
      return;
    }
    try {
      this.#take(frame.header.kind, frame.body);
    } catch (error) {
      // Its checksum is right and its content is not: whatever it is, it says nothing.
      if (!isTidemarkError(error, 'BYTES_MALFORMED')) throw error;
      this.unreadable(frame.body.length);
    }
  }

  #take(kind: Kind, body: Uint8Array): void {
    const catalog = this.#catalog;
    switch (kind) {
      case Kind.snapshot: {
        const { lastEpoch, materialised, newTopicsFrom, positions, topics } = decodeSnapshot(body);
        this.#learn(topics);
        for (const { id, bounds } of topics) {
          for (const [partition, { end }] of bounds.entries()) this.reached(id, partition, end);
        }
        catalog.positions.clear();
        this.#took(positions);
        for (const { topicId, through } of materialised) this.#materialised(topicId, through);
        catalog.lastEpoch = Math.max(catalog.lastEpoch, lastEpoch);
        catalog.newTopicsFrom = Math.max(catalog.newTopicsFrom, newTopicsFrom);
        this.#unaccountedBytes = 0;
        return;
      }
      case Kind.records:
        this.#records(body, 0);
        return;
      case Kind.transaction:
        this.#took(decodeTransactionHead(body).positions);
        this.#records(body, recordsStart(kind, body, 0));
        return;
      case Kind.topics:
        this.#learn(decodeTopics(body));
        return;
      case Kind.positions:
        this.#took(decodePositions(body));
        return;
      case Kind.materialised: {
        const { topicId, through } = decodeMaterialised(body);
        this.#materialised(topicId, through);
        return;
      }
      case Kind.producer:
        catalog.lastEpoch = Math.max(catalog.lastEpoch, decodeProducer(body).epoch);
        return;
      case Kind.repaired: {
        const { ends, lastEpoch, newTopicsFrom, positions, topics } = decodeRepaired(body);
        catalog.newTopicsFrom = Math.max(catalog.newTopicsFrom, newTopicsFrom);
        this.#learn(topics);
        for (const { topicId, partition, end } of ends) this.reached(topicId, partition, end);
        this.#took(positions);
        catalog.lastEpoch = Math.max(catalog.lastEpoch, lastEpoch);
        return;
      }
      case Kind.mark:
        return;
      default:
        unreachable(kind);
    }
  }

  #records(body: Uint8Array, start: number): void {
    for (const { topicId, partition, firstOffset, count } of outlineRecords(body, start, body.length).sections) {
      this.reached(topicId, partition, firstOffset + count);
      const key = `${topicId}/${partition}`;
      this.readable.set(key, (this.readable.get(key) ?? 0) + count);
    }
  }

  #took(changes: readonly PositionChange[]): void {
    this.#catalog.positions.restore(changes);
    for (const change of changes) {
      if (change.kind !== 'forgotten') this.reached(change.topicId, change.partition, change.offset);
    }
  }

  #materialised(topicId: number, through: readonly number[]): void {
    for (const [partition, offset] of through.entries()) this.reached(topicId, partition, offset);
  }

  #learn(topics: readonly NumberedTopic[]): void {
    for (const { id, spec } of topics) {
      if (this.#catalog.byId(id) || this.#catalog.find(spec.name)) continue;
      this.newTopics.push({ id, spec });
      this.#catalog.add({ id, spec });
    }
  }
}
