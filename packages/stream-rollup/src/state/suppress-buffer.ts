import { ByteReader, ByteWriter, TidemarkError } from '@tidemark/base';
import type { Change } from '../dsl/change.ts';
import { changeSerde } from '../dsl/change.ts';
import type { Serde } from '../dsl/serde.ts';
import { type KeyValueKind, OverKeyValue } from './durable-key-value.ts';
import { keyOfText, textOfKey } from './key-value.ts';
import type { CheckpointPosition, StateFolder, StoreBuilder } from './store.ts';

// Changes that wait for their window to close, one a key: the last, with what was before the first.
//
//   0x00                observed stream time f64
//   0x01 | key bytes    until f64 | timestampMs f64 | change
//
// The order in which they go, by `until` and then by key, is kept in memory and made anew of the entries at a restart.

export interface SuppressBufferOptions<K, V> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly kind: KeyValueKind;
  /** Keys that may wait; their order takes some 100 bytes each. */
  readonly keysMax: number;
}

export interface Buffered<K, V> {
  readonly key: K;
  readonly change: Change<V>;
  readonly timestampMs: number;
}

interface Waiting {
  readonly untilMs: number;
  /** The key's bytes. */
  readonly text: string;
}

const OBSERVED = Uint8Array.of(0);
const ENTRY = 1;
const CHANGE_AT = 16;

export function suppressBuffer<K, V>(options: SuppressBufferOptions<K, V>): StoreBuilder {
  return { name: options.name, build: () => new SuppressBuffer(options) };
}

export class SuppressBuffer<K, V> extends OverKeyValue {
  readonly #options: SuppressBufferOptions<K, V>;
  readonly #changes: Serde<Change<V>>;
  #order: Waiting[] = [];
  observedStreamTimeMs = Number.NEGATIVE_INFINITY;

  constructor(options: SuppressBufferOptions<K, V>) {
    super(options.name, options.kind);
    this.#options = options;
    this.#changes = changeSerde(options.value);
  }

  get size(): number {
    return this.#order.length;
  }

  /** A key keeps its place. Throws `STATE_FULL` above `keysMax` keys. */
  put(untilMs: number, { key, change, timestampMs }: Buffered<K, V>): void {
    const keyBytes = this.#options.key.serialize(key);
    const at = prefixed(keyBytes);
    const held = this.bytes.get(at);
    const placeMs = held ? new ByteReader(held).f64() : untilMs;
    const before = held ? this.#changes.deserialize(held.subarray(CHANGE_AT)).before : change.before;
    const writer = new ByteWriter(64);
    writer.f64(placeMs);
    writer.f64(timestampMs);
    writer.raw(this.#changes.serialize({ next: change.next, before }));
    this.bytes.put(at, writer.finish());
    if (!held) this.#place({ untilMs: placeMs, text: textOfKey(keyBytes) });
  }

  /** Takes out those that waited until `nowMs` or less, in their order. */
  *take(nowMs: number): Iterable<Buffered<K, V>> {
    let taken = 0;
    while (taken < this.#order.length && (this.#order[taken] as Waiting).untilMs <= nowMs) taken++;
    for (const { text } of this.#order.splice(0, taken)) {
      const keyBytes = keyOfText(text);
      const held = this.bytes.get(prefixed(keyBytes)) as Uint8Array;
      this.bytes.delete(prefixed(keyBytes));
      yield {
        key: this.#options.key.deserialize(keyBytes),
        change: this.#changes.deserialize(held.subarray(CHANGE_AT)),
        timestampMs: new ByteReader(held, 8).f64(),
      };
    }
  }

  override async restore(folder: StateFolder, token: Uint8Array | undefined): Promise<void> {
    await super.restore(folder, token);
    const observed = this.bytes.get(OBSERVED);
    this.observedStreamTimeMs = observed ? new ByteReader(observed).f64() : Number.NEGATIVE_INFINITY;
    this.#order = [];
    for await (const [at, held] of this.bytes.entries(Uint8Array.of(ENTRY))) {
      this.#order.push({ untilMs: new ByteReader(held).f64(), text: textOfKey(at.subarray(1)) });
    }
    this.#order.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  override checkpoint(position: CheckpointPosition): Promise<Uint8Array> {
    if (Number.isFinite(this.observedStreamTimeMs)) {
      const writer = new ByteWriter(8);
      writer.f64(this.observedStreamTimeMs);
      this.bytes.put(OBSERVED, writer.finish());
    }
    return super.checkpoint(position);
  }

  #place(waiting: Waiting): void {
    if (this.#order.length >= this.#options.keysMax) {
      const message = `${this.#order.length} keys wait in ${this.name} for their windows to close, and no more may: raise keysMax or let windows close sooner`;
      throw new TidemarkError('STATE_FULL', message, { store: this.name, limit: this.#options.keysMax });
    }
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.#order[middle] as Waiting, waiting)) low = middle + 1;
      else high = middle;
    }
    this.#order.splice(low, 0, waiting);
  }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.untilMs < b.untilMs || (a.untilMs === b.untilMs && a.text < b.text);
}

function prefixed(key: Uint8Array): Uint8Array {
  const out = new Uint8Array(key.length + 1);
  out[0] = ENTRY;
  out.set(key, 1);
  return out;
}
