import { type Clock, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { JournalFiles } from './files.ts';
import { FRAME_HEADER_BYTES, type FrameToWrite, KIND } from './format.ts';
import type { JournalMetrics } from './metrics.ts';
import type { JournalOptions } from './options.ts';
import { encodeRecord, type JournalRecord } from './record.ts';

// Whoever comes while the disk is busy goes together with the next write; what is on disk is applied in order, then acknowledged.
//
//   append    a      b c d        e
//   disk      [a]    [b c d]      [e]     ..silence..  [mark]
//   engine       a          b c d     e
//
// What is on disk and cannot be applied yet (the engine has no room and no checkpoint succeeds) holds up all that follows: nothing is
// written before it is in.

export interface JournalParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: JournalOptions;
  readonly metrics: Pick<JournalMetrics, 'refused'>;
  readonly files: JournalFiles;
  /** The sequence of the first record to come. */
  readonly next: number;
  /** Applies what is on disk. Throws what stands in the way; it is asked again then. */
  readonly apply: (sequence: number, record: JournalRecord) => Promise<void>;
}

interface Waiting {
  readonly record: JournalRecord;
  readonly body: Uint8Array;
  readonly written: (sequence: number) => void;
  readonly failed: (error: unknown) => void;
}

export class Journal {
  readonly #parts: JournalParts;
  #queue: Waiting[] = [];
  #waitingBytes = 0;
  #next: number;
  /** On disk, not applied. */
  readonly #unapplied: { readonly sequence: number; readonly one: Waiting }[] = [];
  #running: Promise<void> | undefined;
  #cancelMark: (() => void) | undefined;
  #unmarked = false;
  #closed = false;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#next = parts.next;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Resolves with the record's sequence when it is on disk and applied. Throws `JOURNAL_RECORD_TOO_LARGE`, `STORAGE_OVERLOADED`,
   * `STORAGE_CLOSED`: it is not there; `JOURNAL_FAILED`, `DISK_*` and what stands in the way of applying it: it may be there at the next
   * start.
   */
  append(record: JournalRecord): Promise<number> {
    if (this.#closed) throw storageError('STORAGE_CLOSED', 'the storage engine is closed');
    const body = encodeRecord(record);
    this.#admit(body.length + FRAME_HEADER_BYTES);
    return new Promise((written, failed) => {
      this.#queue.push({ record, body, written, failed });
      this.#waitingBytes += body.length + FRAME_HEADER_BYTES;
      this.#running ??= this.#run();
    });
  }

  /** Waits for all that was given, says that it is on disk, and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelMark?.();
    while (this.#running !== undefined) await this.#running;
    await this.#mark();
    await this.#parts.files.close();
  }

  #admit(bytes: number): void {
    const { options, files, metrics } = this.#parts;
    const { recordBytesMax, waitingBytesMax, bytesMax } = options;
    const refuse = (reason: string, code: string, what: string, value: number, limit: number) => {
      metrics.refused.with(reason).add();
      throw storageError(code, `${what}: ${value} bytes; the limit is ${limit}`, { value, limit });
    };
    const oneMax = Math.min(recordBytesMax, waitingBytesMax, bytesMax);
    if (bytes > oneMax) refuse('too_large', 'JOURNAL_RECORD_TOO_LARGE', 'one record is too large', bytes, oneMax);
    if (this.#waitingBytes + bytes > waitingBytesMax)
      refuse('waiting', 'STORAGE_OVERLOADED', 'too much waits for the disk', this.#waitingBytes, waitingBytesMax);
    // The current file goes when the next has begun.
    if (files.bytesBefore + this.#waitingBytes + bytes > bytesMax)
      refuse('full', 'STORAGE_OVERLOADED', 'the journal is full, two checkpoints empty it', files.bytes, bytesMax);
  }

  async #run(): Promise<void> {
    // Those of this turn go together already.
    await Promise.resolve();
    this.#cancelMark?.();
    while (this.#queue.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.#applyAll();
        await this.#write(group);
      } catch (error) {
        for (const { failed } of group) failed(error);
      }
      for (const { body } of group) this.#waitingBytes -= body.length + FRAME_HEADER_BYTES;
    }
    // In the same turn as the last look at the queue: whoever comes next starts anew.
    this.#running = undefined;
    if (this.#unmarked && !this.#closed) this.#markLater();
  }

  /** A failure after it was written is told to each that it concerns. */
  async #write(group: readonly Waiting[]): Promise<void> {
    const frames = group.map(({ record, body }, i) => ({ kind: record.kind, sequence: this.#next + i, body }));
    await this.#parts.files.write(frames);
    this.#next += group.length;
    this.#unmarked = true;
    for (const [i, one] of group.entries()) this.#unapplied.push({ sequence: frames[i]?.sequence as number, one });
    await this.#applyAll();
  }

  async #applyAll(): Promise<void> {
    for (let first = this.#unapplied[0]; first !== undefined; first = this.#unapplied[0]) {
      const { sequence, one } = first;
      await this.#parts.apply(sequence, one.record);
      this.#unapplied.shift();
      one.written(sequence);
    }
  }

  #takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length) {
      bytes += (this.#queue[count] as Waiting).body.length;
      if (count > 0 && bytes > this.#parts.options.groupBytesMax) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #markLater(): void {
    this.#cancelMark = this.#parts.clock.after(this.#parts.options.markAfterMs, () => {
      this.#running ??= this.#mark().finally(() => {
        this.#running = undefined;
        if (this.#queue.length > 0) this.#running = this.#run();
      });
    });
  }

  /** Without it the next start cannot tell damage of the last group from a torn write; nothing else depends on it. */
  async #mark(): Promise<void> {
    if (!this.#unmarked || this.#parts.files.failed) return;
    const mark: FrameToWrite = { kind: KIND.mark, sequence: this.#next, body: new Uint8Array(0) };
    try {
      await this.#parts.files.write([mark]);
      this.#unmarked = false;
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      this.#parts.logger.warn('no mark could be written', { error: messageOf(error) });
    }
  }
}
