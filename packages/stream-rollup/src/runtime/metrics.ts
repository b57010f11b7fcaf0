import { type Counter, type Gauge, type Histogram, type Labelled, SelfMetrics } from '@tidemark/base';

/** What every streams application says about itself; `prefix` begins the names. Make one per application and process. */
export interface StreamsMetrics {
  readonly records: Counter;
  readonly refused: Labelled<Counter>;
  readonly dropped: Labelled<Counter>;
  readonly redelivered: Counter;
  readonly processSeconds: Counter;
  readonly checkpointSeconds: Histogram;
  readonly restarts: Counter;
  readonly rebuilds: Counter;
  readonly lag: Labelled<Gauge>;
}

export function streamsMetrics(metrics: SelfMetrics = new SelfMetrics(), prefix = 'tidemark_streams'): StreamsMetrics {
  return {
    records: metrics.counter(`${prefix}_records_total`, 'Records taken from source topics.'),
    refused: metrics.counters(
      `${prefix}_records_refused_total`,
      'Records that could not be read, by reason and what the error policy decided.',
      ['reason', 'decision'],
    ),
    dropped: metrics.counters(
      `${prefix}_processor_drops_total`,
      'Records that a processor left out on purpose, by reason: too late for its window, without a key.',
      ['reason'],
    ),
    redelivered: metrics.counter(
      `${prefix}_records_redelivered_total`,
      'Records below the position, handed out by the log again and ignored.',
    ),
    processSeconds: metrics.counter(`${prefix}_process_seconds_total`, 'Time spent in processors and serializers.'),
    checkpointSeconds: metrics.histogram(`${prefix}_checkpoint_seconds`, 'Time to make state and position durable.'),
    restarts: metrics.counter(
      `${prefix}_task_restarts_total`,
      'Tasks begun again from their checkpoint after an error.',
    ),
    rebuilds: metrics.counter(
      `${prefix}_state_rebuilds_total`,
      'Tasks whose state was lost or damaged and was rebuilt from the log.',
    ),
    lag: metrics.gauges(`${prefix}_lag_records`, 'Records in the log that were not processed yet.', ['task']),
  };
}
