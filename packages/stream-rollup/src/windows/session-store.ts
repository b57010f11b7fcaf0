import { ByteReader, ByteWriter } from '@tidemark/base';
import type { Serde } from '../dsl/serde.ts';
import { type KeyValueKind, OverKeyValue } from '../state/durable-key-value.ts';
import type { CheckpointPosition, StateFolder, StoreBuilder } from '../state/store.ts';

// The store of sessions: a key to its sessions, few at a time, and by time who has any, so that what is over can be found.
//
//   0x00                                observed stream time f64
//   0x01 | key bytes                    (start f64 | end f64 | value bytes)*       by end
//   0x02 | end / retention u64be | key bytes    nothing: the key had a session that ended then

export interface SessionStoreOptions<K, V> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly kind: KeyValueKind;
  /** Sessions that ended so long ago are gone. */
  readonly retentionMs: number;
}

export interface Session<V> {
  readonly startMs: number;
  /** Of its last record. */
  readonly endMs: number;
  readonly value: V;
}

const OBSERVED = Uint8Array.of(0);
const SESSIONS = 1;
const ENDED = 2;
const KEY_AT = 9;
const NOTHING = new Uint8Array(0);
// Changes wait in memory for the checkpoint's batch.
const FORGOTTEN_AT_ONCE_MAX = 10_000;

export function sessionStore<K, V>(options: SessionStoreOptions<K, V>): StoreBuilder {
  return { name: options.name, build: () => new SessionStore(options) };
}

export class SessionStore<K, V> extends OverKeyValue {
  readonly #options: SessionStoreOptions<K, V>;
  #observedMs = Number.NEGATIVE_INFINITY;

  constructor(options: SessionStoreOptions<K, V>) {
    super(options.name, options.kind);
    this.#options = options;
  }

  get observedStreamTimeMs(): number {
    return this.#observedMs;
  }

  observe(timestampMs: number): void {
    if (timestampMs > this.#observedMs) this.#observedMs = timestampMs;
  }

  /** Those that end at `fromMs` or later and begin at `untilMs` or earlier, and are not gone; by end. */
  findSessions(key: K, fromMs: number, untilMs: number): readonly Session<V>[] {
    const goneMs = this.#observedMs - this.#options.retentionMs;
    return this.#read(this.#options.key.serialize(key)).filter(
      ({ startMs, endMs }) => endMs >= fromMs && startMs <= untilMs && endMs > goneMs,
    );
  }

  /** In place of `merged`, which are sessions of this key as found. Null: nothing. */
  replace(key: K, merged: readonly Session<V>[], session: Session<V> | null): void {
    const keyBytes = this.#options.key.serialize(key);
    const isMerged = (one: Session<V>) =>
      merged.some((each) => each.startMs === one.startMs && each.endMs === one.endMs);
    const sessions = this.#read(keyBytes).filter((one) => !isMerged(one));
    if (session) {
      sessions.push(session);
      sessions.sort((a, b) => a.endMs - b.endMs);
      this.bytes.put(this.#endedAt(session.endMs, keyBytes), NOTHING);
    }
    this.#write(keyBytes, sessions);
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
    const goneMs = this.#observedMs - this.#options.retentionMs;
    if (!(goneMs > 0)) return;
    const marks: Uint8Array[] = [];
    for await (const [at] of this.bytes.entries(Uint8Array.of(ENDED), this.#endedAt(goneMs, NOTHING))) {
      marks.push(at);
      if (marks.length === FORGOTTEN_AT_ONCE_MAX) break;
    }
    for (const at of marks) {
      const keyBytes = at.slice(KEY_AT);
      this.#write(
        keyBytes,
        this.#read(keyBytes).filter(({ endMs }) => endMs > goneMs),
      );
      this.bytes.delete(at);
    }
  }

  #endedAt(endMs: number, keyBytes: Uint8Array): Uint8Array {
    const writer = new ByteWriter(KEY_AT + keyBytes.length);
    writer.u8(ENDED);
    writer.u64be(Math.floor(endMs / this.#options.retentionMs));
    writer.raw(keyBytes);
    return writer.finish();
  }

  #read(keyBytes: Uint8Array): Session<V>[] {
    const held = this.bytes.get(sessionsOf(keyBytes));
    if (!held) return [];
    const reader = new ByteReader(held);
    const sessions: Session<V>[] = [];
    while (reader.left > 0) {
      const startMs = reader.f64();
      const endMs = reader.f64();
      sessions.push({ startMs, endMs, value: this.#options.value.deserialize(reader.lengthPrefixed()) });
    }
    return sessions;
  }

  #write(keyBytes: Uint8Array, sessions: readonly Session<V>[]): void {
    if (sessions.length === 0) {
      this.bytes.delete(sessionsOf(keyBytes));
      return;
    }
    const writer = new ByteWriter(64);
    for (const { startMs, endMs, value } of sessions) {
      writer.f64(startMs);
      writer.f64(endMs);
      writer.lengthPrefixed(this.#options.value.serialize(value));
    }
    this.bytes.put(sessionsOf(keyBytes), writer.finish());
  }
}

function sessionsOf(keyBytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(keyBytes.length + 1);
  out[0] = SESSIONS;
  out.set(keyBytes, 1);
  return out;
}
