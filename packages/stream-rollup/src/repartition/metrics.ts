import { type Counter, type Gauge, type Labelled, SelfMetrics } from '@tidemark/base';

/** What the repartition stage says about itself. Make one per process. */
export interface RepartitionMetrics {
  readonly records: Labelled<Counter>;
  readonly samples: Counter;
  readonly refused: Labelled<Counter>;
  readonly deadLetters: Labelled<Counter>;
  readonly redelivered: Counter;
  readonly lag: Labelled<Gauge>;
  readonly held: Gauge;
  readonly lookups: Labelled<Counter>;
  readonly restarts: Counter;
}

export function repartitionMetrics(metrics: SelfMetrics = new SelfMetrics()): RepartitionMetrics {
  const name = (rest: string) => `tidemark_repartition_${rest}`;
  return {
    records: metrics.counters(name('records_total'), 'Records of samples read, by topic.', ['topic']),
    samples: metrics.counter(
      name('samples_total'),
      'Samples handed on to admission, repeats included; a histogram is one for each of its series.',
    ),
    refused: metrics.counters(
      name('refused_samples_total'),
      'Records that could be read and are no sample, by reason; what admission refuses is counted there.',
      ['reason'],
    ),
    deadLetters: metrics.counters(
      name('dead_letters_total'),
      'Records that could not be read and went to the dead-letter topic, by reason.',
      ['reason'],
    ),
    redelivered: metrics.counter(name('redelivered_total'), 'Records that came again and were passed.'),
    lag: metrics.gauges(name('lag_records'), 'Records not handed on yet, as of the last look.', ['topic', 'partition']),
    held: metrics.gauge(name('held_partitions'), 'Partitions that wait for a schema of a registry that is away.'),
    lookups: metrics.counters(name('schema_lookups_total'), 'Questions for a schema, by how they ended.', ['outcome']),
    restarts: metrics.counter(name('restarts_total'), 'Times the stage failed and began again.'),
  };
}
