import { type Clock, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import { Trouble } from './trouble.ts';

// What has to be there before a process can work (a broker) may come later than the process: it is asked for until it is there.
// Only what may mend itself is waited for; a wrong setting ends the start.

export interface KeepTryingParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted: the process is told to stop. */
  readonly signal: AbortSignal;
  /** Says what is waited for, to whoever asks whether this process is ready; undefined when it is there. */
  readonly waitingFor: (reason: string | undefined) => void;
}

const PAUSE_MS = 500;
const PAUSE_MAX_MS = 10_000;

/**
 * Repeats `attempt` while it fails with one of `codes`, with growing pauses, and says so once a minute. `what` it cannot do: "reach
 * the log". Throws every other error of the attempt, and the signal's reason.
 */
export async function keepTrying<T>(
  what: string,
  codes: ReadonlySet<string>,
  attempt: () => Promise<T>,
  { clock, logger, signal, waitingFor }: KeepTryingParts,
): Promise<T> {
  const trouble = new Trouble(clock, logger, what);
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
    signal.throwIfAborted();
    try {
      const made = await attempt();
      trouble.succeeded();
      waitingFor(undefined);
      return made;
    } catch (error) {
      if (!isTidemarkError(error) || !codes.has(error.code)) throw error;
      trouble.failed(error);
      waitingFor(`cannot ${what}: ${messageOf(error)}`);
    }
    await clock.sleep(pauseMs, signal);
  }
}
