import { type Disk, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import { lossName, parseLossName, QUARANTINE_FOLDER } from '../filename.ts';
import type { JournalMetrics } from './metrics.ts';

// Records that were acknowledged and cannot be read: what is left of their bytes is kept aside, and its name is the note by which answers
// warn from then on, over restarts, until somebody has dealt with it and removes the file.

export interface JournalLoss {
  /** Records `[from, to)`. */
  readonly from: number;
  readonly to: number;
}

/** Bytes of a file that cannot be read. */
export interface Piece {
  readonly number: number;
  readonly at: number;
  readonly bytes: Uint8Array;
}

interface LossParts {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly metrics: Pick<JournalMetrics, 'lost' | 'damagedBytes'>;
}

// More warnings than anyone reads, in every answer.
const WARNINGS_MAX = 8;

export class JournalLosses {
  readonly #parts: LossParts;
  readonly #losses = new Map<string, JournalLoss>();

  constructor(parts: LossParts) {
    this.#parts = parts;
  }

  /** In order, those of earlier starts too. */
  get all(): readonly JournalLoss[] {
    return [...this.#losses.values()].sort((a, b) => a.from - b.from || a.to - b.to);
  }

  /** Those that were kept aside and not removed. Throws `DISK_*`. */
  async recall(): Promise<void> {
    for (const name of await this.#parts.disk.list(QUARANTINE_FOLDER)) {
      const known = parseLossName(name);
      if (known !== undefined) this.#note(known);
    }
  }

  /** Bytes that nobody misses: what lay there is said elsewhere too, or was no record. */
  noteDamage(pieces: readonly Piece[]): void {
    for (const { number, at, bytes } of pieces) {
      this.#parts.metrics.damagedBytes.add(bytes.length);
      this.#parts.logger.error('the journal is damaged where no record is missed', { number, at, bytes: bytes.length });
    }
  }

  async add({ from, to }: JournalLoss, pieces: readonly Piece[], foundBefore: number): Promise<void> {
    const { disk, logger, metrics } = this.#parts;
    const known = this.#losses.has(keyOf({ from, to }));
    this.#note({ from, to });
    metrics.lost.add(to - from);
    // Without bytes, a whole file is missing; the note is kept all the same.
    for (const { number, at, bytes } of pieces.length > 0 ? pieces : [gone(foundBefore)]) {
      metrics.damagedBytes.add(bytes.length);
      const keptAs = lossName({ from, to, number, at });
      const facts = { from, to, number, at, bytes: bytes.length, keptAs };
      logger.error('records of the journal are lost: answers warn until what is kept aside is removed', facts);
      if (known && (await disk.exists(keptAs))) continue;
      try {
        await disk.makeFolder(QUARANTINE_FOLDER);
        await disk.writeAtomic(keptAs, bytes);
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        logger.error('what was damaged could not be kept aside', { keptAs, error: messageOf(error) });
      }
    }
  }

  warnings(): string[] {
    const { all } = this;
    const said = all.slice(0, WARNINGS_MAX).map(({ from, to }) => {
      const which = to - from === 1 ? `record ${from}` : `records ${from} to ${to - 1}`;
      return `journal: ${which} cannot be read, what they said is missing (${QUARANTINE_FOLDER}/journal-*)`;
    });
    if (all.length > said.length) said.push(`journal: ${all.length - said.length} more losses`);
    return said;
  }

  #note({ from, to }: JournalLoss): void {
    this.#losses.set(keyOf({ from, to }), { from, to });
  }
}

const keyOf = ({ from, to }: JournalLoss) => `${from} ${to}`;
const gone = (number: number): Piece => ({ number, at: 0, bytes: new Uint8Array(0) });
