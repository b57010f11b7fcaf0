import { type Clock, type Logger, messageOf } from '@tidemark/base';
import { positionLost } from '../errors.ts';
import type { Position, ReaderOptions, TopicPartition } from '../log.ts';
import type { Catalog } from './catalog.ts';
import { encodePositions, type PositionChange } from './control-body.ts';
import { Kind } from './format.ts';
import type { Submission } from './group-commit.ts';
import type { EmbeddedLogOptions } from './options.ts';
import type { Partition } from './partition.ts';
import { positionAt } from './positions.ts';

// Positions as the log's users speak of them, and their way into the journal: with whatever is written next, or after
// positionsAfterMs.

export interface PositionKeeperParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: EmbeddedLogOptions;
  /** Writes what changed now, even if nobody appends. */
  readonly flush: () => void;
}

export class PositionKeeper {
  readonly #parts: PositionKeeperParts;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(parts: PositionKeeperParts) {
    this.#parts = parts;
  }

  /** No more writing by itself. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  committed(group: string, partitions: readonly TopicPartition[]): Position[] {
    const { catalog } = this.#parts;
    return partitions.flatMap((at) => {
      const held = catalog.positions.get(group, catalog.partition(at));
      return held?.committed ? [positionAt(at, held.offset)] : [];
    });
  }

  /** Throws what `commit` would throw. */
  check(group: string, positions: readonly Position[]): void {
    this.#checked(positions);
    this.#parts.catalog.positions.mayAdd(group);
  }

  /** All of them, or none. Throws `LOG_POSITION_LOST`, `LOG_TOO_MANY_GROUPS`. */
  commit(group: string, positions: readonly Position[]): void {
    const { catalog } = this.#parts;
    const checked = this.#checked(positions);
    for (const { partition, offset } of checked) catalog.positions.set(group, partition, { offset, committed: true });
    this.#changed();
  }

  /** From now on the group holds bytes back: from these positions, where it has none yet. */
  register(group: string, positions: readonly (TopicPartition & { readonly offset?: number })[]): void {
    const { catalog } = this.#parts;
    for (const at of positions) {
      const partition = catalog.partition(at);
      if (catalog.positions.get(group, partition)) continue;
      catalog.positions.set(group, partition, { offset: at.offset ?? partition.start, committed: false });
    }
    this.#changed();
  }

  forget(group: string): void {
    this.#parts.catalog.positions.forget(group);
    this.#changed();
  }

  /** The offset that a reader's wish comes to. */
  resolve(group: string, partition: Partition, offset: ReaderOptions['from'][number]['offset']): number {
    switch (offset) {
      case 'earliest':
        return partition.start;
      case 'latest':
        return partition.end;
      case 'committed': {
        const held = this.#parts.catalog.positions.get(group, partition);
        return held?.committed ? held.offset : partition.start;
      }
      default:
        return offset;
    }
  }

  /** What the next group has to say, to go first in it. */
  toWrite(): Submission | undefined {
    const { positions } = this.#parts.catalog;
    if (!positions.isDirty) return undefined;
    this.#cancel?.();
    this.#cancel = undefined;
    let changes: PositionChange[] = [];
    return {
      kind: Kind.positions,
      bytes: 0,
      encode: () => {
        changes = positions.takeChanges();
        return [encodePositions(changes)];
      },
      written: () => positions.becameDurable(changes),
      failed: (error) => {
        positions.giveBack(changes);
        this.#parts.logger.debug('positions not written yet', { reason: messageOf(error) });
        if (!this.#stopped) this.#changed();
      },
    };
  }

  #changed(): void {
    if (this.#cancel || !this.#parts.catalog.positions.isDirty) return;
    this.#cancel = this.#parts.clock.after(this.#parts.options.positionsAfterMs, () => {
      this.#cancel = undefined;
      this.#parts.flush();
    });
  }

  /** Throws `LOG_POSITION_LOST`. */
  #checked(positions: readonly Position[]): { readonly partition: Partition; readonly offset: number }[] {
    return positions.map((position) => {
      const partition = this.#parts.catalog.partition(position);
      const { start, end } = partition.bounds();
      if (position.offset > end || position.offset < 0) throw positionLost(position, position.offset, start, end);
      return { partition, offset: position.offset };
    });
  }
}
