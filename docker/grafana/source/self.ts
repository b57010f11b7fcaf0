import { type DashboardDraft, lines, rows, stat } from './model.ts';

// Tidemark's own health, from the metrics it scrapes of itself: the way of a sample from the left to the right, then questions.

const HERE = 'instance="$instance"';
const NONE_IS_GOOD = [
  ['green', null],
  ['red', 0.001],
] as const;

/** `or`: a counter that nothing has counted yet has no series; that is a zero. */
const orZero = (expression: string) => `${expression} or vector(0)`;

const quantile = (q: number, histogram: string) =>
  `histogram_quantile(${q}, sum by (le) (rate(${histogram}_bucket{${HERE}}[$__rate_interval])))`;

export const self: DashboardDraft = {
  uid: 'tidemark-self',
  title: 'Tidemark itself',
  description: 'Taking in, log, storage, rollups, queries and memory of one Tidemark.',
  variables: [{ name: 'instance', label: 'Tidemark', metric: 'tidemark_build_info', of: 'instance' }],
  rows: [
    [
      stat('Samples a second', { about: 'Acknowledged: the log has them.', unit: 'short', width: 4, decimals: 1 }, [
        `sum(rate(tidemark_ingest_samples_total{${HERE}}[$__rate_interval]))`,
      ]),
      stat(
        'Refused a second',
        { about: 'Samples refused, all reasons.', unit: 'short', width: 4, thresholds: NONE_IS_GOOD },
        [orZero(`sum(rate(tidemark_ingest_refused_total{${HERE}}[$__rate_interval]))`)],
      ),
      stat('Active series', { about: 'Series that had a sample lately.', unit: 'short', width: 4 }, [
        `sum(tidemark_ingest_active_series{${HERE}})`,
      ]),
      stat('Rollup lag', { about: 'Records of the log that the rollup has not read.', unit: 'short', width: 4 }, [
        `sum(tidemark_rollup_lag_records{${HERE}})`,
      ]),
      stat('Memory', { about: 'What the process has in RAM.', unit: 'bytes', width: 4 }, [
        `process_resident_memory_bytes{${HERE}, job="tidemark"}`,
      ]),
      stat('Up for', { about: 'Since the process began.', unit: 's', width: 4 }, [
        `time() - process_start_time_seconds{${HERE}, job="tidemark"}`,
      ]),
    ],
    [
      lines('Samples taken', { about: 'A second, by protocol.', unit: 'short', width: 8, stacked: true }, [
        `sum by (protocol) (rate(tidemark_ingest_samples_total{${HERE}}[$__rate_interval]))`,
        '{{protocol}}',
      ]),
      lines('Samples refused', { about: 'A second, by reason; nothing refused is a zero.', unit: 'short', width: 8 }, [
        orZero(`sum by (reason) (rate(tidemark_ingest_refused_total{${HERE}}[$__rate_interval]))`),
        '{{reason}}',
      ]),
      lines('Waiting for the log', { about: 'Encoded bytes that wait to be written.', unit: 'bytes', width: 8 }, [
        `tidemark_ingest_pending_bytes{${HERE}}`,
        'waiting',
      ]),
    ],
    [
      lines(
        'Log: one group commit',
        { about: 'Write and fsync.', unit: 's', width: 8 },
        [quantile(0.5, 'tidemark_log_append_seconds'), 'median'],
        [quantile(0.99, 'tidemark_log_append_seconds'), '99 %'],
      ),
      lines('Log: bytes', { about: 'Size of all journal files.', unit: 'bytes', width: 8 }, [
        `tidemark_log_journal_bytes{${HERE}}`,
        'journal',
      ]),
      lines('Log: records a second', { about: 'Acknowledged records.', unit: 'short', width: 8 }, [
        `rate(tidemark_log_appended_records_total{${HERE}}[$__rate_interval])`,
        'records',
      ]),
    ],
    [
      lines('Storage: memory', { about: 'Heads and labels, by tier.', unit: 'bytes', width: 8, stacked: true }, [
        `tidemark_storage_head_bytes{${HERE}}`,
        '{{tier}}',
      ]),
      lines(
        'Storage: disk',
        { about: 'Windows that are open, and sealed segments, by tier.', unit: 'bytes', width: 8, stacked: true },
        [`tidemark_storage_window_bytes{${HERE}}`, '{{tier}} windows'],
        [`tidemark_storage_segment_bytes{${HERE}}`, '{{tier}} segments'],
      ),
      lines('Storage: what became of entries', { about: 'Samples and rows a second.', unit: 'short', width: 8 }, [
        `sum by (outcome) (rate(tidemark_storage_entries_total{${HERE}}[$__rate_interval]))`,
        '{{outcome}}',
      ]),
    ],
    [
      lines('Rollup: records to read', { about: 'By task.', unit: 'short', width: 8 }, [
        `tidemark_rollup_lag_records{${HERE}}`,
        '{{task}}',
      ]),
      lines(
        'Rollup: rows a second',
        { about: 'Sent to the topics, repeats included.', unit: 'short', width: 8 },
        [`rate(tidemark_rollup_rows_emitted_total{${HERE}}[$__rate_interval])`, '1m'],
        [`rate(tidemark_rollup_hour_rows_emitted_total{${HERE}}[$__rate_interval])`, '1h'],
      ),
      lines('Checkpoints', { about: 'Bytes written a second.', unit: 'Bps', width: 8 }, [
        `rate(tidemark_storage_checkpoint_bytes_total{${HERE}}[$__rate_interval])`,
        'bytes',
      ]),
    ],
    [
      lines('Queries', { about: 'A second, by outcome.', unit: 'short', width: 8, stacked: true }, [
        `sum by (outcome) (rate(tidemark_queries_total{${HERE}}[$__rate_interval]))`,
        '{{outcome}}',
      ]),
      lines(
        'Queries: how long',
        { about: 'Waiting included.', unit: 's', width: 8 },
        [quantile(0.5, 'tidemark_query_seconds'), 'median'],
        [quantile(0.95, 'tidemark_query_seconds'), '95 %'],
      ),
      lines(
        'Queries: places',
        { about: 'Running, and waiting for a place.', unit: 'short', width: 8 },
        [`tidemark_queries_running{${HERE}}`, 'running'],
        [`tidemark_queries_waiting{${HERE}}`, 'waiting'],
      ),
    ],
    [
      lines('CPU', { about: 'Cores in use.', unit: 'none', width: 8 }, [
        `rate(process_cpu_seconds_total{${HERE}, job="tidemark"}[$__rate_interval])`,
        'cores',
      ]),
      lines(
        'Memory',
        { about: 'In RAM, and of it the heap of JavaScript.', unit: 'bytes', width: 8 },
        [`process_resident_memory_bytes{${HERE}, job="tidemark"}`, 'resident'],
        [`process_heap_bytes{${HERE}}`, 'heap'],
      ),
      rows(
        'Versions',
        { about: 'There is one. What runs.', unit: 'none', width: 8 },
        ['job', 'Value'],
        ['tidemark_build_info'],
      ),
    ],
    [
      lines('Targets', { about: 'By health of the last scrape.', unit: 'short', width: 12 }, [
        `tidemark_scrape_targets{${HERE}}`,
        '{{health}}',
      ]),
      lines('Scrapes', { about: 'A second, by outcome.', unit: 'short', width: 12 }, [
        orZero(`sum by (outcome) (rate(tidemark_scrapes_total{${HERE}}[$__rate_interval]))`),
        '{{outcome}}',
      ]),
    ],
  ],
};
