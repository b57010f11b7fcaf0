import type { Counter, Histogram, Labelled, Logger, SelfMetrics } from '@tidemark/base';
import type { OutboxEvents } from '../host/outbox.ts';

// What scraping says about itself at /metrics. What it says of each target are series of their own (`up`, ...).

export interface ScrapeMetrics {
  /** By outcome: ok, failed, timeout. */
  readonly scrapes: Labelled<Counter>;
  readonly seconds: Histogram;
  readonly missed: Counter;
  readonly repeated: Counter;
  readonly exemplarsMalformed: Counter;
  outbox(logger: Logger): OutboxEvents;
}

export function scrapeMetrics(metrics: SelfMetrics): ScrapeMetrics {
  const dropped = metrics.counters(
    'tidemark_scrape_batches_dropped_total',
    'Batches of scraped samples that never reached the sink.',
    ['reason'],
  );
  const refused = metrics.counters('tidemark_scrape_samples_refused_total', 'Scraped samples that the sink refused.', [
    'reason',
  ]);
  const retries = metrics.counter(
    'tidemark_scrape_append_retries_total',
    'Appends of scraped samples that had to be repeated.',
  );
  const saidReasons = new Set<string>();
  return {
    scrapes: metrics.counters('tidemark_scrapes_total', 'Scrapes that ended, by outcome.', ['outcome']),
    seconds: metrics.histogram('tidemark_scrape_seconds', 'How long scrapes took, from asking to the batch.'),
    missed: metrics.counter(
      'tidemark_scrape_ticks_missed_total',
      'Scrapes left out because the last one of the target was still running.',
    ),
    repeated: metrics.counter(
      'tidemark_scrape_samples_repeated_total',
      'Samples left out because their series stood on the page before.',
    ),
    exemplarsMalformed: metrics.counter(
      'tidemark_scrape_exemplars_malformed_total',
      'Exemplars left out because they could not be read; their samples were not.',
    ),
    outbox: (logger) => ({
      retried: () => retries.add(),
      dropped: (batches, reason) => dropped.with(reason).add(batches),
      refused(reason, count, example) {
        refused.with(reason).add(count);
        if (saidReasons.has(reason)) return;
        saidReasons.add(reason);
        logger.warn('scraped samples were refused', { reason, example });
      },
    }),
  };
}
