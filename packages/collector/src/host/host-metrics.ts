import type { Counter, Histogram, Labelled, Logger, SelfMetrics } from '@tidemark/base';
import type { OutboxEvents } from './outbox.ts';

// What the host collector says about itself at /metrics.

export interface HostMetrics {
  readonly seconds: Histogram;
  readonly failures: Labelled<Counter>;
  readonly missed: Counter;
  /** Parts that failed at the last tick. */
  readonly failing: Set<string>;
  outbox(logger: Logger): OutboxEvents;
}

export function hostMetrics(metrics: SelfMetrics): HostMetrics {
  const dropped = metrics.counters(
    'tidemark_host_batches_dropped_total',
    'Batches of host metrics that never reached the sink.',
    ['reason'],
  );
  const refused = metrics.counters(
    'tidemark_host_samples_refused_total',
    'Samples of host metrics that the sink refused.',
    ['reason'],
  );
  const retries = metrics.counter(
    'tidemark_host_append_retries_total',
    'Appends of host metrics that had to be repeated.',
  );
  const saidReasons = new Set<string>();
  return {
    seconds: metrics.histogram('tidemark_host_collect_seconds', 'How long reading the host took, per tick.'),
    failures: metrics.counters('tidemark_host_collect_failures_total', 'Parts of the host that could not be read.', [
      'part',
    ]),
    missed: metrics.counter(
      'tidemark_host_ticks_missed_total',
      'Ticks left out because the last one was still reading.',
    ),
    failing: new Set(),
    outbox: (logger) => ({
      retried: () => retries.add(),
      dropped: (batches, reason) => dropped.with(reason).add(batches),
      refused(reason, count, example) {
        refused.with(reason).add(count);
        if (saidReasons.has(reason)) return;
        saidReasons.add(reason);
        logger.warn('host metrics were refused', { reason, example });
      },
    }),
  };
}
