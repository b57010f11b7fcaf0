import type { ClassicLevel } from 'classic-level';
import type { LevelStore, LevelWrite } from './level-store.ts';

/** A database of the Level family as our port. Writes are synced: classic-level then fsyncs its log. */
export class AbstractLevelStore implements LevelStore {
  readonly #level: ClassicLevel<Uint8Array, Uint8Array>;

  constructor(level: ClassicLevel<Uint8Array, Uint8Array>) {
    this.#level = level;
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#level.getMany([...keys]);
  }

  async write(batch: readonly LevelWrite[]): Promise<void> {
    await this.#level.batch(
      batch.map(({ key, value }) =>
        value === null ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
      ),
      { sync: true },
    );
  }

  async *entries(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    for await (const entry of this.#level.iterator({ gte: from, lt: to })) yield entry;
  }

  async *keys(from: Uint8Array, to: Uint8Array): AsyncIterable<Uint8Array> {
    for await (const key of this.#level.keys({ gte: from, lt: to })) yield key;
  }

  close(): Promise<void> {
    return this.#level.close();
  }
}
