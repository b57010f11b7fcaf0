import type { SelfMetrics } from '@tidemark/base';

/** What an S3 object store says of itself. */
export interface S3Metrics {
  readonly requests: { with(operation: string, outcome: string): { add(amount?: number): void } };
  readonly retries: { with(reason: string): { add(amount?: number): void } };
  readonly bytes: { with(direction: 'in' | 'out'): { add(amount?: number): void } };
  readonly seconds: { observe(value: number): void };
  readonly refused: { with(reason: 'away' | 'queue' | 'closed'): { add(amount?: number): void } };
  readonly uploadsRemoved: { add(amount?: number): void };
  readonly away: { set(value: number): void };
}

export function makeS3Metrics(metrics: SelfMetrics): S3Metrics {
  return {
    requests: metrics.counters('tidemark_s3_requests_total', 'Requests to S3, by what became of each.', [
      'operation',
      'outcome',
    ]),
    retries: metrics.counters('tidemark_s3_retries_total', 'Requests sent again, by why.', ['reason']),
    bytes: metrics.counters('tidemark_s3_bytes_total', 'Bytes of objects that came in and went out.', ['direction']),
    seconds: metrics.histogram('tidemark_s3_request_seconds', 'How long single requests to S3 took.'),
    refused: metrics.counters('tidemark_s3_refused_total', 'Operations that were not sent, by why.', ['reason']),
    uploadsRemoved: metrics.counter('tidemark_s3_uploads_removed_total', 'Uploads in parts that nobody had ended.'),
    away: metrics.gauge('tidemark_s3_away', '1 while S3 does not answer and is asked once in a while only.'),
  };
}
