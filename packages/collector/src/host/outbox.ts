import { type Clock, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import type { SampleBatch, SampleSink } from '@tidemark/model';

// Batches on their way to the sink, in order, one at a time. What the sink cannot take now waits in bounded memory and is
// tried again; when it is full the oldest goes, counted.

export interface OutboxEvents {
  /** The sink took the batch; it may have refused some samples, by reason. */
  refused(reason: string, count: number, example: string): void;
  retried(): void;
  dropped(batches: number, reason: 'buffer_full' | 'stopped'): void;
}

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;

export class Outbox {
  readonly #sink: SampleSink;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #events: OutboxEvents;
  readonly #batchesMax: number;
  readonly #what: string;
  readonly #waiting: SampleBatch[] = [];
  #wake: (() => void) | undefined;
  #complained = false;

  constructor(options: {
    readonly sink: SampleSink;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly events: OutboxEvents;
    readonly batchesMax: number;
    /** For messages: `host metrics`. */
    readonly what: string;
  }) {
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#events = options.events;
    this.#batchesMax = options.batchesMax;
    this.#what = options.what;
  }

  get length(): number {
    return this.#waiting.length;
  }

  put(batch: SampleBatch): void {
    if (this.#waiting.length >= this.#batchesMax) {
      this.#waiting.shift();
      this.#events.dropped(1, 'buffer_full');
    }
    this.#waiting.push(batch);
    this.#wake?.();
  }

  /** Delivers until the signal aborts. Then gives what still waits one last try, until the sink refuses or `lastTry` aborts. */
  async run(signal: AbortSignal, lastTry: () => AbortSignal): Promise<void> {
    let retryMs = RETRY_MS_MIN;
    while (!signal.aborted) {
      const batch = this.#waiting[0];
      if (!batch) {
        await this.#somethingPut(signal);
        continue;
      }
      try {
        await this.#deliver(batch, signal);
        retryMs = RETRY_MS_MIN;
        this.#complained = false;
      } catch (error) {
        if (signal.aborted) break;
        this.#events.retried();
        this.#complain(error);
        await this.#clock.sleep(retryAfterMs(error) ?? retryMs, signal).catch(() => undefined);
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
      }
    }
    await this.#emptyOnce(lastTry());
  }

  async #deliver(batch: SampleBatch, signal: AbortSignal): Promise<void> {
    const outcome = await this.#sink.append(batch, signal);
    // The batch may have been dropped meanwhile for a younger one.
    if (this.#waiting[0] === batch) this.#waiting.shift();
    for (const refusal of outcome.refused) this.#events.refused(refusal.reason, refusal.count, refusal.example);
  }

  async #emptyOnce(signal: AbortSignal): Promise<void> {
    try {
      for (let batch = this.#waiting[0]; batch && !signal.aborted; batch = this.#waiting[0]) {
        await this.#deliver(batch, signal);
      }
    } catch (error) {
      this.#complain(error);
    }
    if (this.#waiting.length > 0) this.#events.dropped(this.#waiting.length, 'stopped');
    this.#waiting.length = 0;
  }

  #somethingPut(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Once per run of failures: the counter tells the rest. */
  #complain(error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.#logger.warn(`${this.#what} cannot be written now and wait in memory`, { reason: messageOf(error) });
  }
}

function retryAfterMs(error: unknown): number | undefined {
  const wanted = isTidemarkError(error) ? error.details['retryAfterMs'] : undefined;
  return typeof wanted === 'number' ? Math.min(Math.max(wanted, 0), RETRY_MS_MAX) : undefined;
}
