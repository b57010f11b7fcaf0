import { assert, ByteReader, ByteWriter, TidemarkError } from '@tidemark/base';
import { type KeyValueStore, keyOfText, textOfKey } from './key-value.ts';
import { beginStateFile, corruptState, FILE_KIND, readStateFile, sealStateFile } from './state-file.ts';
import type { CheckpointPosition, StateFolder, StoreBuilder } from './store.ts';

// A map in memory, written whole at every checkpoint: for state of some megabytes. Larger state belongs in LevelDB.
//
//   entries := sequence uvarint | count uvarint | (key bytes, value bytes)*        in key order
//   token   := sequence uvarint                                                    the file is entries-<sequence>

// 256 MB of keys and values: written within a second at each checkpoint, and far from what a process dies of.
const BYTES_MAX = 256 * 1024 * 1024;

export function memoryKeyValueStore(name: string, bytesMax: number = BYTES_MAX): StoreBuilder {
  return { name, build: () => new MemoryKeyValueStore(name, bytesMax) };
}

/** `put` throws `STATE_FULL` above `bytesMax`. */
export class MemoryKeyValueStore implements KeyValueStore {
  readonly name: string;
  readonly #bytesMax: number;
  readonly #entries = new Map<string, Uint8Array>();
  #bytes = 0;
  #folder: StateFolder | undefined;
  /** The file the last token stands for. */
  #kept = '';
  #closed = false;

  constructor(name: string, bytesMax: number = BYTES_MAX) {
    this.name = name;
    this.#bytesMax = bytesMax;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#mustBeOpen();
    return this.#entries.get(textOfKey(key))?.slice();
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#mustBeOpen();
    const text = textOfKey(key);
    const before = this.#entries.get(text);
    const bytes = this.#bytes + value.length + (before ? -before.length : key.length);
    if (bytes > this.#bytesMax) {
      throw new TidemarkError('STATE_FULL', `the store ${this.name} would hold more than ${this.#bytesMax} bytes`, {
        store: this.name,
        limit: this.#bytesMax,
        bytes,
      });
    }
    this.#bytes = bytes;
    this.#entries.set(text, value.slice());
  }

  delete(key: Uint8Array): void {
    this.#mustBeOpen();
    const text = textOfKey(key);
    const before = this.#entries.get(text);
    if (!before) return;
    this.#bytes -= before.length + key.length;
    this.#entries.delete(text);
  }

  async *entries(from?: Uint8Array, until?: Uint8Array): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    this.#mustBeOpen();
    const low = from && textOfKey(from);
    const high = until && textOfKey(until);
    for (const text of [...this.#entries.keys()].sort()) {
      if (low !== undefined && text < low) continue;
      if (high !== undefined && text >= high) break;
      yield [keyOfText(text), (this.#entries.get(text) as Uint8Array).slice()];
    }
  }

  async restore(folder: StateFolder, token: Uint8Array | undefined): Promise<void> {
    this.#folder = folder;
    this.#entries.clear();
    this.#bytes = 0;
    if (token === undefined) return;
    const sequence = new ByteReader(token).uvarint();
    this.#kept = `entries-${sequence}`;
    const path = `${folder.path}/${this.#kept}`;
    await readStateFile(folder.disk, path, FILE_KIND.entries, (reader) => {
      if (reader.uvarint() !== sequence) throw corruptState(path, 'it is the file of another checkpoint');
      this.#decode(reader);
    });
  }

  async checkpoint({ sequence }: CheckpointPosition): Promise<Uint8Array> {
    this.#mustBeOpen();
    const { disk, path } = this.#restored();
    await disk.writeAtomic(`${path}/entries-${sequence}`, this.#encode(sequence));
    this.#kept = `entries-${sequence}`;
    const token = new ByteWriter(8);
    token.uvarint(sequence);
    return token.finish();
  }

  async settled(): Promise<void> {
    const { disk, path } = this.#restored();
    for (const name of await disk.list(path)) if (name !== this.#kept) await disk.remove(`${path}/${name}`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#entries.clear();
  }

  #encode(sequence: number): Uint8Array {
    const writer = beginStateFile(FILE_KIND.entries, this.#bytes + this.#entries.size * 8);
    writer.uvarint(sequence);
    writer.uvarint(this.#entries.size);
    for (const text of [...this.#entries.keys()].sort()) {
      writer.lengthPrefixed(keyOfText(text));
      writer.lengthPrefixed(this.#entries.get(text) as Uint8Array);
    }
    return sealStateFile(writer);
  }

  #decode(reader: ByteReader): void {
    for (let left = reader.count(2); left > 0; left--) {
      const key = reader.lengthPrefixed();
      this.put(key, reader.lengthPrefixed());
    }
  }

  #restored(): StateFolder {
    assert(this.#folder !== undefined, 'a store is restored before it is used');
    return this.#folder;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new TidemarkError('STATE_CLOSED', `the store ${this.name} is closed`, { store: this.name });
  }
}
