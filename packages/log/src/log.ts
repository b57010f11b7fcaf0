// The log port: ordered, durable topics. The embedded journal, Kafka and the simulated log stand behind it and pass one
// conformance suite (conformance/suite.ts).
//
//              append ------------------>  topic "raw"   partition 0   |0|1|2|3|4|5|
//                                                                        ^start    ^end = next offset
//              fetch  <------------------  reader at position 3: offsets 3, 4, then position 5
//
// Promises, for all implementations:
//   order        within a partition, offsets rise in the order of appends; a reader sees them in that order
//   durability   an append that resolved survives kill -9 and power loss; one that rejected may be there or not
//   position     means fetched through: everything below it was handed out or was nothing (control records, compacted away, cut
//                away by a repair)
//   redelivery   a reader that starts again at a position gets the same records with the same offsets again
//   retention    bytes go when every group's committed position has passed them, or at the caps; then `start` rises, and a
//                reader below it gets LOG_POSITION_LOST, never a silent jump
//   compaction   a compacted topic keeps at least the last record of every key; a null value is a tombstone, which stays until every
//                group and open reader has passed it, at most for tombstoneMaxMs
//   transaction  see transaction.ts; group membership, see group.ts

import type { GroupMember, GroupOptions } from './group.ts';
import type { ProducerOptions, TransactionalProducer } from './transaction.ts';

export type { GroupEvent, GroupMember, GroupOptions } from './group.ts';
export type { ProducerOptions, Transaction, TransactionalProducer } from './transaction.ts';

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** The setting that `partitions` is of, for whoever is told that the topic has others. */
  readonly partitionsSetting?: string;
  readonly compacted: boolean;
  /** For logs that delete by time; the embedded log deletes by positions. */
  readonly retentionMs: number;
}

export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Uint8Array | null;
  /** Null is a tombstone, allowed in compacted topics only. Bytes must not change after the call. */
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LogRecord {
  readonly offset: number;
  /** When the log took it, wall ms. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface Position extends TopicPartition {
  /** The next offset to be fetched: everything below is done. */
  readonly offset: number;
}

export interface FetchedRecords extends TopicPartition {
  readonly records: readonly LogRecord[];
  /** Where the reader stands after these: not always the last offset + 1. */
  readonly nextOffset: number;
}

export interface ReaderOptions {
  /** Who reads. The group's committed positions hold bytes back from retention, from the first reader on. */
  readonly group: string;
  /** What to read, from where. `committed` falls back to `earliest`. */
  readonly from: readonly (TopicPartition & { readonly offset: number | 'earliest' | 'latest' | 'committed' })[];
  /**
   * `committed`, unless said otherwise: nothing of a transaction before all of it. `uncommitted` may see records of open and
   * aborted transactions on logs that write them before the commit (Kafka); the embedded log never does.
   */
  readonly isolation?: Isolation;
}

export type Isolation = 'committed' | 'uncommitted';

export interface FetchOptions {
  /** Soft: at least one record is handed out when there is one. */
  readonly maxBytes: number;
  /** How long to wait for the first record; 0 returns at once, [] when there is none. */
  readonly maxWaitMs: number;
  /** How long of the time since the last fetch the caller waited for more to come: a log that counts work leaves it out. */
  readonly restedMs?: number;
  readonly signal?: AbortSignal;
}

/** One fetch at a time. Throws `LOG_POSITION_LOST` (retention passed the position; details say start), `LOG_CLOSED`. */
export interface LogReader {
  fetch(options: FetchOptions): Promise<readonly FetchedRecords[]>;
  seek(position: Position): void;
  /** Stops or resumes handing out these partitions; positions stay. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  positions(): readonly Position[];
  close(): Promise<void>;
}

export interface PartitionBounds extends TopicPartition {
  /** First offset still there. */
  readonly start: number;
  /** Next offset to be written. */
  readonly end: number;
}

/**
 * Throws: `LOG_TOPIC_UNKNOWN`, `LOG_PARTITION_UNKNOWN`, `LOG_RECORD_TOO_LARGE` (limit and size in details), `LOG_FULL`
 * (the disk is), `LOG_OVERLOADED` (more bytes wait for the disk than allowed), `LOG_CLOSED`, `LOG_IO`, `LOG_CORRUPT`.
 * Where brokers are asked also: `LOG_DENIED` (credentials or rights), `LOG_UNTRUSTED` (its certificate), `LOG_PROTOCOL` (a broker of another time),
 * `LOG_TOPIC_REFUSED` (it does not make the topic, and says why).
 */
export interface Log {
  /** Creates what is missing; checks what exists. Throws `LOG_TOPIC_MISMATCH` when partitions or compaction differ. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  topics(): Promise<readonly TopicSpec[]>;
  /** All of them durable when it resolves, in this order within each partition; offsets in the order of `records`. */
  append(records: readonly OutgoingRecord[]): Promise<readonly number[]>;
  /** Under isolation `committed` the end is that of what committed readers see; the default is `uncommitted`: all that was taken. */
  bounds(topic: string, isolation?: Isolation): Promise<readonly PartitionBounds[]>;
  openReader(options: ReaderOptions): Promise<LogReader>;
  /**
   * Positions only move by this, by a member's commit and by transactions; a lower one than before is taken as it is. Durable
   * soon, not at once: redelivery is harmless. Throws `LOG_POSITION_LOST` beyond the end, `LOG_GROUP_IN_USE` when the group has
   * members (they commit), `LOG_TOO_MANY_GROUPS`.
   */
  commit(group: string, positions: readonly Position[]): Promise<void>;
  committed(group: string, partitions: readonly TopicPartition[]): Promise<readonly Position[]>;
  /** Forgets a group, so that it holds nothing back. Throws `LOG_GROUP_IN_USE` when it has members. */
  forget(group: string): Promise<void>;
  /**
   * A producer of transactions. When it resolves every former owner of the id is fenced, here and anywhere, and what it had
   * open is aborted; when it rejects they may be. Throws `LOG_TOO_MANY_PRODUCERS`, `LOG_NAME_INVALID`, `LOG_FULL`, `LOG_IO`.
   */
  openProducer(options: ProducerOptions): Promise<TransactionalProducer>;
  /** Throws `LOG_TOPIC_UNKNOWN`, `LOG_TOO_MANY_MEMBERS`, `LOG_TOO_MANY_GROUPS`, `LOG_NAME_INVALID`. */
  joinGroup(options: GroupOptions): Promise<GroupMember>;
  /** Waits for appends and commits under way, aborts open transactions, refuses everything else. Twice is fine. */
  close(): Promise<void>;
}
