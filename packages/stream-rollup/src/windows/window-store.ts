import { ByteReader, ByteWriter } from '@tidemark/base';
import type { Serde } from '../dsl/serde.ts';
import { type KeyValueKind, OverKeyValue } from '../state/durable-key-value.ts';
import type { CheckpointPosition, StateFolder, StoreBuilder } from '../state/store.ts';
import { decodeTimed, encodeTimed, type ValueAndTime } from '../state/table-store.ts';

// The store of windows: a key and the beginning of a window to a value with its time.
//
//   0x00                               observed stream time f64
//   0x01 | startMs u64be | key bytes   timestampMs f64 | value bytes
//
// Beginnings come first, so what is over lies together: it goes at the first checkpoint after stream time has left it by the
// retention, and is no longer handed out from then on.

export interface WindowStoreOptions<K, V> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly kind: KeyValueKind;
  readonly retentionMs: number;
}

const OBSERVED = Uint8Array.of(0);
const ENTRY = 1;
const KEY_AT = 9;
// Deletes wait in memory for the checkpoint's batch.
const FORGOTTEN_AT_ONCE_MAX = 10_000;

export function windowStore<K, V>(options: WindowStoreOptions<K, V>): StoreBuilder {
  return { name: options.name, build: () => new WindowStore(options) };
}

export class WindowStore<K, V> extends OverKeyValue {
  readonly #options: WindowStoreOptions<K, V>;
  #observedMs = Number.NEGATIVE_INFINITY;

  constructor(options: WindowStoreOptions<K, V>) {
    super(options.name, options.kind);
    this.#options = options;
  }

  /** The greatest time of a record that came here; it survives with the windows. */
  get observedStreamTimeMs(): number {
    return this.#observedMs;
  }

  observe(timestampMs: number): void {
    if (timestampMs > this.#observedMs) this.#observedMs = timestampMs;
  }

  fetch(key: K, startMs: number): ValueAndTime<V> | undefined {
    const bytes = this.bytes.get(this.#keyOf(key, startMs));
    return bytes && decodeTimed(bytes, this.#options.value);
  }

  /** Null deletes. */
  put(key: K, startMs: number, value: V | null, timestampMs: number): void {
    const at = this.#keyOf(key, startMs);
    if (value === null) this.bytes.delete(at);
    else this.bytes.put(at, encodeTimed(this.#options.value.serialize(value), timestampMs));
  }

  /** All windows beginning in `[fromMs, untilMs]`, by beginning, then by key. For inspection, outside of `process`. */
  async *fetchAll(fromMs = 0, untilMs = Number.MAX_SAFE_INTEGER - 1) {
    for await (const [at, bytes] of this.bytes.entries(startsAt(fromMs), startsAt(untilMs + 1))) {
      const key = this.#options.key.deserialize(at.subarray(KEY_AT));
      yield { key, startMs: startOf(at), ...decodeTimed(bytes, this.#options.value) };
    }
  }

  override async restore(folder: StateFolder, token: Uint8Array | undefined): Promise<void> {
    await super.restore(folder, token);
    const observed = this.bytes.get(OBSERVED);
    this.#observedMs = observed ? new ByteReader(observed).f64() : Number.NEGATIVE_INFINITY;
  }

  override async checkpoint(position: CheckpointPosition): Promise<Uint8Array> {
    if (Number.isFinite(this.#observedMs)) {
      const writer = new ByteWriter(8);
      writer.f64(this.#observedMs);
      this.bytes.put(OBSERVED, writer.finish());
    }
    await this.#forget();
    return super.checkpoint(position);
  }

  async #forget(): Promise<void> {
    const overMs = this.#observedMs - this.#options.retentionMs;
    if (!(overMs > 0)) return;
    const over: Uint8Array[] = [];
    for await (const [at] of this.bytes.entries(startsAt(0), startsAt(overMs))) {
      over.push(at);
      if (over.length === FORGOTTEN_AT_ONCE_MAX) break;
    }
    for (const at of over) this.bytes.delete(at);
  }

  #keyOf(key: K, startMs: number): Uint8Array {
    const bytes = this.#options.key.serialize(key);
    const writer = new ByteWriter(KEY_AT + bytes.length);
    writer.u8(ENTRY);
    writer.u64be(startMs);
    writer.raw(bytes);
    return writer.view();
  }
}

function startsAt(startMs: number): Uint8Array {
  const writer = new ByteWriter(KEY_AT);
  writer.u8(ENTRY);
  writer.u64be(startMs);
  return writer.finish();
}

function startOf(at: Uint8Array): number {
  return new ByteReader(at, 1).u64be();
}
