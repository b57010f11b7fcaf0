import { assert, ByteReader, ByteWriter, crc32c, type Disk, isTidemarkError, messageOf, must } from '@tidemark/base';
import { type BatchOperation, ClassicLevel } from 'classic-level';
import type { LogRecord } from '../log.ts';
import type { Slice } from '../reader.ts';
import { NO_HEADERS, recordBytes } from '../record.ts';
import type { CompactedStore } from './compacted-store.ts';
import type { Materialised } from './control-body.ts';
import { corrupt } from './faults.ts';

// The last record of every key of one compacted topic, in a LevelDB of its own.
//
//   'k' partition u32be key            ->  crc u32be | offset u64be | timestampMs u64be | value | headers
//   'o' partition u32be offset u64be   ->  crc u32be | key                      the same records in offset order
//   'm'                                ->  crc u32be | records uvarint | digest u32be | count uvarint | through uvarint *
//
//   value   := 0 u8 (tombstone) | 1 u8 bytes
//   headers := count uvarint | (name text | value text)*
//
// LevelDB finds no damage by itself: a flipped bit in its log loses synced writes without a word. So every crc is
// bound to its database key, and the account in 'm' (how many records, and the sum of their crcs) is held against all of
// them at open, and against the journal's own account: absence is noticed too. All changes of one `take` are one synced
// batch.

const RECORD = 0x6b;
const ORDER = 0x6f;
const ACCOUNT = Uint8Array.of(0x6d);

type Level = ClassicLevel<Uint8Array, Uint8Array>;
type Batch = BatchOperation<Level, Uint8Array, Uint8Array>[];

interface Stored {
  readonly crc: number;
  readonly record: LogRecord;
}

interface Tombstone {
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array;
}

/**
 * Opens the store of a topic at `path`, made if missing. `known` is the journal's account: the store holds at least that.
 * Throws `LOG_CORRUPT` naming topic and key.
 */
export async function openLevelStore(
  disk: Disk,
  path: string,
  topic: { readonly name: string; readonly partitions: number },
  known: Materialised | undefined,
): Promise<CompactedStore> {
  const place = must(disk.nativePath, 'LevelDB needs a real folder')(path);
  await disk.makeFolder(path);
  const level: Level = new ClassicLevel(place, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    maxFileSize: 8 * 1024 * 1024,
  });
  try {
    await level.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    throw corrupt(path, `the store of ${topic.name} does not open: ${messageOf(cause)}`, { topic: topic.name });
  }
  const store = new LevelStore(level, path, topic);
  try {
    await store.verify(known);
  } catch (error) {
    await level.close();
    throw error;
  }
  return store;
}

class LevelStore implements CompactedStore {
  readonly #level: Level;
  readonly #path: string;
  readonly #topic: string;
  readonly #through: number[];
  readonly #tombstones: Tombstone[] = [];
  #records = 0;
  #digest = 0;

  constructor(level: Level, path: string, topic: { readonly name: string; readonly partitions: number }) {
    this.#level = level;
    this.#path = path;
    this.#topic = topic.name;
    this.#through = new Array<number>(topic.partitions).fill(0);
  }

  through(partition: number): number {
    return must(this.#through[partition]);
  }

  account(topicId: number): Materialised {
    return { topicId, records: this.#records, digest: this.#digest, through: [...this.#through] };
  }

  async read(partition: number, position: number, maxBytes: number): Promise<Slice> {
    const through = this.through(partition);
    const records: LogRecord[] = [];
    let left = maxBytes;
    const range = { gte: orderKey(partition, position), lt: orderKey(partition, through) };
    for await (const [order, value] of this.#level.iterator(range)) {
      if (left <= 0 && records.length > 0) break;
      const key = this.#takeOrder(order, value);
      const found = await this.#find(partition, key);
      // Superseded while we walked: its new offset comes later.
      if (found?.record.offset !== offsetOf(order)) continue;
      records.push(found.record);
      left -= recordBytes(found.record);
    }
    const last = records.at(-1);
    return { records, nextOffset: left <= 0 && last !== undefined ? last.offset + 1 : through };
  }

  async take(partition: number, records: readonly LogRecord[], newThrough: number, forgetBelow: number): Promise<void> {
    assert(newThrough >= this.through(partition), 'a store moves forward');
    const latest = new Map<string, LogRecord>();
    for (const record of records) latest.set(Buffer.from(must(record.key)).toString('latin1'), record);
    const batch: Batch = [];
    let count = this.#records;
    let digest = this.#digest;
    const drop = (old: Stored, key: Uint8Array) => {
      batch.push({ type: 'del', key: orderKey(partition, old.record.offset) });
      batch.push({ type: 'del', key: recordKey(partition, key) });
      count--;
      digest = (digest - old.crc) >>> 0;
    };
    const forgotten = this.#takeTombstones(partition, forgetBelow);
    for (const record of latest.values()) {
      const key = must(record.key);
      const old = await this.#find(partition, key);
      if (old) drop(old, key);
      const [value, crc] = encodeRecord(partition, record);
      batch.push({ type: 'put', key: recordKey(partition, key), value });
      batch.push({ type: 'put', key: orderKey(partition, record.offset), value: encodeOrder(partition, record) });
      count++;
      digest = (digest + crc) >>> 0;
      if (record.value === null) this.#tombstones.push({ partition, offset: record.offset, key });
    }
    for (const tombstone of forgotten) {
      if (latest.has(Buffer.from(tombstone.key).toString('latin1'))) continue;
      const old = await this.#find(partition, tombstone.key);
      if (old?.record.offset === tombstone.offset) drop(old, tombstone.key);
    }
    const through = this.#through.with(partition, newThrough);
    batch.push({ type: 'put', key: ACCOUNT, value: encodeAccount(count, digest, through) });
    await this.#level.batch(batch, { sync: true });
    this.#records = count;
    this.#digest = digest;
    this.#through[partition] = newThrough;
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  /** Reads everything once. */
  async verify(known: Materialised | undefined): Promise<void> {
    let orders = 0;
    let account: { records: number; digest: number } | undefined;
    for await (const [key, value] of this.#level.iterator()) {
      switch (key[0]) {
        case RECORD: {
          const partition = partitionOf(key);
          const stored = this.#takeRecord(partition, key.subarray(5), value);
          this.#records++;
          this.#digest = (this.#digest + stored.crc) >>> 0;
          if (stored.record.value === null) {
            this.#tombstones.push({ partition, offset: stored.record.offset, key: key.subarray(5) });
          }
          break;
        }
        case ORDER:
          this.#takeOrder(key, value);
          orders++;
          break;
        default:
          account = this.#takeAccount(key, value);
      }
    }
    this.#compare(orders, account, known);
  }

  #compare(orders: number, account: { records: number; digest: number } | undefined, known?: Materialised): void {
    const found = `${this.#records} records (${orders} in order) with digest ${this.#digest}`;
    const agrees =
      orders === this.#records && (account?.records ?? 0) === this.#records && (account?.digest ?? 0) === this.#digest;
    if (!agrees) throw this.#corrupt(`its account says ${account?.records ?? 'nothing'}, found ${found}`);
    if (!known) return;
    const behind = known.through.findIndex((offset, partition) => this.through(partition) < offset);
    if (behind >= 0) {
      throw this.#corrupt(
        `partition ${behind} goes to ${this.through(behind)}, the journal says ${known.through[behind]}`,
      );
    }
    const same = known.through.every((offset, partition) => this.through(partition) === offset);
    if (same && (known.records !== this.#records || known.digest !== this.#digest)) {
      throw this.#corrupt(`the journal says ${known.records} records with digest ${known.digest}, found ${found}`);
    }
  }

  /** Takes out the tombstones of a partition below an offset. */
  #takeTombstones(partition: number, below: number): Tombstone[] {
    const goes = (t: Tombstone) => t.partition === partition && t.offset < below;
    const taken = this.#tombstones.filter(goes);
    const kept = this.#tombstones.filter((t) => !goes(t));
    this.#tombstones.splice(0, this.#tombstones.length, ...kept);
    return taken;
  }

  async #find(partition: number, key: Uint8Array): Promise<Stored | undefined> {
    const value = await this.#level.get(recordKey(partition, key));
    return value === undefined ? undefined : this.#takeRecord(partition, key, value);
  }

  #takeRecord(partition: number, key: Uint8Array, bytes: Uint8Array): Stored {
    const crc = this.#checked(recordKey(partition, key), bytes, `key ${keyText(key)}`);
    return this.#parsed(bytes, `key ${keyText(key)}`, (reader) => {
      const offset = reader.u64be();
      const timestampMs = reader.u64be();
      const value = reader.u8() === 0 ? null : reader.lengthPrefixed();
      const headers: Record<string, string> = Object.create(null);
      const count = reader.count(2);
      for (let i = 0; i < count; i++) {
        const name = reader.text();
        headers[name] = reader.text();
      }
      return { crc, record: { offset, timestampMs, key, value, headers: count === 0 ? NO_HEADERS : headers } };
    });
  }

  #takeOrder(order: Uint8Array, bytes: Uint8Array): Uint8Array {
    this.#checked(order, bytes, `offset ${offsetOf(order)}`);
    return bytes.subarray(4);
  }

  #takeAccount(key: Uint8Array, bytes: Uint8Array): { records: number; digest: number } {
    if (key.length !== 1 || key[0] !== ACCOUNT[0]) throw this.#corrupt(`an entry of unknown kind: ${keyText(key)}`);
    this.#checked(key, bytes, 'the account');
    return this.#parsed(bytes, 'the account', (reader) => {
      const records = reader.uvarint();
      const digest = reader.u32be();
      const partitions = reader.count();
      if (partitions !== this.#through.length) throw this.#corrupt(`the account has ${partitions} partitions`);
      for (let i = 0; i < partitions; i++) this.#through[i] = reader.uvarint();
      return { records, digest };
    });
  }

  #checked(key: Uint8Array, bytes: Uint8Array, what: string): number {
    const crc = bytes.length < 4 ? -1 : new ByteReader(bytes).u32be();
    if (crc !== crcOf(key, bytes)) throw this.#corrupt(`${what} is damaged`);
    return crc;
  }

  #parsed<T>(bytes: Uint8Array, what: string, take: (reader: ByteReader) => T): T {
    try {
      return take(new ByteReader(bytes, 4));
    } catch (error) {
      if (isTidemarkError(error, 'BYTES_MALFORMED')) throw this.#corrupt(`${what}: ${error.message}`);
      throw error;
    }
  }

  #corrupt(what: string): Error {
    return corrupt(this.#path, `the store of ${this.#topic}: ${what}`, { topic: this.#topic });
  }
}

function recordKey(partition: number, key: Uint8Array): Uint8Array {
  const writer = new ByteWriter(5 + key.length);
  writer.u8(RECORD);
  writer.u32be(partition);
  writer.raw(key);
  return writer.finish();
}

function orderKey(partition: number, offset: number): Uint8Array {
  const writer = new ByteWriter(13);
  writer.u8(ORDER);
  writer.u32be(partition);
  writer.u64be(offset);
  return writer.finish();
}

function partitionOf(key: Uint8Array): number {
  return new ByteReader(key, 1).u32be();
}

function offsetOf(order: Uint8Array): number {
  return new ByteReader(order, 5).u64be();
}

function encodeRecord(partition: number, record: LogRecord): [bytes: Uint8Array, crc: number] {
  const writer = new ByteWriter(recordBytes(record) + 64);
  writer.u32be(0);
  writer.u64be(record.offset);
  writer.u64be(record.timestampMs);
  writer.u8(record.value === null ? 0 : 1);
  if (record.value !== null) writer.lengthPrefixed(record.value);
  const headers = Object.entries(record.headers);
  writer.uvarint(headers.length);
  for (const [name, value] of headers) {
    writer.text(name);
    writer.text(value);
  }
  return sealed(recordKey(partition, must(record.key)), writer);
}

function encodeOrder(partition: number, record: LogRecord): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u32be(0);
  writer.raw(must(record.key));
  return sealed(orderKey(partition, record.offset), writer)[0];
}

function encodeAccount(records: number, digest: number, through: readonly number[]): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u32be(0);
  writer.uvarint(records);
  writer.u32be(digest);
  writer.uvarint(through.length);
  for (const offset of through) writer.uvarint(offset);
  return sealed(ACCOUNT, writer)[0];
}

/** Puts the crc, bound to the database key, in front. */
function sealed(key: Uint8Array, writer: ByteWriter): [bytes: Uint8Array, crc: number] {
  const bytes = writer.finish();
  const crc = crcOf(key, bytes);
  new DataView(bytes.buffer).setUint32(0, crc);
  return [bytes, crc];
}

function crcOf(key: Uint8Array, bytes: Uint8Array): number {
  return crc32c(bytes, 4, bytes.length, crc32c(key));
}

function keyText(key: Uint8Array): string {
  return JSON.stringify(Buffer.from(key).toString('latin1'));
}
