import { ByteReader, ByteWriter, crc32c, type Disk, type DiskFile, isTidemarkError } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { LevelStore, LevelStores, LevelWrite } from './level-store.ts';

// LevelDB for a simulated world whose disk tears, drops and refuses: a database is one file of batches on a simulated disk.
//
//   <path>/log  := frame*          frame := length u32 | crc u32 | batch        crc = crc32c(batch)
//   batch       := writes uvarint | (key lengthPrefixed | kept u8 | value lengthPrefixed)*
//
// A write is one append and one sync. What was not synced may be gone or torn after a crash; opening reads up to the first frame that
// is not whole, and writes what it has into a new file, as LevelDB makes a table of its log: of a sync that failed nothing is relied on. A write that failed is taken no more
// care of than LevelDB takes: half a frame stays, and what the same handle appends behind it is acknowledged and lost at the next
// opening; a sync that failed makes it refuse until it is opened again.

const LOG = 'log';
const FRAME_HEAD = 8;

/** Databases on a disk. A process that died left its handles with it: make new stores over the disk that it leaves. */
export class SimLevelStores implements LevelStores {
  readonly #disk: Disk;
  /** As LevelDB's LOCK does. */
  readonly #open = new Set<string>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async open(path: string, { create }: { readonly create: boolean }): Promise<LevelStore> {
    if (this.#open.has(path)) throw storageError('STORAGE_IO', `${path} is locked`, { path });
    this.#open.add(path);
    try {
      const file = await this.#openLog(path, create);
      return new SimLevelStore(path, file.log, file.values, () => this.#open.delete(path));
    } catch (error) {
      this.#open.delete(path);
      throw ioError(path, error);
    }
  }

  async list(folder: string): Promise<string[]> {
    return this.#try(folder, async () => {
      const names: string[] = [];
      for (const name of await this.#disk.list(folder)) {
        if (name.endsWith('/') && (await this.#disk.exists(`${folder}/${name}${LOG}`))) names.push(name.slice(0, -1));
      }
      return names;
    });
  }

  async destroy(path: string): Promise<void> {
    this.#mustBeClosed(path);
    await this.#try(path, async () => {
      if (!(await this.#disk.exists(`${path}/${LOG}`))) return;
      await this.#disk.remove(`${path}/${LOG}`);
      await this.#disk.syncFolder(path);
    });
  }

  async twin(path: string, to: string): Promise<boolean> {
    this.#mustBeClosed(path);
    return this.#try(path, async () => {
      if (!(await this.#disk.exists(`${path}/${LOG}`))) return false;
      await this.#disk.writeAtomic(`${to}/${LOG}`, await this.#disk.read(`${path}/${LOG}`));
      return true;
    });
  }

  async rename(path: string, to: string): Promise<void> {
    this.#mustBeClosed(path);
    await this.#try(path, async () => {
      await this.#disk.makeFolder(to);
      await this.#disk.rename(`${path}/${LOG}`, `${to}/${LOG}`);
      await this.#disk.syncFolder(to);
    });
  }

  async problem(path: string): Promise<string | undefined> {
    return this.#try(path, async () => {
      const bytes = await this.#read(path);
      return bytes === undefined ? 'it has no log' : problemOf(bytes);
    });
  }

  async salvage(path: string, to: string): Promise<void> {
    await this.#try(path, async () => {
      const values: Values = new Map();
      const bytes = (await this.#read(path)) ?? new Uint8Array(0);
      for (let at = 0; at < bytes.length; ) {
        const frame = frameAt(bytes, at);
        if (frame?.batch !== undefined) take(values, frame.batch);
        if (frame === undefined) break;
        at = frame.end;
      }
      await this.#disk.writeAtomic(`${to}/${LOG}`, framesOf(values));
    });
  }

  async #openLog(path: string, create: boolean): Promise<{ log: DiskFile; values: Values }> {
    const name = `${path}/${LOG}`;
    let bytes = await this.#read(path);
    if (bytes === undefined && !create) throw storageError('WINDOW_CORRUPT', `there is no database ${path}`, { path });
    if (bytes === undefined) {
      await this.#disk.writeAtomic(name, new Uint8Array(0));
      bytes = new Uint8Array(0);
    }
    const values: Values = new Map();
    const end = readFrames(bytes, values);
    if (end > 0 || end < bytes.length) await this.#disk.writeAtomic(name, framesOf(values));
    return { log: await this.#disk.open(name), values };
  }

  async #read(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#disk.read(`${path}/${LOG}`);
    } catch (error) {
      if (isTidemarkError(error, 'DISK_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async #try<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw ioError(path, error);
    }
  }

  #mustBeClosed(path: string): void {
    if (this.#open.has(path)) throw storageError('STORAGE_IO', `${path} is locked`, { path });
  }
}

/** Keys as latin1 text, which sorts as their bytes do. */
type Values = Map<string, Uint8Array>;

const textOf = (key: Uint8Array) => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
const bytesOf = (key: string) => new Uint8Array(Buffer.from(key, 'latin1'));

class SimLevelStore implements LevelStore {
  readonly #path: string;
  readonly #log: DiskFile;
  readonly #values: Values;
  readonly #unlock: () => void;

  constructor(path: string, log: DiskFile, values: Values, unlock: () => void) {
    this.#path = path;
    this.#log = log;
    this.#values = values;
    this.#unlock = unlock;
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    await Promise.resolve();
    return keys.map((key) => this.#values.get(textOf(key)));
  }

  async write(batch: readonly LevelWrite[]): Promise<void> {
    const payload = encodeBatch(batch);
    try {
      await this.#log.append([headOf(payload), payload]);
      await this.#log.sync();
    } catch (error) {
      throw ioError(this.#path, error);
    }
    take(this.#values, payload);
  }

  async *entries(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    await Promise.resolve();
    for (const key of this.#between(from, to)) yield [bytesOf(key), this.#values.get(key) as Uint8Array];
  }

  async *keys(from: Uint8Array, to: Uint8Array): AsyncIterable<Uint8Array> {
    await Promise.resolve();
    for (const key of this.#between(from, to)) yield bytesOf(key);
  }

  async close(): Promise<void> {
    await this.#log.close();
    this.#unlock();
  }

  #between(from: Uint8Array, to: Uint8Array): string[] {
    const [first, end] = [textOf(from), textOf(to)];
    return [...this.#values.keys()].filter((key) => key >= first && key < end).sort();
  }
}

function encodeBatch(batch: readonly LevelWrite[]): Uint8Array {
  const writer = new ByteWriter(256);
  writer.uvarint(batch.length);
  for (const { key, value } of batch) {
    writer.lengthPrefixed(key);
    writer.u8(value === null ? 0 : 1);
    writer.lengthPrefixed(value ?? new Uint8Array(0));
  }
  return writer.finish();
}

function headOf(payload: Uint8Array): Uint8Array {
  const head = new ByteWriter(FRAME_HEAD);
  head.u32(payload.length);
  head.u32(crc32c(payload));
  return head.finish();
}

function framesOf(values: Values): Uint8Array {
  const payload = encodeBatch([...values].map(([key, value]) => ({ key: bytesOf(key), value })));
  return Buffer.concat([headOf(payload), payload]);
}

function take(values: Values, payload: Uint8Array): void {
  const reader = new ByteReader(payload);
  for (let left = reader.uvarint(); left > 0; left--) {
    const key = textOf(reader.lengthPrefixed());
    const isKept = reader.u8() === 1;
    const value = reader.lengthPrefixed();
    if (isKept) values.set(key, value.slice());
    else values.delete(key);
  }
}

/** Undefined where not even a length of one fits; no batch where it fails its checksum. */
function frameAt(bytes: Uint8Array, at: number): { end: number; batch: Uint8Array | undefined } | undefined {
  if (bytes.length - at < FRAME_HEAD) return undefined;
  const head = new ByteReader(bytes, at, at + FRAME_HEAD);
  const end = at + FRAME_HEAD + head.u32();
  if (end > bytes.length || end === at + FRAME_HEAD) return undefined;
  const batch = bytes.subarray(at + FRAME_HEAD, end);
  return { end, batch: crc32c(batch) === head.u32() ? batch : undefined };
}

/** Takes the batches up to the first that is not whole; returns where that is. */
function readFrames(bytes: Uint8Array, values: Values): number {
  for (let at = 0; ; ) {
    const frame = frameAt(bytes, at);
    if (frame?.batch === undefined) return at;
    take(values, frame.batch);
    at = frame.end;
  }
}

/** A frame that is not whole is what a crash leaves, unless something whole is behind it. */
function problemOf(bytes: Uint8Array): string | undefined {
  const end = readFrames(bytes, new Map());
  for (let frame = frameAt(bytes, end); frame !== undefined; frame = frameAt(bytes, frame.end)) {
    if (frame.batch !== undefined) return `its log is damaged at ${end}`;
  }
  return undefined;
}

function ioError(path: string, error: unknown): unknown {
  if (!isTidemarkError(error) || !error.code.startsWith('DISK_')) return error;
  return storageError('STORAGE_IO', `LevelDB of window ${path}: ${error.message}`, { path }, error);
}
