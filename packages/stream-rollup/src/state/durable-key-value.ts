import { assert } from '@tidemark/base';
import type { KeyValueStore } from './key-value.ts';
import { LevelKeyValueStore } from './level-key-value.ts';
import { MemoryKeyValueStore } from './memory-key-value.ts';
import type { CheckpointPosition, StateFolder, StateStore } from './store.ts';

// What typed stores are made of: a key-value store of bytes on whatever disk the task has. LevelDB where the disk is a real folder;
// where it is not (a simulated disk in a test) a map that is written whole, as durable and as checked.

export type KeyValueKind = 'level' | 'memory';

export abstract class OverKeyValue implements StateStore {
  readonly name: string;
  readonly #kind: KeyValueKind;
  #inner: KeyValueStore | undefined;

  constructor(name: string, kind: KeyValueKind) {
    this.name = name;
    this.#kind = kind;
  }

  protected get bytes(): KeyValueStore {
    assert(this.#inner !== undefined, 'a store is restored before it is used');
    return this.#inner;
  }

  async restore(folder: StateFolder, token: Uint8Array | undefined): Promise<void> {
    await this.#inner?.close();
    const onFiles = this.#kind === 'level' && folder.disk.nativePath !== undefined;
    this.#inner = onFiles ? new LevelKeyValueStore(this.name) : new MemoryKeyValueStore(this.name);
    await this.#inner.restore(folder, token);
  }

  checkpoint(position: CheckpointPosition): Promise<Uint8Array> {
    return this.bytes.checkpoint(position);
  }

  settled(): Promise<void> {
    return this.bytes.settled();
  }

  async close(): Promise<void> {
    await this.#inner?.close();
  }
}
