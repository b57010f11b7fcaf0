import { assert, must } from '@tidemark/base';
import { positionLost } from '../errors.ts';
import type { LogRecord, OutgoingRecord, PartitionBounds, TopicPartition, TopicSpec } from '../log.ts';
import type { PartitionSource, Slice } from '../reader.ts';
import { NO_HEADERS, recordBytes } from '../record.ts';
import type { CompactedStore } from './compacted-store.ts';
import { type FrameAt, PartitionIndex } from './partition-index.ts';
import type { RecordsBody } from './records-body.ts';
import { Tail } from './tail.ts';

// One partition in memory.
//
//   start          through            end      assigned
//     |   store      |     journal     |  being  |          store: compacted topics only
//     |  (LevelDB)   |  index -> disk  | written |
//                        |  tail  |
//
// A repair leaves gaps: offsets that may have been given out once and have no records any more. Reading goes over them.

export interface FrameReader {
  /** The records of a frame on disk. Undefined when its file was removed meanwhile. */
  readRecords(at: FrameAt): Promise<RecordsBody | undefined>;
}

export class Partition implements PartitionSource {
  readonly at: TopicPartition;
  readonly topicId: number;
  readonly tail = new Tail();
  readonly index = new PartitionIndex();
  start: number;
  /** Next offset to be acknowledged. */
  end: number;
  /** Next offset to be given to a record; ahead of `end` while a commit is under way. */
  assigned: number;
  readonly #frames: FrameReader;
  readonly #store: () => CompactedStore | undefined;
  readonly #watchers = new Set<() => void>();

  constructor(
    at: TopicPartition,
    topicId: number,
    bounds: { readonly start: number; readonly end: number },
    frames: FrameReader,
    store: () => CompactedStore | undefined,
  ) {
    this.at = at;
    this.topicId = topicId;
    this.start = bounds.start;
    this.end = bounds.end;
    this.assigned = bounds.end;
    this.#frames = frames;
    this.#store = store;
  }

  get partition(): number {
    return this.at.partition;
  }

  bounds(): PartitionBounds {
    return { ...this.at, start: this.start, end: this.end };
  }

  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => this.#watchers.delete(wake);
  }

  wake(): void {
    for (const wake of this.#watchers) wake();
  }

  /** At replay: the journal was cut here and goes on at `end`. */
  skipTo(end: number): void {
    if (end <= this.end) return;
    this.end = end;
    this.assigned = end;
  }

  /** A run of records is on disk. Tells readers nothing yet: `wake` does. */
  took(firstOffset: number, records: readonly OutgoingRecord[], timestampMs: number, frame: FrameAt): void {
    assert(firstOffset === this.end, 'runs follow one another');
    this.index.push(firstOffset, frame);
    this.tail.push(
      firstOffset,
      records.map(({ key, value, headers }, i) => ({
        offset: firstOffset + i,
        timestampMs,
        key,
        value,
        headers: headers ?? NO_HEADERS,
      })),
    );
    this.end = firstOffset + records.length;
  }

  read(position: number, maxBytes: number): Slice | Promise<Slice> {
    return this.tail.read(position, maxBytes) ?? this.#readBack(position, maxBytes);
  }

  /**
   * As `read`, but from the journal's files alone: what materialisation itself reads. Undefined when the file that held
   * `position` was let go meanwhile.
   */
  async readJournal(position: number, maxBytes: number): Promise<Slice | undefined> {
    const records: LogRecord[] = [];
    let next = position;
    let left = maxBytes;
    while (next < this.end && (left > 0 || records.length === 0)) {
      const at = this.index.find(next);
      const body = at && (await this.#frames.readRecords(at));
      if (at ? !body : this.#isLetGo(next)) {
        if (records.length > 0) break;
        return undefined;
      }
      if (!body) {
        next = this.index.firstAfter(next) ?? this.end;
        continue;
      }
      const from = next;
      const section = must(
        body.sections.find(({ topicId, partition }) => topicId === this.topicId && partition === this.partition),
        'the index points at frames that hold this partition',
      );
      for (const record of section.records) {
        if (record.offset < next) continue;
        if (left <= 0 && records.length > 0) break;
        records.push(record);
        left -= recordBytes(record);
        next = record.offset + 1;
      }
      if (next === from) next = this.index.firstAfter(from) ?? this.end;
    }
    return { records, nextOffset: next };
  }

  /** The file that held it is gone; otherwise what the index does not know is a gap. */
  #isLetGo(offset: number): boolean {
    const store = this.#store();
    return store ? offset < store.through(this.partition) : offset < this.start;
  }

  async #readBack(position: number, maxBytes: number): Promise<Slice> {
    const found = (await this.#readStore(position, maxBytes)) ?? (await this.readJournal(position, maxBytes));
    // What the journal let go while we looked is in the store by now, if the topic has one.
    const slice = found ?? (await this.#readStore(position, maxBytes));
    if (!slice) throw positionLost(this.at, position, this.start, this.end);
    return slice;
  }

  async #readStore(position: number, maxBytes: number): Promise<Slice | undefined> {
    const store = this.#store();
    if (!store || position >= store.through(this.partition)) return undefined;
    return store.read(this.partition, position, maxBytes);
  }
}

export interface Topic {
  readonly id: number;
  readonly spec: TopicSpec;
  readonly partitions: readonly Partition[];
}
