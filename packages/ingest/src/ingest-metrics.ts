import type { Counter, Histogram, Labelled, SelfMetrics } from '@tidemark/base';
import type { Publisher } from './publish/publisher.ts';
import type { TenantIntakes } from './tenant-intake.ts';

/** What the write path tells of itself at `/metrics`. */
export class IngestMetrics {
  readonly accepted: Labelled<Counter>;
  readonly critical: Labelled<Counter>;
  readonly refused: Labelled<Counter>;
  readonly exemplars: Labelled<Counter>;
  readonly exemplarsRefused: Labelled<Counter>;
  readonly requestSeconds: Histogram;

  constructor(metrics: SelfMetrics, tenants: TenantIntakes, publisher: Publisher) {
    this.accepted = metrics.counters('tidemark_ingest_samples_total', 'Samples acknowledged: the log has them.', [
      'tenant',
      'protocol',
    ]);
    this.critical = metrics.counters(
      'tidemark_ingest_critical_samples_total',
      'Of the samples acknowledged, those of critical metrics: they are on a topic of their own, which is consumed first.',
      ['tenant'],
    );
    this.refused = metrics.counters(
      'tidemark_ingest_refused_total',
      'Samples refused, by reason. For a request refused as a whole: its samples, or 1 when they were not counted yet.',
      ['tenant', 'protocol', 'reason'],
    );
    this.exemplars = metrics.counters('tidemark_ingest_exemplars_total', 'Exemplars acknowledged: the log has them.', [
      'tenant',
      'protocol',
    ]);
    this.exemplarsRefused = metrics.counters(
      'tidemark_ingest_exemplars_refused_total',
      'Exemplars left out, by reason; their samples are not.',
      ['tenant', 'protocol', 'reason'],
    );
    this.requestSeconds = metrics.histogram(
      'tidemark_ingest_request_seconds',
      'From the whole body to the acknowledgement.',
    );
    metrics.gaugesFrom('tidemark_ingest_active_series', 'Series that had a sample lately.', ['tenant'], () =>
      tenants.activeSeries(),
    );
    metrics.gaugeFrom('tidemark_ingest_pending_bytes', 'Encoded bytes that wait for the log.', () => {
      return publisher.pendingBytes;
    });
    metrics.gaugeFrom('tidemark_ingest_directory_bytes', 'Label bytes remembered to recognise series.', () => {
      return tenants.directoryBytes;
    });
    metrics.gaugeFrom(
      'tidemark_ingest_directory_clears',
      'Times a tenant directory was forgotten because directoryBytesMax was reached.',
      () => tenants.directoryClears,
    );
  }
}
