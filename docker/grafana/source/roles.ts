import { type DashboardDraft, lines, stat } from './model.ts';

// Tidemark by role, from the metrics that one of its processes scrapes of all: who is there, who is behind, what brokers and bucket
// do. A process is one `instance` of the job `tidemark`.

const OURS = 'job="tidemark"';
const RATE = '[$__rate_interval]';
const NONE_IS_GOOD = [
  ['green', null],
  ['red', 1],
] as const;

/** `or`: what nothing has counted yet has no series; that is a zero. */
const orZero = (expression: string) => `${expression} or vector(0)`;

export const roles: DashboardDraft = {
  uid: 'tidemark-roles',
  title: 'Tidemark by role',
  description: 'Processes of a Tidemark on Kafka: who is there, who is behind, what brokers and bucket do.',
  variables: [],
  rows: [
    [
      stat('Processes', { about: 'That answer when they are scraped.', unit: 'short', width: 4 }, [`sum(up{${OURS}})`]),
      stat('Away', { about: 'Processes that do not.', unit: 'short', width: 4, thresholds: NONE_IS_GOOD }, [
        `sum(1 - up{${OURS}})`,
      ]),
      stat('Stores away', { about: 'As who asks them sees it.', unit: 'short', width: 4, thresholds: NONE_IS_GOOD }, [
        'count(min by (store) (tidemark_query_store_up) == 0) or vector(0)',
      ]),
      stat('Samples a second', { about: 'Acknowledged: Kafka has them.', unit: 'short', width: 4, decimals: 1 }, [
        `sum(rate(tidemark_ingest_samples_total${RATE}))`,
      ]),
      stat(
        'Faults a second',
        { about: 'Requests to brokers that failed.', unit: 'short', width: 4, thresholds: NONE_IS_GOOD, decimals: 2 },
        [orZero(`sum(rate(tidemark_kafka_requests_failed_total${RATE}))`)],
      ),
      stat(
        'Bucket away',
        { about: 'Stores that cannot reach it.', unit: 'short', width: 4, thresholds: NONE_IS_GOOD },
        [orZero('sum(tidemark_s3_away)')],
      ),
    ],
    [
      lines(
        'Stores: records to read',
        { about: 'By store and zone, as who asks them sees it.', unit: 'short', width: 8 },
        ['max by (store, zone) (tidemark_query_store_lag_records)', '{{zone}} {{store}}'],
      ),
      lines('Rollup: records to read', { about: 'By process.', unit: 'short', width: 8 }, [
        'sum by (instance) (tidemark_rollup_lag_records)',
        '{{instance}}',
      ]),
      lines('Repartition: records to read', { about: 'By topic.', unit: 'short', width: 8 }, [
        'sum by (topic) (tidemark_repartition_lag_records)',
        '{{topic}}',
      ]),
    ],
    [
      lines('Kafka: an append', { about: '99 %, by process: until brokers have it.', unit: 's', width: 8 }, [
        `histogram_quantile(0.99, sum by (le, instance) (rate(tidemark_kafka_append_seconds_bucket${RATE})))`,
        '{{instance}}',
      ]),
      lines(
        'Kafka: waiting and working',
        { about: 'Seconds a second: readers that wait for records, and that work on them.', unit: 'short', width: 8 },
        [`sum by (group) (rate(tidemark_kafka_fetch_seconds_total${RATE}))`, '{{group}} waits'],
        [`sum by (group) (rate(tidemark_kafka_process_seconds_total${RATE}))`, '{{group}} works'],
      ),
      lines('Bucket: requests', { about: 'A second, by operation and outcome.', unit: 'short', width: 8 }, [
        `sum by (operation, outcome) (rate(tidemark_s3_requests_total${RATE}))`,
        '{{operation}} {{outcome}}',
      ]),
    ],
    [
      lines('Memory', { about: 'In RAM, by process.', unit: 'bytes', width: 8 }, [
        `process_resident_memory_bytes{${OURS}}`,
        '{{instance}}',
      ]),
      lines('CPU', { about: 'Cores in use, by process.', unit: 'none', width: 8 }, [
        `rate(process_cpu_seconds_total{${OURS}}${RATE})`,
        '{{instance}}',
      ]),
      lines(
        'Windows that wait to be sealed',
        { about: 'By process; for long only while sealing fails.', unit: 'short', width: 8 },
        ['sum by (instance) (tidemark_storage_waiting_windows)', '{{instance}}'],
      ),
    ],
  ],
};
