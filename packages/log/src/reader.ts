import { assert, type Clock, must } from '@tidemark/base';
import { closed, positionLost } from './errors.ts';
import type {
  FetchedRecords,
  FetchOptions,
  LogReader,
  LogRecord,
  PartitionBounds,
  Position,
  TopicPartition,
} from './log.ts';

// A reader over partitions that live in this process: the embedded log's and the simulated log's.
//
//   fetch:  collect from each partition in turn -> something? hand it out
//                     ^                         -> nothing?  park until an append, a seek, a resume, the time, an abort
//                     +--------------------------------------+
//
// Nothing polls. A seek or pause while records are being read from disk discards what was read.

export interface Slice {
  readonly records: readonly LogRecord[];
  readonly nextOffset: number;
}

export interface PartitionSource {
  readonly at: TopicPartition;
  bounds(): PartitionBounds;
  /**
   * Records from `position` on; requires start <= position < end. Soft limit: at least one record, or an empty slice whose
   * nextOffset is past `position` where nothing is left (compacted away).
   */
  read(position: number, maxBytes: number): Slice | Promise<Slice>;
  /** Calls `wake` after each append, until the returned function is called. */
  watch(wake: () => void): () => void;
}

interface Assigned {
  readonly source: PartitionSource;
  position: number;
  paused: boolean;
}

export class PartitionReader implements LogReader {
  readonly #clock: Clock;
  readonly #assigned: readonly Assigned[];
  readonly #onClose: () => void;
  #turn = 0;
  #fetching = false;
  #closed = false;
  /** Ends the park under way. */
  #wake: (() => void) | undefined;

  constructor(
    clock: Clock,
    assigned: readonly { readonly source: PartitionSource; readonly position: number }[],
    onClose: () => void,
  ) {
    this.#clock = clock;
    this.#assigned = assigned.map(({ source, position }) => ({ source, position, paused: false }));
    this.#onClose = onClose;
  }

  async fetch(options: FetchOptions): Promise<readonly FetchedRecords[]> {
    this.#mustBeOpen();
    assert(!this.#fetching, 'a reader fetches once at a time');
    options.signal?.throwIfAborted();
    this.#fetching = true;
    try {
      const fetched = await this.#collect(options.maxBytes);
      if (fetched.length > 0 || options.maxWaitMs <= 0) return fetched;
      return await this.#collectWhenThere(options);
    } finally {
      this.#fetching = false;
    }
  }

  seek(position: Position): void {
    this.#mustBeOpen();
    this.#of(position).position = position.offset;
    this.#wake?.();
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#mustBeOpen();
    for (const at of partitions) this.#of(at).paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#mustBeOpen();
    for (const at of partitions) this.#of(at).paused = false;
    this.#wake?.();
  }

  positions(): readonly Position[] {
    this.#mustBeOpen();
    return this.#assigned.map(({ source, position }) => ({ ...source.at, offset: position }));
  }

  /** Moves back by up to `records` offsets, as a log does that forgot how far this reader was. */
  rewind(records: number): void {
    for (const assigned of this.#assigned) {
      assigned.position = Math.max(
        Math.min(assigned.source.bounds().start, assigned.position),
        assigned.position - records,
      );
    }
  }

  /** Twice is fine. A fetch under way ends with LOG_CLOSED. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake?.();
    this.#onClose();
  }

  async #collect(maxBytes: number): Promise<FetchedRecords[]> {
    const out: FetchedRecords[] = [];
    let left = maxBytes;
    const count = this.#assigned.length;
    const first = this.#turn;
    this.#turn = count === 0 ? 0 : (first + 1) % count;
    for (let i = 0; i < count && (left > 0 || out.length === 0); i++) {
      const assigned = this.#assigned[(first + i) % count] as Assigned;
      let slice: Slice | undefined;
      try {
        slice = await this.#readOne(assigned, left);
      } catch (error) {
        // What was read before is handed out first: its positions have moved. The next fetch meets the error again.
        if (out.length > 0 && !this.#closed) return out;
        throw error;
      }
      if (!slice) continue;
      out.push({ ...assigned.source.at, records: slice.records, nextOffset: slice.nextOffset });
      for (const record of slice.records) left -= (record.key?.length ?? 0) + (record.value?.length ?? 0);
    }
    return out;
  }

  async #readOne(assigned: Assigned, maxBytes: number): Promise<Slice | undefined> {
    const { source, position } = assigned;
    if (assigned.paused) return undefined;
    const { start, end } = source.bounds();
    if (position < start || position > end) throw positionLost(source.at, position, start, end);
    if (position === end) return undefined;
    const reading = source.read(position, maxBytes);
    const slice = reading instanceof Promise ? await reading : reading;
    this.#mustBeOpen();
    if (assigned.paused || assigned.position !== position) return undefined;
    assert(slice.nextOffset > position, 'a read moves forward');
    assigned.position = slice.nextOffset;
    return slice;
  }

  async #collectWhenThere(options: FetchOptions): Promise<readonly FetchedRecords[]> {
    let timedOut = false;
    let woken = true;
    let release: (() => void) | undefined;
    const wake = () => {
      woken = true;
      release?.();
    };
    this.#wake = wake;
    const cancelTimer = this.#clock.after(options.maxWaitMs, () => {
      timedOut = true;
      wake();
    });
    const unwatch = this.#assigned.map(({ source }) => source.watch(wake));
    options.signal?.addEventListener('abort', wake);
    try {
      for (;;) {
        this.#mustBeOpen();
        options.signal?.throwIfAborted();
        // Woken or not yet parked: something may have come between the first look and the watch.
        woken = false;
        const fetched = await this.#collect(options.maxBytes);
        if (fetched.length > 0 || timedOut) return fetched;
        if (woken) continue;
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        release = undefined;
      }
    } finally {
      this.#wake = undefined;
      cancelTimer();
      for (const stop of unwatch) stop();
      options.signal?.removeEventListener('abort', wake);
    }
  }

  #of(at: TopicPartition): Assigned {
    return must(
      this.#assigned.find(({ source }) => source.at.topic === at.topic && source.at.partition === at.partition),
      `the reader was opened on ${at.topic}/${at.partition}`,
    );
  }

  #mustBeOpen(): void {
    if (this.#closed) throw closed('reader');
  }
}
