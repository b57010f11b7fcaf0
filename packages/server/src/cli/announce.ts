import type { Clock } from '@tidemark/base';

// What whoever started it reads of a process that runs: what it still waits for, and that it is ready only when it is.

export interface Announced {
  /** Why it is not ready, for people; undefined when it is. */
  readonly notReady: () => string | undefined;
  /** `Tidemark 0.1.0`. */
  readonly name: string;
  readonly url: string;
  /** Said once it is ready. */
  readonly welcome: string;
  readonly write: (text: string) => void;
  readonly clock: Clock;
  /** Aborted: the process ends. */
  readonly signal: AbortSignal;
}

const LOOK_MS = 250;
const REPEAT_MS = 60_000;

/** Resolves when it has said that the process is ready, or the signal has aborted. */
export async function announce({ notReady, name, url, welcome, write, clock, signal }: Announced): Promise<void> {
  let saidMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    const reason = notReady();
    if (reason === undefined) {
      write(welcome);
      return;
    }
    if (clock.monotonicMs() - saidMs >= REPEAT_MS) {
      saidMs = clock.monotonicMs();
      write(`\n  ${name} listens at ${url} and is not ready yet: ${reason}\n`);
    }
    try {
      await clock.sleep(LOOK_MS, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
