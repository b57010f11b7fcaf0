import {
  assert,
  ByteReader,
  ByteWriter,
  crc32c,
  isTidemarkError,
  levelProblem,
  systemCode,
  TidemarkError,
} from '@tidemark/base';
import type { AbstractLevel } from 'abstract-level';
import { ClassicLevel } from 'classic-level';
import { type KeyValueStore, keyOfText, textOfKey } from './key-value.ts';
import { corruptState } from './state-file.ts';
import type { CheckpointPosition, StateFolder, StoreBuilder } from './store.ts';

// State larger than memory: LevelDB, with what changed since the last checkpoint in a map above it.
//
//   key                value
//   0x00               meta: sequence, the sequence before, entry counts at both                | crc32c
//   0x01 | user key    the value                                                                | crc32c
//   0x02 | user key    what a checkpoint replaced: 0, or 1 and the value                        | crc32c
//
// LevelDB checks nothing we can rely on, so each value ends with the crc32c of its key and content, and the count in meta
// makes a missing entry noticeable. A checkpoint is one synced batch. When a crash comes between the batch and the
// manifest, the manifest names the sequence before: then the 0x02 entries take the batch back, and content and position
// agree again.

export type Level = AbstractLevel<string | Buffer | Uint8Array, Uint8Array, Uint8Array>;
export type LevelOpener = (folder: StateFolder) => Level;

export interface LevelOptions {
  /** Bytes of keys and values changed between two checkpoints. */
  readonly changedBytesMax?: number;
  /** By default classic-level in the folder. */
  readonly open?: LevelOpener;
}

const META_KEY = Uint8Array.of(0);
const ENTRY = 1;
const UNDO = 2;
const CRC_LENGTH = 4;
// 64 MB: one batch of LevelDB, written in about a second.
const CHANGED_BYTES_MAX = 64 * 1024 * 1024;

interface Meta {
  readonly sequence: number;
  readonly before: number;
  readonly count: number;
  readonly countBefore: number;
}

type Operation = { type: 'put'; key: Uint8Array; value: Uint8Array } | { type: 'del'; key: Uint8Array };

export function levelKeyValueStore(name: string, options: LevelOptions = {}): StoreBuilder {
  return { name, build: () => new LevelKeyValueStore(name, options) };
}

/** `get` throws `STATE_CORRUPT`; `put` throws `STATE_FULL` when more than `changedBytesMax` changed since the last checkpoint. */
export class LevelKeyValueStore implements KeyValueStore {
  readonly name: string;
  readonly #changedBytesMax: number;
  readonly #opener: LevelOpener;
  /** Undefined: deleted. */
  readonly #changes = new Map<string, Uint8Array | undefined>();
  #changedBytes = 0;
  #level: Level | undefined;
  #path = '';
  #meta: Meta = { sequence: 0, before: 0, count: 0, countBefore: 0 };
  #closed = false;

  constructor(name: string, options: LevelOptions = {}) {
    this.name = name;
    this.#changedBytesMax = options.changedBytesMax ?? CHANGED_BYTES_MAX;
    this.#opener = options.open ?? openClassicLevel;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const level = this.#open();
    const text = textOfKey(key);
    if (this.#changes.has(text)) return this.#changes.get(text)?.slice();
    const stored = prefixed(ENTRY, key);
    const value = level.getSync(stored);
    return value && this.#unseal(stored, value);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#change(key, value.slice());
  }

  delete(key: Uint8Array): void {
    this.#change(key, undefined);
  }

  async *entries(from?: Uint8Array, until?: Uint8Array): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    const level = this.#open();
    const changed = [...this.#changes.keys()].sort().filter((text) => isBetween(text, from, until));
    const bounds = {
      gte: from ? prefixed(ENTRY, from) : Uint8Array.of(ENTRY),
      lt: until ? prefixed(ENTRY, until) : Uint8Array.of(UNDO),
    };
    let next = 0;
    for await (const [stored, value] of level.iterator(bounds)) {
      const text = textOfKey(stored.subarray(1));
      for (; next < changed.length && (changed[next] as string) < text; next++) {
        yield* this.#changedEntry(changed[next] as string);
      }
      if (changed[next] === text) yield* this.#changedEntry(changed[next++] as string);
      else yield [stored.slice(1), this.#unseal(stored, value)];
    }
    for (; next < changed.length; next++) yield* this.#changedEntry(changed[next] as string);
  }

  async restore(folder: StateFolder, token: Uint8Array | undefined): Promise<void> {
    await this.#level?.close();
    this.#changes.clear();
    this.#changedBytes = 0;
    this.#path = folder.path;
    if (token === undefined) await folder.disk.removeFolder(folder.path);
    // LevelDB believes its tables, and ends the process where a key is too short.
    else if (this.#opener === openClassicLevel) await refuseDamaged(folder);
    const level = this.#opener(folder);
    await openLevel(level, folder.path);
    this.#level = level;
    if (token === undefined) {
      await level.clear();
      this.#meta = { sequence: 0, before: 0, count: 0, countBefore: 0 };
      return;
    }
    const sequence = new ByteReader(token).uvarint();
    this.#meta = await this.#readMeta(level);
    if (this.#meta.sequence !== sequence && this.#meta.before === sequence) await this.#undo(level);
    if (this.#meta.sequence !== sequence) {
      throw corruptState(this.#path, `it is at checkpoint ${this.#meta.sequence}, the manifest at ${sequence}`);
    }
    await this.#verify();
  }

  async checkpoint({ sequence }: CheckpointPosition): Promise<Uint8Array> {
    const level = this.#open();
    const operations: Operation[] = [];
    for await (const key of level.keys(range(UNDO))) operations.push({ type: 'del', key });
    let count = this.#meta.count;
    const texts = [...this.#changes.keys()];
    const keys = texts.map((text) => prefixed(ENTRY, keyOfText(text)));
    const olds = await level.getMany(keys);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as Uint8Array;
      const old = olds[i];
      const value = this.#changes.get(texts[i] as string);
      count += (value ? 1 : 0) - (old ? 1 : 0);
      operations.push(value ? { type: 'put', key, value: seal(key, value) } : { type: 'del', key });
      const undoKey = prefixed(UNDO, key.subarray(1));
      const undoValue = old ? prefixed(1, this.#unseal(key, old)) : Uint8Array.of(0);
      operations.push({ type: 'put', key: undoKey, value: seal(undoKey, undoValue) });
    }
    const meta: Meta = { sequence, before: this.#meta.sequence, count, countBefore: this.#meta.count };
    operations.push({ type: 'put', key: META_KEY, value: seal(META_KEY, encodeMeta(meta)) });
    await level.batch(operations, { sync: true } as object);
    this.#meta = meta;
    this.#changes.clear();
    this.#changedBytes = 0;
    const token = new ByteWriter(8);
    token.uvarint(sequence);
    return token.finish();
  }

  /** What a checkpoint replaced goes with the next one. */
  async settled(): Promise<void> {
    this.#open();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#changes.clear();
    await this.#level?.close();
  }

  #change(key: Uint8Array, value: Uint8Array | undefined): void {
    this.#open();
    const text = textOfKey(key);
    const held = this.#changes.get(text);
    const already = this.#changes.has(text);
    const bytes = this.#changedBytes + (value?.length ?? 0) - (held?.length ?? 0) + (already ? 0 : key.length);
    if (bytes > this.#changedBytesMax) {
      throw new TidemarkError(
        'STATE_FULL',
        `the store ${this.name} has ${bytes} bytes of changes since its last checkpoint, at most ${this.#changedBytesMax} are allowed: commit more often`,
        { store: this.name, limit: this.#changedBytesMax, bytes },
      );
    }
    this.#changedBytes = bytes;
    this.#changes.set(text, value);
  }

  *#changedEntry(text: string): Iterable<readonly [Uint8Array, Uint8Array]> {
    const value = this.#changes.get(text);
    if (value) yield [keyOfText(text), value.slice()];
  }

  async #readMeta(level: Level): Promise<Meta> {
    const value = await level.get(META_KEY);
    if (!value) throw corruptState(this.#path, 'its meta entry is not there');
    try {
      return decodeMeta(this.#unseal(META_KEY, value));
    } catch (error) {
      if (isTidemarkError(error, 'BYTES_MALFORMED')) throw corruptState(this.#path, 'its meta entry', error);
      throw error;
    }
  }

  async #undo(level: Level): Promise<void> {
    const operations: Operation[] = [];
    for await (const [undoKey, sealed] of level.iterator(range(UNDO))) {
      const old = this.#unseal(undoKey, sealed);
      const key = prefixed(ENTRY, undoKey.subarray(1));
      operations.push({ type: 'del', key: undoKey });
      operations.push(old[0] === 1 ? { type: 'put', key, value: seal(key, old.subarray(1)) } : { type: 'del', key });
    }
    const { before, countBefore } = this.#meta;
    this.#meta = { sequence: before, before, count: countBefore, countBefore };
    operations.push({ type: 'put', key: META_KEY, value: seal(META_KEY, encodeMeta(this.#meta)) });
    await level.batch(operations, { sync: true } as object);
  }

  async #verify(): Promise<void> {
    let count = 0;
    for await (const _entry of this.entries()) count++;
    if (count !== this.#meta.count) {
      throw corruptState(this.#path, `it has ${count} entries, its meta entry says ${this.#meta.count}`);
    }
  }

  #unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array {
    const end = sealed.length - CRC_LENGTH;
    if (end < 0 || new ByteReader(sealed, end).u32() !== crc32c(sealed, 0, end, crc32c(key))) {
      throw corruptState(this.#path, `the entry ${Buffer.from(key).toString('hex')} has a checksum that does not fit`);
    }
    return sealed.slice(0, end);
  }

  #open(): Level {
    if (this.#closed) throw new TidemarkError('STATE_CLOSED', `the store ${this.name} is closed`, { store: this.name });
    assert(this.#level !== undefined, 'a store is restored before it is used');
    return this.#level;
  }
}

/** Throws `STATE_NEEDS_FOLDER` on a disk that has no real folder. */
const openClassicLevel: LevelOpener = ({ disk, path }) => {
  if (!disk.nativePath) {
    throw new TidemarkError('STATE_NEEDS_FOLDER', `LevelDB does its own I/O and cannot live on this disk (${path})`, {
      path,
    });
  }
  const level = new ClassicLevel<Uint8Array, Uint8Array>(disk.nativePath(path), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  });
  // It is an AbstractLevel; whether tsc can tell depends on the order in which it looks at files.
  return level as unknown as Level;
};

async function refuseDamaged({ disk, path }: StateFolder): Promise<void> {
  const problem = await levelProblem(disk, path);
  if (problem !== undefined) throw corruptState(path, problem);
}

// Files that are gone, or lie on a bad place of the disk: LevelDB calls them I/O errors, or invalid arguments.
const DAMAGE = /no such file|does not exist|invalid argument|input\/output error/i;

async function openLevel(level: Level, path: string): Promise<void> {
  try {
    await level.open();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && (systemCode(cause) === 'LEVEL_CORRUPTION' || DAMAGE.test(cause.message))) {
      throw corruptState(path, cause.message, error);
    }
    throw error;
  }
}

function encodeMeta(meta: Meta): Uint8Array {
  const writer = new ByteWriter(32);
  for (const value of [meta.sequence, meta.before, meta.count, meta.countBefore]) writer.uvarint(value);
  return writer.finish();
}

function decodeMeta(bytes: Uint8Array): Meta {
  const reader = new ByteReader(bytes);
  return {
    sequence: reader.uvarint(),
    before: reader.uvarint(),
    count: reader.uvarint(),
    countBefore: reader.uvarint(),
  };
}

function prefixed(prefix: number, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 1);
  out[0] = prefix;
  out.set(bytes, 1);
  return out;
}

function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  const writer = new ByteWriter(value.length + CRC_LENGTH);
  writer.raw(value);
  writer.u32(crc32c(value, 0, value.length, crc32c(key)));
  return writer.view();
}

function range(prefix: number) {
  return { gte: Uint8Array.of(prefix), lt: Uint8Array.of(prefix + 1) };
}

function isBetween(text: string, from: Uint8Array | undefined, until: Uint8Array | undefined): boolean {
  return (from === undefined || text >= textOfKey(from)) && (until === undefined || text < textOfKey(until));
}
