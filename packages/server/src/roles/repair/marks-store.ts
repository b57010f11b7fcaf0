import { type Clock, type Disk, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import type { RowBatch } from '@tidemark/model';
import { Marks } from './marks.ts';
import { decodeMarks, encodeMarks, type MarksPosition } from './marks-file.ts';

// Marks, and the file that brings them through a crash.
//
//   save(positions) --> file durable --> engine's checkpoint --> log's commit: no further than the file
//
// What the file lacks is in the log behind its positions, and is read again from there.

/** In `repair/` of the data folder. */
export const REPAIRS_FILE = 'repair-marks';
// The log keeps what is not saved; a minute of rows is little.
const SAVE_AT_LEAST_EVERY_MS = 60_000;

export class MarksStore {
  readonly marks = new Marks();
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #saved = new Map<string, number>();
  #savedVersion = -1;
  #savedAtMs = Number.NEGATIVE_INFINITY;

  private constructor(disk: Disk, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
  }

  /** A damaged file is said so and left behind: hours it named keep the rows they have until they are marked again. */
  static async open(disk: Disk, clock: Clock, logger: Logger): Promise<MarksStore> {
    const store = new MarksStore(disk, clock);
    try {
      if (await disk.exists(REPAIRS_FILE)) store.#load(await disk.read(REPAIRS_FILE));
    } catch (error) {
      if (!isTidemarkError(error, 'REPAIR_MARKS_CORRUPT')) throw error;
      logger.error('marks for repairs are lost', { error: messageOf(error) });
    }
    return store;
  }

  #load(bytes: Uint8Array): void {
    const { positions, hours } = decodeMarks(bytes);
    this.marks.load(hours, this.#clock.nowMs());
    for (const position of positions) this.#saved.set(keyOf(position), position.offset);
  }

  /** Below it the file has every mark. Undefined when it does not know. */
  position(of: { readonly topic: string; readonly partition: number }): number | undefined {
    return this.#saved.get(keyOf(of));
  }

  /** The log is another one, and ends before this: what the file says of its records means nothing. */
  forget(): void {
    for (const hour of [...this.marks.all()]) this.marks.drop(hour);
    this.#saved.clear();
  }

  add(partition: number, batch: RowBatch): void {
    this.marks.add(partition, batch, this.#clock.nowMs());
  }

  /** Requires: every mark below the positions was added. */
  async save(positions: readonly MarksPosition[]): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const { version } = this.marks;
    const isNew = positions.some((position) => !this.#saved.has(keyOf(position)));
    if (!isNew && version === this.#savedVersion && nowMs < this.#savedAtMs + SAVE_AT_LEAST_EVERY_MS) return;
    await this.#disk.writeAtomic(REPAIRS_FILE, encodeMarks({ positions, hours: this.marks.all() }));
    for (const position of positions) this.#saved.set(keyOf(position), position.offset);
    this.#savedVersion = version;
    this.#savedAtMs = nowMs;
  }
}

function keyOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}
