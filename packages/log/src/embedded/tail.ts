import type { LogRecord } from '../log.ts';
import type { Slice } from '../reader.ts';
import { recordBytes } from '../record.ts';

// Recent records in memory, as the very objects that were appended: a consumer in this process may know a batch by its
// identity and need not decode it again.
//
//   budget   frame | frame | frame      the oldest frame leaves all its partitions when the budget is spent
//   tails    partition 0  [12..19] [20..24]
//            partition 1  [7..9]            [10..31]

interface Run {
  readonly first: number;
  readonly records: readonly LogRecord[];
}

/** A queue that gives its front back now and then. */
class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  at(i: number): T {
    return this.#items[this.#head + i] as T;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined as T;
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** One partition's recent records. */
export class Tail {
  readonly #runs = new Fifo<Run>();

  push(first: number, records: readonly LogRecord[]): void {
    this.#runs.push({ first, records });
  }

  dropOldest(): void {
    this.#runs.shift();
  }

  /** Records from `position` on, if that one is here. */
  read(position: number, maxBytes: number): Slice | undefined {
    const count = this.#runs.length;
    if (count === 0 || position < this.#runs.at(0).first) return undefined;
    const records: LogRecord[] = [];
    let left = maxBytes;
    for (let i = this.#runOf(position); i < count; i++) {
      const run = this.#runs.at(i);
      for (let k = Math.max(0, position - run.first); k < run.records.length; k++) {
        if (left <= 0 && records.length > 0) return { records, nextOffset: run.first + k };
        const record = run.records[k] as LogRecord;
        records.push(record);
        left -= recordBytes(record);
      }
    }
    const last = records.at(-1);
    return last === undefined ? undefined : { records, nextOffset: last.offset + 1 };
  }

  #runOf(position: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs.at(middle).first <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Bounds all tails together. */
export class TailBudget {
  readonly #bytesMax: number;
  readonly #frames = new Fifo<{ readonly bytes: number; readonly tails: readonly Tail[] }>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The tails just took a run each, from one frame. */
  took(tails: readonly Tail[], bytes: number): void {
    this.#frames.push({ bytes, tails });
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#frames.shift();
      if (!oldest) return;
      this.#bytes -= oldest.bytes;
      for (const tail of oldest.tails) tail.dropOldest();
    }
  }
}
