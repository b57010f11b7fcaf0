import type { Clock } from '@tidemark/base';
import type { Freshness } from '@tidemark/model';

/** Fresh when the first is, and then the next: what the first hands on, the next has to have taken. One timeout for all. */
export function inTurn(clock: Clock, parts: readonly Freshness[]): Freshness {
  return {
    async caughtUp(timeoutMs, signal) {
      const deadlineMs = clock.monotonicMs() + timeoutMs;
      for (const part of parts) {
        if (!(await part.caughtUp(Math.max(0, deadlineMs - clock.monotonicMs()), signal))) return false;
      }
      return true;
    },
  };
}
