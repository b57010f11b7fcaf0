import { assert, type Clock, TidemarkError } from '@tidemark/base';
import { closed, overloaded, partitionUnknown, positionLost, recordTooLarge, topicUnknown } from '../errors.ts';
import { type GroupLimits, Groups } from '../groups.ts';
import type {
  GroupMember,
  GroupOptions,
  Log,
  LogReader,
  OutgoingRecord,
  PartitionBounds,
  Position,
  ProducerOptions,
  ReaderOptions,
  TopicPartition,
  TopicSpec,
  TransactionalProducer,
} from '../log.ts';
import { Producers, type TransactionLimits, type WholeTransaction } from '../producers.ts';
import { PartitionReader } from '../reader.ts';
import { checkRecord, NO_HEADERS } from '../record.ts';
import { checkSameTopic, checkTopicSpec } from '../topic-spec.ts';
import { FaultPlan } from './fault-plan.ts';
import { SimPartition } from './sim-partition.ts';
import { SimPositions } from './sim-positions.ts';

// A log in memory, deterministic, misbehaving to order. What a user of logs must survive here:
//
//   append     slow; rejected before it was taken; rejected after it was taken (so a retry doubles it)
//   delivery   the same records again, from an earlier position (`redeliver`)
//   commit     of a transaction: slow; its answer lost, with or without the transaction (LOG_OUTCOME_UNKNOWN); fenced
//   offsets    with gaps behind transactions
//   members    one that is silent loses its partitions after a session timeout (`silence`)
//   positions  commits younger than the last sync forgotten at a crash
//   retention  a reader that fell behind finds its position gone (`retain`, `cutOff`)
//   crash      everyone's reader and append under way end with LOG_CLOSED; `crash` answers the log as it is found again

export interface SimLogOptions extends Partial<TransactionLimits>, Partial<GroupLimits> {
  readonly clock: Clock;
  readonly recordBytesMax?: number;
  readonly inFlightBytesMax?: number;
  readonly groupsMax?: number;
  /** `retain` cuts off records older than this, read or not. */
  readonly retainMaxMs?: number;
  /** `retain` drops tombstones older than this, passed or not. */
  readonly tombstoneMaxMs?: number;
  /** How long a silent member keeps its partitions. */
  readonly sessionMaxMs?: number;
  /** A commit older than this survives a crash by itself. */
  readonly positionsSyncMs?: number;
}

// The embedded log's defaults, so that what fits here fits there.
const RECORD_BYTES_MAX = 8 * 1024 * 1024;
const IN_FLIGHT_BYTES_MAX = 64 * 1024 * 1024;
const TOMBSTONE_MAX_MS = 24 * 3_600_000;
const LIMITS: TransactionLimits & GroupLimits = {
  producersMax: 1000,
  transactionBytesMax: 16 * 1024 * 1024,
  openTransactionBytesMax: 64 * 1024 * 1024,
  transactionMaxMs: 60_000,
  groupMembersMax: 200,
  rebalanceMaxMs: 60_000,
};
// Kafka's session.timeout.ms.
const SESSION_MAX_MS = 45_000;

interface SimTopic {
  readonly spec: TopicSpec;
  readonly partitions: readonly SimPartition[];
}

export class SimLog implements Log {
  readonly faults = new FaultPlan();
  readonly #clock: Clock;
  readonly #options: SimLogOptions;
  readonly #topics = new Map<string, SimTopic>();
  readonly #readers = new Set<PartitionReader>();
  #positions: SimPositions;
  readonly #producers: Producers;
  readonly #groups: Groups;
  #lastEpoch = 0;
  #inFlightBytes = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;
  #crashed = false;

  constructor(options: SimLogOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#positions = new SimPositions(options);
    const { clock } = options;
    const limits = { ...LIMITS, ...options };
    const mustBeOpen = () => this.#mustBeOpen();
    this.#producers = new Producers({
      clock,
      limits,
      mustBeOpen,
      weigh: (records) => this.#weigh(records),
      checkPositions: (group, positions) => this.#checkPositions(group, positions),
      nextEpoch: () => this.#inTurn(async () => ++this.#lastEpoch),
      write: (transaction) => this.#inTurn(() => this.#takeTransaction(transaction)),
      ended: () => undefined,
    });
    this.#groups = new Groups({
      clock,
      limits,
      mustBeOpen,
      partitionsOf: (topic) => this.#topic(topic).partitions.map(({ at }) => at),
      register: (group, partitions) => {
        const missing = partitions.filter((at) => !this.#positions.knows(group, at));
        const from = missing.map((at) => ({ ...at, offset: this.#partition(at).start }));
        this.#positions.hold(group, from, false);
      },
      commit: (group, positions) => {
        this.#checkPositions(group, positions);
        this.#positions.hold(group, positions, true);
      },
    });
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#mustBeOpen();
    for (const spec of topics) {
      checkTopicSpec(spec);
      const found = this.#topics.get(spec.name);
      if (found) checkSameTopic(spec, found.spec);
    }
    for (const spec of topics) {
      if (this.#topics.has(spec.name)) continue;
      const partitions = Array.from({ length: spec.partitions }, (_, partition) =>
        this.#adopt(new SimPartition({ topic: spec.name, partition })),
      );
      this.#topics.set(spec.name, { spec, partitions });
    }
  }

  async topics(): Promise<readonly TopicSpec[]> {
    this.#mustBeOpen();
    return [...this.#topics.values()].map(({ spec }) => spec);
  }

  async append(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    this.#mustBeOpen();
    const bytes = this.#weigh(records);
    const limit = this.#options.inFlightBytesMax ?? IN_FLIGHT_BYTES_MAX;
    const [first] = records;
    if (first !== undefined && bytes > limit) throw recordTooLarge(first, bytes, limit, 'inFlightBytesMax');
    if (this.#inFlightBytes + bytes > limit) throw overloaded(this.#inFlightBytes + bytes, limit);
    this.#inFlightBytes += bytes;
    try {
      return await this.#inTurn(() => this.#take(records));
    } finally {
      this.#inFlightBytes -= bytes;
    }
  }

  async bounds(topic: string): Promise<readonly PartitionBounds[]> {
    this.#mustBeOpen();
    return this.#topic(topic).partitions.map((partition) => partition.bounds());
  }

  async openReader(options: ReaderOptions): Promise<LogReader> {
    this.#mustBeOpen();
    const assigned = options.from.map((from) => {
      const source = this.#partition(from);
      const { start, end } = source.bounds();
      let position = start;
      if (from.offset === 'latest') position = end;
      else if (from.offset === 'committed') position = this.#positions.committed(options.group, from) ?? start;
      else if (from.offset !== 'earliest') position = from.offset;
      return { source, position, known: this.#positions.knows(options.group, from) };
    });
    const registered = assigned
      .filter(({ known }) => !known)
      .map(({ source, position }) => ({ ...source.at, offset: position }));
    this.#positions.hold(options.group, registered, false);
    const reader: PartitionReader = new PartitionReader(this.#clock, assigned, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  async commit(group: string, positions: readonly Position[]): Promise<void> {
    this.#mustBeOpen();
    this.#groups.mustHaveNoMembers(group);
    this.#checkPositions(group, positions);
    this.#positions.hold(group, positions, true);
  }

  async committed(group: string, partitions: readonly TopicPartition[]): Promise<readonly Position[]> {
    this.#mustBeOpen();
    return partitions.flatMap((at) => {
      this.#partition(at);
      const offset = this.#positions.committed(group, at);
      return offset === undefined ? [] : [{ topic: at.topic, partition: at.partition, offset }];
    });
  }

  async forget(group: string): Promise<void> {
    this.#mustBeOpen();
    this.#groups.forget(group);
    this.#positions.forget(group);
  }

  async openProducer(options: ProducerOptions): Promise<TransactionalProducer> {
    return this.#producers.open(options);
  }

  async joinGroup(options: GroupOptions): Promise<GroupMember> {
    return this.#groups.join(options);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#producers.abortAll();
    this.#groups.closeAll();
    await this.#tail;
    for (const reader of [...this.#readers]) await reader.close();
    this.syncPositions();
  }

  /** The log as the next process finds it after this one died. Everything of this one ends with LOG_CLOSED. */
  crash(): SimLog {
    assert(!this.#crashed, 'a log crashes once');
    this.#closed = true;
    this.#crashed = true;
    this.#producers.abortAll();
    this.#groups.closeAll();
    for (const reader of [...this.#readers]) void reader.close();
    return this.#copy(this.#options, true);
  }

  /** The log as it is opened again after `close`, or after a crash. */
  reopen(options: SimLogOptions = this.#options): SimLog {
    this.#closed = true;
    return this.#copy(options, false);
  }

  /** All commits so far survive a crash. */
  syncPositions(): void {
    this.#positions.sync();
  }

  /** Nothing is heard of this member any more: when its session is over, the others get its partitions. */
  silence(memberId: string): void {
    const ms = this.#options.sessionMaxMs ?? SESSION_MAX_MS;
    this.#clock.after(ms, () => this.#groups.expel(memberId, 'nothing was heard of it for the length of a session'));
  }

  /** Every open reader gets up to so many offsets of each partition again. */
  redeliver(records: number): void {
    for (const reader of this.#readers) reader.rewind(records);
  }

  /** Drops what every group has passed and what is too old; compacts. */
  retain(): void {
    const nowMs = this.#clock.nowMs();
    const cutMs = nowMs - (this.#options.retainMaxMs ?? Number.POSITIVE_INFINITY);
    const tombstoneMs = nowMs - (this.#options.tombstoneMaxMs ?? TOMBSTONE_MAX_MS);
    for (const { spec, partitions } of this.#topics.values()) {
      for (const partition of partitions) {
        if (spec.compacted) partition.compact(this.#leastPosition(partition), tombstoneMs);
        else this.#release(partition, cutMs);
      }
    }
  }

  /** As if a cap had cut this partition. */
  cutOff(at: TopicPartition, start: number): void {
    this.#partition(at).release(start);
  }

  #copy(options: SimLogOptions, crashed: boolean): SimLog {
    const copy = new SimLog(options);
    copy.#lastEpoch = this.#lastEpoch;
    for (const [name, { spec, partitions }] of this.#topics) {
      copy.#topics.set(name, { spec, partitions: partitions.map((partition) => copy.#adopt(partition.copy())) });
    }
    copy.#positions = this.#positions.copy(options, crashed);
    return copy;
  }

  async #take(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    if (this.faults.appendDelayMs > 0) await this.#clock.sleep(this.faults.appendDelayMs);
    if (this.#crashed) throw closed('log');
    const fault = this.faults.takeAppendFault();
    if (fault?.when === 'before') throw ordered(fault.code, 'before it was taken');
    const offsets = this.#push(records);
    this.#wakeReaders();
    if (fault) throw ordered(fault.code, 'after it was taken');
    return offsets;
  }

  async #takeTransaction({ records, positions }: WholeTransaction): Promise<readonly number[]> {
    if (this.faults.commitDelayMs > 0) await this.#clock.sleep(this.faults.commitDelayMs);
    if (this.#crashed) throw closed('log');
    const fault = this.faults.takeCommitFault();
    if (fault?.when === 'before') throw ordered(fault.code, 'before it was taken');
    const offsets = this.#push(records);
    if (this.faults.controlRecords)
      for (const at of new Set(records.map((record) => this.#partition(record)))) at.end++;
    this.#positions.settle(positions);
    this.#wakeReaders();
    if (fault) throw ordered(fault.code, 'after it was taken');
    return offsets;
  }

  #push(records: readonly OutgoingRecord[]): number[] {
    const timestampMs = this.#clock.nowMs();
    return records.map(({ topic, partition, key, value, headers }) =>
      this.#partition({ topic, partition }).push({ timestampMs, key, value, headers: headers ?? NO_HEADERS }),
    );
  }

  #wakeReaders(): void {
    for (const { partitions } of this.#topics.values()) for (const partition of partitions) partition.wake();
  }

  /** One after another, in the order of asking, whatever became of those before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const taken = this.#tail.then(work);
    this.#tail = taken.then(
      () => undefined,
      () => undefined,
    );
    return taken;
  }

  #weigh(records: readonly OutgoingRecord[]): number {
    let bytes = 0;
    for (const record of records) {
      this.#partition(record);
      const { spec } = this.#topic(record.topic);
      bytes += checkRecord(record, spec, this.#options.recordBytesMax ?? RECORD_BYTES_MAX);
    }
    return bytes;
  }

  /** Throws `LOG_POSITION_LOST`, `LOG_TOO_MANY_GROUPS`. */
  #checkPositions(group: string, positions: readonly Position[]): void {
    for (const position of positions) {
      const { end, start } = this.#partition(position).bounds();
      if (position.offset > end || position.offset < 0) throw positionLost(position, position.offset, start, end);
    }
    this.#positions.mayAdd(group);
  }

  #release(partition: SimPartition, cutMs: number): void {
    const offsets = this.#positions.offsetsAt(partition.at);
    if (offsets.length > 0) partition.release(Math.min(...offsets));
    const firstYoung = partition.records.find((record) => record.timestampMs >= cutMs);
    partition.release(firstYoung?.offset ?? partition.end);
  }

  /** Below this every open reader and every group has been. */
  #leastPosition(partition: SimPartition): number {
    const open = [...this.#readers].flatMap((reader) => reader.positions());
    const here = open.filter((position) => isAt(position, partition.at)).map(({ offset }) => offset);
    return Math.min(partition.end, ...here, ...this.#positions.offsetsAt(partition.at));
  }

  #adopt(partition: SimPartition): SimPartition {
    partition.delay = () => {
      const { readDelayMs } = this.faults;
      return readDelayMs > 0 ? this.#clock.sleep(readDelayMs) : undefined;
    };
    return partition;
  }

  #topic(name: string): SimTopic {
    const topic = this.#topics.get(name);
    if (!topic) throw topicUnknown(name);
    return topic;
  }

  #partition(at: TopicPartition): SimPartition {
    const { partitions } = this.#topic(at.topic);
    const partition = partitions[at.partition];
    if (!partition) throw partitionUnknown(at, partitions.length);
    return partition;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw closed('log');
  }
}

function isAt(a: TopicPartition, b: TopicPartition): boolean {
  return a.topic === b.topic && a.partition === b.partition;
}

function ordered(code = 'LOG_IO', when: string): TidemarkError {
  return new TidemarkError(code, `append fails as ordered, ${when}`, { when });
}
