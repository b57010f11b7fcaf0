import { type Clock, hash32, type Logger, messageOf, TaskGroup } from '@tidemark/base';
import type { SampleBatch, SampleSink } from '@tidemark/model';
import { Outbox } from '../host/outbox.ts';
import type { ScrapeMetrics } from './scrape-metrics.ts';

// Scraped batches on their way to the sink. A target's batches keep their order; targets go side by side, so that one
// commit of the log carries several.
//
//   target --hash of its key--> lane 0..7, each an outbox: bounded, retries, drops the oldest --> sink

export interface Delivery {
  /** Batches of the same key arrive in order. */
  put(key: string, batch: SampleBatch): void;
  waiting(): number;
  /** Gives what waits one last try. */
  close(): Promise<void>;
}

const LANES = 8;
// All lanes: 512 batches; of 2,000 samples each about 20 MB, a minute of 128 targets at 15 s.
const WAITING_BATCHES_MAX = 64;
// Shutdown has ten seconds in all.
const LAST_TRY_MS = 2000;

export function startDelivery(options: {
  readonly sink: SampleSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ScrapeMetrics;
}): Delivery {
  const { sink, clock, logger } = options;
  const events = options.metrics.outbox(logger);
  const tasks = new TaskGroup((name, error) => logger.error(`${name} ended`, { reason: messageOf(error) }));
  const lanes = Array.from(
    { length: LANES },
    () => new Outbox({ sink, clock, logger, events, batchesMax: WAITING_BATCHES_MAX, what: 'scraped samples' }),
  );
  for (const lane of lanes) tasks.spawn('sending', (signal) => lane.run(signal, () => abortAfter(clock, LAST_TRY_MS)));
  return {
    put: (key, batch) => (lanes[hash32(Buffer.from(key)) % LANES] as Outbox).put(batch),
    waiting: () => lanes.reduce((count, lane) => count + lane.length, 0),
    close: () => tasks.close(),
  };
}

function abortAfter(clock: Clock, ms: number): AbortSignal {
  const abort = new AbortController();
  clock.after(ms, () => abort.abort(new DOMException('no time left', 'TimeoutError')));
  return abort.signal;
}
