import { TidemarkError } from '@tidemark/base';
import type { OutgoingRecord } from '@tidemark/log';
import { EVENT_TIME_HEADER } from '../dsl/graph.ts';
import type { Serde } from '../dsl/serde.ts';

// Topics of a driven topology with keys and values as they are meant, not as bytes.

export interface TestRecord<K, V> {
  readonly key: K | null;
  readonly value: V | null;
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

type Pipe = (record: {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
}) => void;

export class TestInputTopic<K, V> {
  readonly #pipe: Pipe;
  readonly #key: Serde<K>;
  readonly #value: Serde<V>;
  readonly #nowMs: () => number;

  constructor(key: Serde<K>, value: Serde<V>, pipe: Pipe, nowMs: () => number) {
    this.#key = key;
    this.#value = value;
    this.#pipe = pipe;
    this.#nowMs = nowMs;
  }

  /** Returns when all that follows from the record is done. Without a time it is now. */
  pipeInput(key: K | null, value: V | null, timestampMs: number = this.#nowMs()): void {
    this.#pipe({
      key: key === null ? null : this.#key.serialize(key),
      value: value === null ? null : this.#value.serialize(value),
      timestampMs,
    });
  }
}

export interface OutputQueue {
  readonly size: () => number;
  readonly next: () => OutgoingRecord | undefined;
}

export class TestOutputTopic<K, V> {
  readonly #name: string;
  readonly #key: Serde<K>;
  readonly #value: Serde<V>;
  readonly #queue: OutputQueue;

  constructor(name: string, key: Serde<K>, value: Serde<V>, queue: OutputQueue) {
    this.#name = name;
    this.#key = key;
    this.#value = value;
    this.#queue = queue;
  }

  isEmpty(): boolean {
    return this.#queue.size() === 0;
  }

  getQueueSize(): number {
    return this.#queue.size();
  }

  /** Throws `DRIVER_TOPIC_EMPTY`. */
  readRecord(): TestRecord<K, V> {
    const record = this.#queue.next();
    if (!record) throw new TidemarkError('DRIVER_TOPIC_EMPTY', `nothing is left to read of ${this.#name}`, {});
    const { [EVENT_TIME_HEADER]: time, ...headers } = record.headers ?? {};
    return {
      key: record.key === null ? null : this.#key.deserialize(record.key),
      value: record.value === null ? null : this.#value.deserialize(record.value),
      timestampMs: Number(time),
      headers,
    };
  }

  readKeyValue(): readonly [K | null, V | null] {
    const { key, value } = this.readRecord();
    return [key, value];
  }

  readValue(): V | null {
    return this.readRecord().value;
  }

  readRecordsToList(): readonly TestRecord<K, V>[] {
    return Array.from({ length: this.getQueueSize() }, () => this.readRecord());
  }

  readKeyValuesToList(): readonly (readonly [K | null, V | null])[] {
    return this.readRecordsToList().map(({ key, value }) => [key, value]);
  }
}
