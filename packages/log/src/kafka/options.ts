import type { SocketFactory } from './kafkajs.ts';

// What can be set on a log that is Kafka, what it is unless set, and why.

const MIB = 1024 * 1024;

export type SaslOptions =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'OAUTHBEARER';
      /** A token that is valid now; asked for at every connection, and again before its session ends. */
      readonly token: () => Promise<string>;
    };

/** PEM texts. `true` instead of this: what the system trusts. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** The name in the broker's certificate, where it is not the host's. */
  readonly serverName?: string;
  /** `false` takes any certificate: for a first try only. */
  readonly verify?: boolean;
}

export interface KafkaLogOptions {
  /** Where to ask first, `host:port`; the others are learnt from them. */
  readonly brokers: readonly string[];
  /** How brokers name this client in their logs and quotas. */
  readonly clientId: string;
  /** Before every topic, group and transactional id: installations that share a cluster differ in it. */
  readonly namespace: string;
  readonly tls?: TlsOptions | true;
  readonly sasl?: SaslOptions;
  /** Makes connections; for tests that break them. */
  readonly socketFactory?: SocketFactory;

  /** Until a connection stands, TLS and all. */
  readonly connectMaxMs: number;
  /** Until an answer comes, besides the time a request itself says it may wait. A broker silent for so long is not asked again before a new connection. */
  readonly requestMaxMs: number;
  /** Until an operation gives up asking again (LOG_IO). An append that gave up may be there or not. */
  readonly operationMaxMs: number;
  /** First pause before asking again; it doubles up to retryMaxMs. Short: a leader moves within milliseconds. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** Who leads what is asked for again after this, if no error said so before. */
  readonly metadataMaxMs: number;

  /** One record: key, value, headers. Below the batchBytesMax. */
  readonly recordBytesMax: number;
  /** Of records that wait for brokers; beyond it LOG_OVERLOADED. */
  readonly inFlightBytesMax: number;
  /** Records of one partition sent together, before compression. A topic's max.message.bytes must allow it. */
  readonly batchBytesMax: number;
  /** Batches of several partitions in one request to their leader. */
  readonly requestBytesMax: number;
  /** Batches that are no smaller after compression are sent as they are, and so are those below compressAboveBytes. */
  readonly compression: 'zstd' | 'gzip' | 'none';
  readonly compressAboveBytes: number;
  /** Records of one partition under one producer id; then a new one, long before sequence numbers wrap at 2^31. */
  readonly sequenceMax: number;

  /** Asked of one broker at a time. */
  readonly fetchBytesMax: number;
  /** How long a broker may hold a fetch back until there is something; a longer wait is several of these. */
  readonly fetchWaitMs: number;
  /** What one batch may become when it is decompressed; above it is LOG_CORRUPT. */
  readonly decompressedBytesMax: number;
  /** A batch that cannot be read: `stop` throws LOG_CORRUPT each time, `skip` counts, warns, and goes on behind it. */
  readonly onCorruptBatch: 'stop' | 'skip';

  /** Of groups: nothing heard of a member for so long, and others get its partitions. */
  readonly sessionMaxMs: number;
  /** Between signs of life of a member, and so how late it learns that its group changes. A third of a session at most. */
  readonly heartbeatMs: number;
  /** How long a member may take to give up its partitions; then the group goes on without it. */
  readonly rebalanceMaxMs: number;
  /** Members of one group in this process. */
  readonly groupMembersMax: number;

  /** Open producers of transactions in this process. */
  readonly producersMax: number;
  /** Records of one transaction, which wait in memory for its commit. */
  readonly transactionBytesMax: number;
  readonly openTransactionBytesMax: number;
  /** One open for longer is aborted, here and by the brokers, whose transaction.max.timeout.ms must allow it. */
  readonly transactionMaxMs: number;

  /** Of topics that are created. Brokers' own default unless set. */
  readonly replicationFactor?: number;
  /** Of topics that are created, and at least this of those that exist. 2 with three replicas: one broker may fail. */
  readonly minInSyncReplicas?: number;
}

export const KAFKA_LOG_DEFAULTS: Omit<KafkaLogOptions, 'brokers'> = {
  clientId: 'tidemark',
  namespace: '',
  connectMaxMs: 5000,
  requestMaxMs: 10_000,
  operationMaxMs: 30_000,
  retryMinMs: 5,
  retryMaxMs: 500,
  metadataMaxMs: 60_000,
  recordBytesMax: 8 * MIB,
  inFlightBytesMax: 64 * MIB,
  batchBytesMax: 9 * MIB,
  requestBytesMax: 16 * MIB,
  compression: 'zstd',
  compressAboveBytes: 1024,
  sequenceMax: 2_000_000_000,
  fetchBytesMax: 4 * MIB,
  fetchWaitMs: 500,
  decompressedBytesMax: 64 * MIB,
  onCorruptBatch: 'stop',
  sessionMaxMs: 45_000,
  heartbeatMs: 1000,
  rebalanceMaxMs: 60_000,
  groupMembersMax: 200,
  producersMax: 1000,
  transactionBytesMax: 16 * MIB,
  openTransactionBytesMax: 64 * MIB,
  transactionMaxMs: 60_000,
};
