import { assert, ByteReader, type Disk, isTidemarkError, messageOf, must, systemCode } from '@tidemark/base';
import type { LogRecord } from '../log.ts';
import type { Slice } from '../reader.ts';
import { NO_HEADERS, recordBytes } from '../record.ts';
import {
  ACCOUNT,
  crcOf,
  encodeAccount,
  encodePlace,
  encodeRecord,
  KEY,
  keyKey,
  keyText,
  RECORD,
  recordKey,
  STAND_IN,
} from './compacted-codec.ts';
import { type Batch, type Level, levelAt, problemOf } from './compacted-level.ts';
import type { CompactedStore, TombstonesKept } from './compacted-store.ts';
import type { Materialised } from './control-body.ts';
import { fromDisk, storeCorrupt } from './faults.ts';

// The last record of every key of one compacted topic, in a LevelDB of its own.
//
//   'o' partition u32be offset u64be   ->  crc u32be | timestampMs u64be | key bytes | value | headers
//   'k' partition u32be key            ->  crc u32be | offset u64be | recordCrc u32be      where the key's record is
//   'm'                                ->  crc u32be | records uvarint | digest u32be | count uvarint | through uvarint *
//   's'                                ->  crc u32be | records uvarint | digest u32be      of a journal's account it stands in for
//
//   value   := 0 u8 (tombstone) | 1 u8 bytes
//   headers := count uvarint | (name text | value text)*
//
// LevelDB finds no damage by itself: a flipped bit in its log loses synced writes without a word, one in a filter block
// makes a key that is there "not found". So every crc is bound to its database key, and the account in 'm' (how many
// records, and the sum of their crcs) is held against all of them at open, and against the journal's own account: absence is
// noticed too. Keys are also asked for one by one. All changes of one `take` are one synced batch.

// 1000: one call into the database takes about as long as it does.
const ASK_AT_ONCE = 1000;

export interface CompactedTopic {
  readonly name: string;
  readonly partitions: number;
}

/** Where the record of a key is. */
interface Place {
  readonly offset: number;
  readonly recordCrc: number;
}

interface Tombstone {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array;
}

function tombstoneOf(partition: number, { key, offset, timestampMs }: LogRecord): Tombstone {
  return { partition, offset, timestampMs, key: must(key) };
}

/**
 * Opens the store of a topic at `path`, made if missing. `known` is the journal's account: the store holds at least that.
 * Throws `LOG_CORRUPT` naming topic and key.
 */
export async function openLevelStore(
  disk: Disk,
  path: string,
  topic: CompactedTopic,
  known: Materialised | undefined,
): Promise<CompactedStore> {
  await disk.makeFolder(path);
  const problem = await problemOf(disk, path);
  if (problem !== undefined) throw storeCorrupt(path, topic.name, problem);
  const level = levelAt(disk, path);
  const store = new LevelStore(level, path, topic);
  try {
    await level.open();
    await store.verify(known);
  } catch (error) {
    await level.close();
    throw store.translated(error);
  }
  return store;
}

/** How many partitions the store at `path` has; undefined when it does not say. */
export async function partitionsOfStore(disk: Disk, path: string): Promise<number | undefined> {
  if ((await problemOf(disk, path)) !== undefined) return undefined;
  const level = levelAt(disk, path, { createIfMissing: false });
  try {
    await level.open();
    const bytes = await level.get(ACCOUNT);
    if (bytes === undefined || bytes.length < 4 || new ByteReader(bytes).u32be() !== crcOf(ACCOUNT, bytes))
      return undefined;
    const reader = new ByteReader(bytes, 4);
    reader.uvarint();
    reader.u32be();
    return reader.uvarint();
  } catch (error) {
    if (systemCode(error)?.startsWith('LEVEL_')) return undefined;
    throw error;
  } finally {
    await level.close();
  }
}

class LevelStore implements CompactedStore {
  readonly #level: Level;
  readonly #path: string;
  readonly #topic: string;
  readonly #through: number[];
  readonly #tombstones: Tombstone[] = [];
  #records = 0;
  #digest = 0;
  /** The journal's account that this store stands in for, after a repair that lost some of it. */
  #standsIn = { records: -1, digest: 0 };

  constructor(level: Level, path: string, topic: CompactedTopic) {
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
    try {
      return await this.#read(partition, position, maxBytes);
    } catch (error) {
      throw this.translated(error);
    }
  }

  async take(
    partition: number,
    records: readonly LogRecord[],
    newThrough: number,
    keep: TombstonesKept,
  ): Promise<void> {
    try {
      await this.#take(partition, records, newThrough, keep);
    } catch (error) {
      throw this.translated(error);
    }
  }

  async #read(partition: number, position: number, maxBytes: number): Promise<Slice> {
    const through = this.through(partition);
    const records: LogRecord[] = [];
    let left = maxBytes;
    const range = { gte: recordKey(partition, position), lt: recordKey(partition, through) };
    for await (const [key, bytes] of this.#level.iterator(range)) {
      if (left <= 0 && records.length > 0) break;
      const { record } = this.#takeRecord(key, bytes);
      records.push(record);
      left -= recordBytes(record);
    }
    const last = records.at(-1);
    return { records, nextOffset: left <= 0 && last !== undefined ? last.offset + 1 : through };
  }

  async #take(
    partition: number,
    records: readonly LogRecord[],
    newThrough: number,
    keep: TombstonesKept,
  ): Promise<void> {
    assert(newThrough >= this.through(partition), 'a store moves forward');
    const latest = new Map<string, LogRecord>();
    for (const record of records) latest.set(Buffer.from(must(record.key)).toString('latin1'), record);
    const batch: Batch = [];
    let count = this.#records;
    let digest = this.#digest;
    const drop = (old: Place, key: Uint8Array) => {
      batch.push({ type: 'del', key: recordKey(partition, old.offset) });
      batch.push({ type: 'del', key: keyKey(partition, key) });
      count--;
      digest = (digest - old.recordCrc) >>> 0;
    };
    const forgotten = this.#takeTombstones(partition, keep);
    for (const record of latest.values()) {
      const key = must(record.key);
      const old = await this.#find(partition, key);
      if (old) drop(old, key);
      const [value, crc] = encodeRecord(partition, record);
      batch.push({ type: 'put', key: recordKey(partition, record.offset), value });
      batch.push({ type: 'put', key: keyKey(partition, key), value: encodePlace(partition, record, crc) });
      count++;
      digest = (digest + crc) >>> 0;
      if (record.value === null) this.#tombstones.push(tombstoneOf(partition, record));
    }
    for (const tombstone of forgotten) {
      if (latest.has(Buffer.from(tombstone.key).toString('latin1'))) continue;
      const old = await this.#find(partition, tombstone.key);
      if (old?.offset === tombstone.offset) drop(old, tombstone.key);
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

  /** Reads everything once. Throws `LOG_CORRUPT`. */
  async verify(known: Materialised | undefined): Promise<void> {
    let account = { records: 0, digest: 0 };
    let keys: Uint8Array[] = [];
    // Of the places of all keys, against the records themselves: how many, their crcs, their offsets.
    const placed = { records: 0, digest: 0, offsets: 0 };
    let offsets = 0;
    for await (const [key, bytes] of this.#level.iterator()) {
      if (key[0] === RECORD) {
        const { crc, partition, record } = this.#takeRecord(key, bytes);
        this.#records++;
        this.#digest = (this.#digest + crc) >>> 0;
        offsets += record.offset;
        if (record.value === null) this.#tombstones.push(tombstoneOf(partition, record));
      } else if (key[0] === KEY) {
        const place = this.#takePlace(key, bytes);
        placed.records++;
        placed.digest = (placed.digest + place.recordCrc) >>> 0;
        placed.offsets += place.offset;
        keys.push(key);
        if (keys.length >= ASK_AT_ONCE) keys = await this.#askFor(keys);
      } else if (key.length === 1 && key[0] === STAND_IN[0]) {
        this.#standsIn = this.#takeStandIn(key, bytes);
      } else {
        account = this.#takeAccount(key, bytes);
      }
    }
    await this.#askFor(keys);
    const agrees = [placed, account].every((a) => a.records === this.#records && a.digest === this.#digest);
    if (!agrees || offsets !== placed.offsets) {
      throw this.#corrupt(
        `its account says ${account.records} records with digest ${account.digest}, found ${placed.records} keys and ${this.#found()}`,
      );
    }
    this.#compare(known);
  }

  /** Keys that were seen are found when asked for. Returns an empty list. */
  async #askFor(keys: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const found = await this.#level.getMany([...keys]);
    const missing = found.indexOf(undefined);
    if (missing >= 0) throw this.#corrupt(`key ${keyText(must(keys[missing]).subarray(5))} is not found where it is`);
    return [];
  }

  #found(): string {
    return `${this.#records} records with digest ${this.#digest}`;
  }

  #compare(known: Materialised | undefined): void {
    if (!known) return;
    const behind = known.through.findIndex((offset, partition) => this.through(partition) < offset);
    if (behind >= 0) {
      throw this.#corrupt(
        `partition ${behind} goes to ${this.through(behind)}, the journal says ${known.through[behind]}`,
      );
    }
    const same = known.through.every((offset, partition) => this.through(partition) === offset);
    const { records, digest } = this.#standsIn;
    if (known.records === records && known.digest === digest) return;
    if (same && (known.records !== this.#records || known.digest !== this.#digest)) {
      throw this.#corrupt(
        `the journal says ${known.records} records with digest ${known.digest}, found ${this.#found()}`,
      );
    }
  }

  /** Takes out the tombstones of a partition that are no longer kept. */
  #takeTombstones(partition: number, { fromOffset, sinceMs }: TombstonesKept): Tombstone[] {
    const goes = (t: Tombstone) => t.partition === partition && (t.offset < fromOffset || t.timestampMs < sinceMs);
    const taken = this.#tombstones.filter(goes);
    const kept = this.#tombstones.filter((t) => !goes(t));
    this.#tombstones.splice(0, this.#tombstones.length, ...kept);
    return taken;
  }

  async #find(partition: number, key: Uint8Array): Promise<Place | undefined> {
    const at = keyKey(partition, key);
    const bytes = await this.#level.get(at);
    return bytes === undefined ? undefined : this.#takePlace(at, bytes);
  }

  #takePlace(at: Uint8Array, bytes: Uint8Array): Place {
    const what = `key ${keyText(at.subarray(5))}`;
    this.#checked(at, bytes, what);
    return this.#parsed(bytes, what, (reader) => ({ offset: reader.u64be(), recordCrc: reader.u32be() }));
  }

  #takeRecord(at: Uint8Array, bytes: Uint8Array): { crc: number; partition: number; record: LogRecord } {
    const place = new ByteReader(at, 1);
    const partition = place.u32be();
    const offset = place.u64be();
    const what = `the record at ${partition}/${offset}`;
    const crc = this.#checked(at, bytes, what);
    return this.#parsed(bytes, what, (reader) => {
      const timestampMs = reader.u64be();
      const key = reader.lengthPrefixed();
      const value = reader.u8() === 0 ? null : reader.lengthPrefixed();
      const headers: Record<string, string> = Object.create(null);
      const count = reader.count(2);
      for (let i = 0; i < count; i++) {
        const name = reader.text();
        headers[name] = reader.text();
      }
      const record = { offset, timestampMs, key, value, headers: count === 0 ? NO_HEADERS : headers };
      return { crc, partition, record };
    });
  }

  #takeStandIn(key: Uint8Array, bytes: Uint8Array): { records: number; digest: number } {
    this.#checked(key, bytes, 'what it stands in for');
    return this.#parsed(bytes, 'what it stands in for', (reader) => ({
      records: reader.uvarint(),
      digest: reader.u32be(),
    }));
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

  /** LevelDB's errors in the log's words. */
  translated(error: unknown): unknown {
    const code = systemCode(error);
    if (!code?.startsWith('LEVEL_')) return error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const found = systemCode(cause) ?? code;
    if (found === 'LEVEL_CORRUPTION') return this.#corrupt(messageOf(cause));
    if (/no such file|does not exist|invalid argument|not found/i.test(messageOf(cause))) {
      return this.#corrupt(`a part of it is missing or damaged: ${messageOf(cause)}`);
    }
    return fromDisk(cause, `use the store of ${this.#topic}`);
  }

  #corrupt(what: string): Error {
    return storeCorrupt(this.#path, this.#topic, what);
  }
}
