import type { Clock } from '@tidemark/base';

// A large answer is many small pieces of work, and the loop turns between them: appends, checkpoints, seals and other requests go
// on meanwhile. What they may change under a reader's hands is said in shard/shard-read.ts.

// 256 series with a few chunks each are decoded in 2 to 5 ms; the clock catches those that have more.
const STEPS_AT_ONCE = 256;
const TURN_MS = 10;
// The clock is asked every so many steps: it costs about 50 ns, a cheap step as much.
const STEPS_BETWEEN_LOOKS = 8;

export class Turns {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #steps = 0;
  #sinceMs: number;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#sinceMs = clock.monotonicMs();
  }

  /** Counts one step of work; whether it is time to `take` a turn before it. */
  due(): boolean {
    if (++this.#steps % STEPS_BETWEEN_LOOKS !== 0) return false;
    return this.#steps >= STEPS_AT_ONCE || this.late();
  }

  /** For steps of unknown size, between which it is no matter to ask the clock. */
  late(): boolean {
    return this.#clock.monotonicMs() - this.#sinceMs >= TURN_MS;
  }

  /** Throws the signal's reason when cancelled. */
  check(): void {
    this.#signal.throwIfAborted();
  }

  /** Lets everything that waits have its turn. Throws the signal's reason when cancelled. */
  async take(): Promise<void> {
    this.check();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.check();
    this.#steps = 0;
    this.#sinceMs = this.#clock.monotonicMs();
  }
}

/** Sorts in pieces that are then merged, with turns in between. Stable; `items` may be used up. */
export async function sortInTurns<T>(items: T[], compare: (a: T, b: T) => number, turns: Turns): Promise<T[]> {
  if (items.length <= STEPS_AT_ONCE) return items.sort(compare);
  let from = items;
  for (let at = 0; at < from.length; at += STEPS_AT_ONCE) {
    await turns.take();
    const piece = from.slice(at, at + STEPS_AT_ONCE).sort(compare);
    for (let i = 0; i < piece.length; i++) from[at + i] = piece[i] as T;
  }
  let into = new Array<T>(from.length);
  for (let width = STEPS_AT_ONCE; width < from.length; width *= 2) {
    for (let at = 0; at < from.length; at += 2 * width) {
      const middle = Math.min(at + width, from.length);
      const end = Math.min(at + 2 * width, from.length);
      let a = at;
      let b = middle;
      for (let i = at; i < end; i++) {
        // A comparison is far less than a step: eight times as many to a turn.
        if (i % 8 === 0 && turns.due()) await turns.take();
        const left = b >= end || (a < middle && compare(from[a] as T, from[b] as T) <= 0);
        into[i] = (left ? from[a++] : from[b++]) as T;
      }
    }
    [from, into] = [into, from];
  }
  return from;
}
