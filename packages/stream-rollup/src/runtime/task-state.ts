import { type Disk, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import type { Position } from '@tidemark/log';
import { type Checkpoint, encodeCheckpoint, MANIFEST_NAME, readCheckpoint } from '../state/checkpoint.ts';
import type { StateStore } from '../state/store.ts';
import type { SubTopology } from '../topology/sub-topology.ts';

// The stores of a task, and the manifest that binds them to a position.
//
//   <folder>/checkpoint            the manifest
//   <folder>/<store>/...           each store's own files

export interface RestoredState {
  /** Undefined: the stores are empty, and where to begin is the log's business. */
  readonly checkpoint: Checkpoint | undefined;
  /** Set when there was state and it could not be used. */
  readonly lost: string | undefined;
}

/** A task that begins in this folder begins where its group stands on the log. */
export async function forgetState(disk: Disk, folder: string): Promise<void> {
  const manifest = `${folder}/${MANIFEST_NAME}`;
  if (await disk.exists(manifest)) await disk.remove(manifest);
}

export class TaskState {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #taskId: string;
  readonly stores: ReadonlyMap<string, StateStore>;
  #sequence = 0;

  constructor(disk: Disk, folder: string, taskId: string, sub: SubTopology) {
    this.#disk = disk;
    this.#folder = folder;
    this.#taskId = taskId;
    this.stores = new Map(sub.stores.map(({ builder }) => [builder.name, builder.build()]));
  }

  /** Brings back the last checkpoint; damaged state is put aside as a whole and said so, never used in part. */
  async restore(logger: Logger): Promise<RestoredState> {
    try {
      const checkpoint = await readCheckpoint(this.#disk, this.#folder, this.#taskId);
      await this.#restoreStores(checkpoint);
      this.#sequence = checkpoint?.sequence ?? 0;
      return { checkpoint, lost: undefined };
    } catch (error) {
      if (!isTidemarkError(error, 'STATE_CORRUPT')) throw error;
      const lost = messageOf(error);
      logger.error('state is lost and is rebuilt from the log', { task: this.#taskId, because: lost });
      await this.#disk.remove(`${this.#folder}/${MANIFEST_NAME}`);
      await this.#restoreStores(undefined);
      return { checkpoint: undefined, lost };
    }
  }

  /** Everything durable, the manifest last. */
  async checkpoint(positions: readonly Position[], streamTimeMs: number): Promise<void> {
    const sequence = this.#sequence + 1;
    const tokens = new Map<string, Uint8Array>();
    for (const [name, store] of this.stores) tokens.set(name, await store.checkpoint({ sequence }));
    const bytes = encodeCheckpoint({ taskId: this.#taskId, sequence, streamTimeMs, positions, tokens });
    await this.#disk.writeAtomic(`${this.#folder}/${MANIFEST_NAME}`, bytes);
    this.#sequence = sequence;
    for (const store of this.stores.values()) await store.settled();
  }

  /** The least offset any store needs the log to keep, and no more than `position`. */
  replayFrom(position: number): number {
    let from = position;
    for (const store of this.stores.values()) from = Math.min(from, store.replayFrom?.() ?? position);
    return from;
  }

  async close(): Promise<void> {
    for (const store of this.stores.values()) await store.close();
  }

  async #restoreStores(checkpoint: Checkpoint | undefined): Promise<void> {
    for (const [name, store] of this.stores) {
      const folder = { disk: this.#disk, path: `${this.#folder}/${name}` };
      await store.restore(folder, checkpoint?.tokens.get(name));
    }
  }
}
