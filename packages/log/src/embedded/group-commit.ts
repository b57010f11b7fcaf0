import { type Clock, isTidemarkError, type Logger, messageOf, TidemarkError } from '@tidemark/base';
import { fromDisk } from './faults.ts';
import { Kind } from './format.ts';
import type { FrameToWrite, Journal } from './journal.ts';
import type { LogMetrics } from './metrics.ts';
import type { EmbeddedLogOptions } from './options.ts';
import type { FrameAt } from './partition-index.ts';
import { holdsRecords } from './transaction-body.ts';

// Whoever comes while the disk is busy goes together with the next write.
//
//   appends    a     b c d        e f
//   disk       [a sync][b c d sync][e f sync]  ..5 s of silence..    [mark sync]
//
// One write at a time; what waits is bounded by whoever submits (inFlightBytesMax).

export interface Submission {
  readonly kind: Kind;
  readonly bytes: number;
  /** Its turn has come; turns come in the order of submission. */
  encode(): readonly Uint8Array[];
  /** It is on disk. */
  written(at: FrameAt): void;
  /** It is not. Whatever `encode` gave out is void, as is that of all others in the group. */
  failed(error: TidemarkError): void;
}

export interface GroupCommitParts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: LogMetrics;
  readonly options: EmbeddedLogOptions;
  /** Positions that changed, to go first in the group. */
  readonly positions: () => Submission | undefined;
  /** Begins the next file. */
  readonly roll: () => Promise<void>;
  /** After each group, for whoever waits for records. */
  readonly onGroup: () => void;
}

export class GroupCommit {
  readonly #parts: GroupCommitParts;
  #queue: Submission[] = [];
  #running: Promise<void> | undefined;
  #unmarked: boolean;
  #cancelMark: (() => void) | undefined;
  #stopped = false;
  /** Changed positions are to be written even if nobody appends. */
  #flush = false;

  /** `unmarked`: the journal does not end with a mark. */
  constructor(parts: GroupCommitParts, unmarked: boolean) {
    this.#parts = parts;
    this.#unmarked = unmarked;
  }

  submit(submission: Submission): void {
    this.#queue.push(submission);
    this.#start();
  }

  /** Writes one frame and syncs it. `encode` is called when its turn has come. */
  write(kind: Kind, encode: () => Uint8Array, onWritten?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.submit({
        kind,
        bytes: 0,
        encode: () => [encode()],
        written() {
          onWritten?.();
          resolve();
        },
        failed: reject,
      });
    });
  }

  /** Writes changed positions now; resolves when they are on disk or could not be written. */
  async flush(): Promise<void> {
    this.#flush = true;
    this.#start();
    await this.idle();
  }

  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Says that all before was on disk, if nothing says so yet. */
  async mark(): Promise<void> {
    await this.idle();
    if (!this.#unmarked) return;
    this.submit(mark(this.#parts.logger));
    await this.idle();
  }

  /** No more marks by themselves. */
  stop(): void {
    this.#stopped = true;
    this.#cancelMark?.();
  }

  #start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Those that are submitted in this turn go together already.
    await Promise.resolve();
    this.#cancelMark?.();
    try {
      while (this.#queue.length > 0 || this.#flush) await this.#writeGroup();
    } finally {
      // In the same turn as the last look at the queue: whoever submits next starts anew.
      this.#running = undefined;
    }
    if (this.#unmarked && !this.#stopped) {
      this.#cancelMark = this.#parts.clock.after(this.#parts.options.markAfterMs, () => void this.mark());
    }
  }

  async #writeGroup(): Promise<void> {
    const { journal, metrics, onGroup, positions, roll } = this.#parts;
    const group = this.#takeGroup();
    this.#flush = false;
    if (group.length === 0 && !positions()) return;
    try {
      if (journal.isFull) await roll();
      const changed = positions();
      if (changed) group.unshift(changed);
      const frames = group.map((submission): FrameToWrite => ({ kind: submission.kind, body: submission.encode() }));
      const places = await journal.write(frames);
      for (const [i, submission] of group.entries()) submission.written(places[i] as FrameAt);
      metrics.groupAppends.observe(group.filter(({ kind }) => holdsRecords(kind)).length);
      this.#unmarked = group.at(-1)?.kind !== Kind.mark;
    } catch (error) {
      this.#fail(group, error);
    }
    onGroup();
  }

  #fail(group: readonly Submission[], error: unknown): void {
    const fault = isTidemarkError(error) ? error : fromDisk(error, 'append');
    for (const submission of group) {
      // Each caller gets an error of its own, with its own stack below.
      submission.failed(new TidemarkError(fault.code, fault.message, fault.details, fault));
    }
  }

  #takeGroup(): Submission[] {
    const { batchBytesMax } = this.#parts.options;
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length) {
      bytes += (this.#queue[count] as Submission).bytes;
      if (count > 0 && bytes > batchBytesMax) break;
      count++;
    }
    const group = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    return group;
  }
}

function mark(logger: Logger): Submission {
  return {
    kind: Kind.mark,
    bytes: 0,
    encode: () => [],
    written: () => undefined,
    failed: (error) => logger.debug('no mark written', { reason: messageOf(error) }),
  };
}
