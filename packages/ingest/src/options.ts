import { TIME_POLICY } from '@tidemark/model';

// Every limit of the write path, by name. Refusals name them, so that who is refused knows what to ask for.

export interface IngestOptions {
  /** Partitions of `tidemark.raw`. Must equal what the topic has. */
  readonly partitions: number;
  /** The topic that samples are appended to. */
  readonly topic: string;
  /** The topic of samples of critical metrics, with as many partitions. */
  readonly criticalTopic: string;

  /** Samples older than this are refused. Must be what the store keeps: what it would drop must not be acknowledged. */
  readonly rawRetentionMs: number;

  /** Bytes of one request body as sent. */
  readonly bodyBytesMax: number;
  /** Bytes of one request after decompression. */
  readonly decodedBytesMax: number;
  /** Bytes of request bodies held at once, over all requests: read, being read, or waiting for the log. */
  readonly bodyBytesInFlightMax: number;
  /** A body that has not arrived whole after this long is given up. */
  readonly bodyTimeoutMs: number;

  readonly samplesPerRequestMax: number;
  readonly seriesPerRequestMax: number;
  readonly metadataPerRequestMax: number;
  /** Those beyond are left out. */
  readonly exemplarsPerRequestMax: number;

  readonly labelsMax: number;
  readonly labelNameBytesMax: number;
  readonly labelValueBytesMax: number;
  /** All labels of one series together, canonical. Below what a batch on the log may hold (64 KiB). */
  readonly labelBytesMax: number;
  /** Type, unit and help of one metric together. */
  readonly metadataBytesMax: number;

  /** Token bucket per tenant; infinite means no limit. */
  readonly samplesPerSecondMax: number;
  readonly burstSamplesMax: number;
  /** Series of one tenant that had a sample in the activity window. */
  readonly activeSeriesMax: number;
  /** A series counts as active until one to two of these have passed since its last sample. */
  readonly activeSeriesWindowMs: number;

  /** Encoded bytes that wait for the log at once; above it requests are refused with `INGEST_OVERLOADED`. */
  readonly pendingBytesMax: number;
  /** What a refused sender is told to wait. */
  readonly retryAfterMs: number;
  /** A record is closed when its labels and samples reach this, uncompressed. Below the log's own record limit. */
  readonly recordBytes: number;

  /** Tenants that samples are taken of, from the start of the process on: each costs memory and files for good. */
  readonly tenantsMax: number;
  /** Label bytes that are remembered, over all tenants, so that known series cost one comparison. */
  readonly directoryBytesMax: number;
  /** Bytes of series sections kept for requests that repeat the same series in the same order. */
  readonly sectionBytesMax: number;
}

/** Those that may change while requests come in. */
export type IngestLimits = Pick<
  IngestOptions,
  'activeSeriesMax' | 'bodyBytesMax' | 'burstSamplesMax' | 'pendingBytesMax' | 'samplesPerSecondMax'
>;

const MIB = 1024 * 1024;

export const DEFAULT_INGEST_OPTIONS: IngestOptions = {
  partitions: 4,
  topic: 'tidemark.raw',
  criticalTopic: 'tidemark.raw-critical',

  rawRetentionMs: TIME_POLICY.rawRetentionMs,

  // 16 MiB: Prometheus' largest usual request (10,000 samples of 300 B) is 3 MB decoded, under 1 MB sent.
  bodyBytesMax: 16 * MIB,
  decodedBytesMax: 32 * MIB,
  bodyBytesInFlightMax: 64 * MIB,
  bodyTimeoutMs: 30_000,

  // 500,000: twenty bytes a sample in columns, 10 MB; a sample of two bytes would otherwise make 320 MB of 32 MiB.
  samplesPerRequestMax: 500_000,
  seriesPerRequestMax: 200_000,
  metadataPerRequestMax: 50_000,
  exemplarsPerRequestMax: 50_000,

  // Mimir's defaults, doubled for the count, so that what it accepts is accepted here.
  labelsMax: 64,
  labelNameBytesMax: 1024,
  labelValueBytesMax: 2048,
  labelBytesMax: 32 * 1024,
  metadataBytesMax: 4096,

  samplesPerSecondMax: 1_000_000,
  burstSamplesMax: 10_000_000,
  activeSeriesMax: 3_000_000,
  activeSeriesWindowMs: 10 * 60_000,

  // 64 MiB: a quarter of a second of the slowest disk measured (170 MB/s) is 42 MB.
  pendingBytesMax: 64 * MIB,
  retryAfterMs: 1_000,
  // 900 KiB: Kafka's default record limit is 1 MiB, and incompressible labels must fit as well.
  recordBytes: 900 * 1024,

  tenantsMax: 1_000,
  // 512 MiB: about 1.5 million series of 250 bytes of labels.
  directoryBytesMax: 512 * MIB,
  sectionBytesMax: 64 * MIB,
};
