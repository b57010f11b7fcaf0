import type { Counter, Histogram, SelfMetrics } from '@tidemark/base';

export interface JournalMetrics {
  readonly records: Counter;
  readonly bytes: Counter;
  readonly writeSeconds: Histogram;
  readonly groupRecords: Histogram;
  readonly refused: { with(reason: string): Counter };
  readonly replayed: Counter;
  readonly lost: Counter;
  readonly damagedBytes: Counter;
  readonly tornBytes: Counter;
}

export interface JournalNumbers {
  readonly files: number;
  readonly fileBytes: number;
  readonly waitingBytes: number;
  readonly failed: boolean;
}

// 1 to 1,000: how many callers one sync served.
const GROUP_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] as const;

export function makeJournalMetrics(metrics: SelfMetrics, now: () => JournalNumbers): JournalMetrics {
  const prefix = 'tidemark_storage_journal';
  metrics.gaugeFrom(`${prefix}_files`, 'Files of the journal.', () => now().files);
  metrics.gaugeFrom(`${prefix}_file_bytes`, 'Bytes of all files of the journal.', () => now().fileBytes);
  metrics.gaugeFrom(`${prefix}_waiting_bytes`, 'Bytes of records that wait for the disk.', () => now().waitingBytes);
  metrics.gaugeFrom(`${prefix}_failed`, '1 after a sync failed, until the journal is opened anew.', () =>
    Number(now().failed),
  );
  return {
    records: metrics.counter(`${prefix}_records_total`, 'Records written and synced.'),
    bytes: metrics.counter(`${prefix}_bytes_total`, 'Bytes written and synced.'),
    writeSeconds: metrics.histogram(`${prefix}_write_seconds`, 'Time of a group: written and synced.'),
    groupRecords: metrics.histogram(`${prefix}_group_records`, 'Records that went with one sync.', GROUP_BUCKETS),
    refused: metrics.counters(`${prefix}_refused_total`, 'Records that were not taken.', ['reason']),
    replayed: metrics.counter(`${prefix}_replayed_records_total`, 'Records applied again when the journal was opened.'),
    lost: metrics.counter(`${prefix}_lost_records_total`, 'Records found lost when the journal was opened.'),
    damagedBytes: metrics.counter(`${prefix}_damaged_bytes_total`, 'Bytes that were on disk once and cannot be read.'),
    tornBytes: metrics.counter(
      `${prefix}_torn_bytes_total`,
      'Bytes of writes that a crash tore; nobody was told of them.',
    ),
  };
}
