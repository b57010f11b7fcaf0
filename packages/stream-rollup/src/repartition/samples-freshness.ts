import type { Clock } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import type { Freshness } from '@tidemark/model';
import { REPARTITION_GROUP } from './start-repartition.ts';

// How far samples have been handed on: a strong read waits for it first and for storage then. It is asked of the log, so whichever
// process does the work.

const LOOK_MS = 20;

export class SamplesFreshness implements Freshness {
  readonly #parts: { readonly log: Log; readonly clock: Clock; readonly topics: readonly string[] };

  constructor(parts: { readonly log: Log; readonly clock: Clock; readonly topics: readonly string[] }) {
    this.#parts = parts;
  }

  async caughtUp(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const { log, clock, topics } = this.#parts;
    const bounds = (await Promise.all(topics.map((topic) => log.bounds(topic, 'committed')))).flat();
    let behind = bounds.filter(({ start, end }) => end > start);
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    while (behind.length > 0) {
      const committed = await log.committed(REPARTITION_GROUP, behind);
      const done = new Map(committed.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
      behind = behind.filter(({ topic, partition, end }) => (done.get(`${topic}/${partition}`) ?? 0) < end);
      if (behind.length === 0) break;
      if (clock.monotonicMs() >= deadlineMs) return false;
      await clock.sleep(LOOK_MS, signal);
    }
    return true;
  }
}
