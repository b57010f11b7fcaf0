import { messageOf } from '@tidemark/base';
import type { ClassicLevel } from 'classic-level';
import { storageError } from '../errors.ts';
import type { LevelStore, LevelWrite } from './level-store.ts';

/** A database of the Level family as our port. Writes are synced: classic-level then fsyncs its log. */
export class AbstractLevelStore implements LevelStore {
  readonly #level: ClassicLevel<Uint8Array, Uint8Array>;
  readonly #name: string;

  constructor(level: ClassicLevel<Uint8Array, Uint8Array>, name: string) {
    this.#level = level;
    this.#name = name;
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    try {
      return await this.#level.getMany([...keys]);
    } catch (error) {
      throw levelError(this.#name, error);
    }
  }

  async write(batch: readonly LevelWrite[]): Promise<void> {
    try {
      await this.#level.batch(
        batch.map(({ key, value }) =>
          value === null ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
        ),
        { sync: true },
      );
    } catch (error) {
      throw levelError(this.#name, error);
    }
  }

  async *entries(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    try {
      for await (const entry of this.#level.iterator({ gte: from, lt: to })) yield entry;
    } catch (error) {
      throw levelError(this.#name, error);
    }
  }

  async *keys(from: Uint8Array, to: Uint8Array): AsyncIterable<Uint8Array> {
    try {
      for await (const key of this.#level.keys({ gte: from, lt: to })) yield key;
    } catch (error) {
      throw levelError(this.#name, error);
    }
  }

  close(): Promise<void> {
    return this.#level.close();
  }
}

// What LevelDB, or the system through it, says of files that are gone, cut short, or lie on a bad place of the disk: it calls all of
// these I/O errors, or invalid arguments.
const DAMAGE = /no such file|does not exist|invalid argument|input\/output error|is a directory|too short|bad magic/i;

/**
 * What LevelDB says is damage (`WINDOW_CORRUPT`: lasting, lived with) is told apart from what may pass (`STORAGE_IO`: a full
 * disk, a lock, too many open files), for which nothing may ever be given up.
 */
export function levelError(name: string, error: unknown): Error {
  const reasons = [error, error instanceof Error ? error.cause : undefined].filter(Boolean).map(messageOf);
  const corrupt = codes(error).includes('LEVEL_CORRUPTION') || reasons.some((reason) => DAMAGE.test(reason));
  const code = corrupt ? 'WINDOW_CORRUPT' : 'STORAGE_IO';
  return storageError(code, `LevelDB of window ${name}: ${reasons.join(': ')}`, { name }, error);
}

function codes(error: unknown): unknown[] {
  if (!(error instanceof Error)) return [];
  return [(error as { code?: unknown }).code, ...codes(error.cause)];
}
