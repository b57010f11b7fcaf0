import { type Counter, type Gauge, type Histogram, type Labelled, SelfMetrics } from '@tidemark/base';

// What the embedded log says about itself.

const GROUP_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

export interface LogMetrics {
  readonly appendSeconds: Histogram;
  readonly groupAppends: Histogram;
  readonly records: Counter;
  readonly bytes: Counter;
  readonly refused: Labelled<Counter>;
  readonly transactions: Labelled<Counter>;
  readonly readBackBytes: Counter;
  readonly journalBytes: Gauge;
  readonly journalFiles: Gauge;
  readonly tornBytes: Counter;
  readonly cutOffs: Labelled<Counter>;
  readonly storesMended: Labelled<Counter>;
}

export function logMetrics(
  metrics = new SelfMetrics(),
  ends: () => Iterable<readonly [readonly string[], number]>,
): LogMetrics {
  metrics.gaugesFrom('tidemark_log_end', 'Next offset to be written.', ['topic', 'partition'], ends);
  return {
    appendSeconds: metrics.histogram('tidemark_log_append_seconds', 'One group commit: write and sync.'),
    groupAppends: metrics.histogram('tidemark_log_group_appends', 'Appends in one group commit.', GROUP_BUCKETS),
    records: metrics.counter('tidemark_log_appended_records_total', 'Records acknowledged.'),
    bytes: metrics.counter(
      'tidemark_log_appended_bytes_total',
      'Bytes written for acknowledged records, framing included.',
    ),
    refused: metrics.counters('tidemark_log_refused_total', 'Appends refused or failed.', ['reason']),
    transactions: metrics.counters('tidemark_log_transactions_total', 'Transactions that ended.', ['outcome']),
    readBackBytes: metrics.counter(
      'tidemark_log_read_back_bytes_total',
      'Bytes read from disk for readers behind the tail.',
    ),
    journalBytes: metrics.gauge('tidemark_log_journal_bytes', 'Size of all journal files.'),
    journalFiles: metrics.gauge('tidemark_log_journal_files', 'Number of journal files.'),
    tornBytes: metrics.counter('tidemark_log_torn_bytes_total', 'Bytes of torn writes cut off at open.'),
    cutOffs: metrics.counters(
      'tidemark_log_retention_cutoff_total',
      'Journal files removed before every reader of the topic had passed them.',
      ['topic'],
    ),
    storesMended: metrics.counters(
      'tidemark_log_stores_mended_total',
      'Stores of compacted topics that were damaged and could be mended whole.',
      ['topic'],
    ),
  };
}
