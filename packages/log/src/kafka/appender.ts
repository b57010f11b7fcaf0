import { closed, overloaded, partitionUnknown, recordTooLarge } from '../errors.ts';
import type { OutgoingRecord, TopicPartition } from '../log.ts';
import { checkRecord, recordBytes } from '../record.ts';
import type { KafkaClient } from './client.ts';
import type { Sender } from './sender.ts';
import type { KafkaTopics } from './topics.ts';

// Appends: checked whole before any of it is sent, counted against inFlightBytesMax, cut into pieces by partition.

export class Appender {
  readonly #client: KafkaClient;
  readonly #topics: KafkaTopics;
  readonly #sender: Sender;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Appends wait here behind one that still asks what its topic is, so that order is that of the calls. */
  #asking: Promise<void> | undefined;
  #inFlightBytes = 0;
  #closed = false;

  constructor(client: KafkaClient, topics: KafkaTopics, sender: Sender) {
    this.#client = client;
    this.#topics = topics;
    this.#sender = sender;
  }

  append(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    const appended = this.#append(records);
    const settled = appended.then(
      () => undefined,
      () => undefined,
    );
    this.#underWay.add(settled);
    void settled.then(() => this.#underWay.delete(settled));
    return appended;
  }

  /** Refuses others and waits for those under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#underWay);
  }

  async #append(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    if (this.#closed) throw closed('log');
    const { clock, metrics } = this.#client;
    const beganMs = clock.monotonicMs();
    if (this.#asking !== undefined || records.some(({ topic }) => !this.#knows(topic))) await this.#ask(records);
    let bytes = 0;
    try {
      bytes = this.#admit(records);
    } catch (error) {
      metrics.refused.with('limit').add();
      throw error;
    }
    this.#inFlightBytes += bytes;
    try {
      const offsets = await this.#send(records);
      metrics.appendedRecords.add(records.length);
      metrics.appendedBytes.add(bytes);
      metrics.appendSeconds.observe((clock.monotonicMs() - beganMs) / 1000);
      return offsets;
    } catch (error) {
      metrics.refused.with('failed').add();
      throw error;
    } finally {
      this.#inFlightBytes -= bytes;
    }
  }

  #knows(topic: string): boolean {
    return this.#topics.known(topic) !== undefined && this.#client.knownTopic(topic) !== undefined;
  }

  async #ask(records: readonly OutgoingRecord[]): Promise<void> {
    const before = this.#asking;
    const asked = (async () => {
      await before?.catch(() => undefined);
      for (const topic of new Set(records.map((record) => record.topic))) {
        await this.#client.topic(topic);
        await this.#topics.spec(topic);
      }
    })();
    this.#asking = asked;
    try {
      await asked;
    } finally {
      if (this.#asking === asked) this.#asking = undefined;
    }
  }

  /** Their weight. Throws what makes none of them be taken. */
  #admit(records: readonly OutgoingRecord[]): number {
    const { inFlightBytesMax, recordBytesMax } = this.#client.options;
    let bytes = 0;
    for (const record of records) {
      const spec = this.#topics.known(record.topic);
      if (!spec) throw closed('log');
      const { partition } = record;
      if (!Number.isInteger(partition) || partition < 0 || partition >= spec.partitions) {
        throw partitionUnknown(record, spec.partitions);
      }
      bytes += checkRecord(record, spec, recordBytesMax);
    }
    const [first] = records;
    if (first && bytes > inFlightBytesMax) throw recordTooLarge(first, bytes, inFlightBytesMax, 'inFlightBytesMax');
    if (this.#inFlightBytes + bytes > inFlightBytesMax) {
      throw overloaded(this.#inFlightBytes + bytes, inFlightBytesMax);
    }
    return bytes;
  }

  async #send(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    const { clock, options } = this.#client;
    const endMs = clock.monotonicMs() + options.operationMaxMs;
    const offsets = new Array<number>(records.length);
    const pieces = cut(records, options.batchBytesMax);
    const sent = pieces.map(
      ({ at, indexes }) =>
        new Promise<void>((resolve, failed) => {
          const taken = (baseOffset: number) => {
            for (const [i, index] of indexes.entries()) offsets[index] = baseOffset + i;
            resolve();
          };
          const own = indexes.map((index) => records[index] as OutgoingRecord);
          this.#sender.push(at, { records: own, endMs, taken, failed });
        }),
    );
    // All of them end before the append does: a rejected one leaves nothing on its way.
    for (const outcome of await Promise.allSettled(sent)) if (outcome.status === 'rejected') throw outcome.reason;
    return offsets;
  }
}

interface Cut {
  readonly at: TopicPartition;
  readonly indexes: number[];
  bytes: number;
}

/** By partition, in order, no piece above `bytesMax` but one of a single record. */
function cut(records: readonly OutgoingRecord[], bytesMax: number): readonly Cut[] {
  const pieces: Cut[] = [];
  const last = new Map<string, Cut>();
  for (const [index, record] of records.entries()) {
    const key = `${record.topic}/${record.partition}`;
    const bytes = recordBytes(record);
    let piece = last.get(key);
    if (!piece || piece.bytes + bytes > bytesMax) {
      piece = { at: record, indexes: [], bytes: 0 };
      pieces.push(piece);
      last.set(key, piece);
    }
    piece.indexes.push(index);
    piece.bytes += bytes;
  }
  return pieces;
}
