import { ByteReader, ByteWriter } from '@tidemark/base';
import type { Serde } from '../dsl/serde.ts';
import { type KeyValueKind, OverKeyValue } from './durable-key-value.ts';
import type { StoreBuilder } from './store.ts';

// The store of a table: keys to values with the time of each.
//
//   key bytes -> timestampMs f64 | value bytes

export interface ValueAndTime<V> {
  readonly value: V;
  readonly timestampMs: number;
}

export interface TableStoreOptions<K, V> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly kind: KeyValueKind;
}

export function tableStore<K, V>(options: TableStoreOptions<K, V>): StoreBuilder {
  return { name: options.name, build: () => new TableStore(options) };
}

export class TableStore<K, V> extends OverKeyValue {
  readonly #key: Serde<K>;
  readonly #value: Serde<V>;

  constructor({ name, key, value, kind }: TableStoreOptions<K, V>) {
    super(name, kind);
    this.#key = key;
    this.#value = value;
  }

  get(key: K): ValueAndTime<V> | undefined {
    const bytes = this.bytes.get(this.#key.serialize(key));
    return bytes && decodeTimed(bytes, this.#value);
  }

  /** Null deletes. */
  put(key: K, value: V | null, timestampMs: number): void {
    const keyBytes = this.#key.serialize(key);
    if (value === null) this.bytes.delete(keyBytes);
    else this.bytes.put(keyBytes, encodeTimed(this.#value.serialize(value), timestampMs));
  }

  /** In the order of the keys' bytes. For inspection, outside of `process`. */
  async *all(): AsyncIterable<readonly [K, ValueAndTime<V>]> {
    for await (const [key, bytes] of this.bytes.entries()) {
      yield [this.#key.deserialize(key), decodeTimed(bytes, this.#value)];
    }
  }
}

export function encodeTimed(value: Uint8Array, timestampMs: number): Uint8Array {
  const writer = new ByteWriter(value.length + 8);
  writer.f64(timestampMs);
  writer.raw(value);
  return writer.view();
}

export function decodeTimed<V>(bytes: Uint8Array, serde: Serde<V>): ValueAndTime<V> {
  const timestampMs = new ByteReader(bytes).f64();
  return { value: serde.deserialize(bytes.subarray(8)), timestampMs };
}
