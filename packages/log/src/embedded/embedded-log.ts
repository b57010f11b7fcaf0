import { assert, type Clock, type Disk, type FolderLock, type Logger } from '@tidemark/base';
import { closed, overloaded, recordTooLarge } from '../errors.ts';
import { Groups } from '../groups.ts';
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
import { Producers } from '../producers.ts';
import { PartitionReader } from '../reader.ts';
import { checkRecord } from '../record.ts';
import { checkSameTopic, checkTopicSpec } from '../topic-spec.ts';
import type { Catalog } from './catalog.ts';
import { encodeTopics } from './control-body.ts';
import { tryDisk } from './faults.ts';
import { Kind } from './format.ts';
import { GroupCommit } from './group-commit.ts';
import type { Journal } from './journal.ts';
import type { LogMetrics } from './metrics.ts';
import type { EmbeddedLogOptions } from './options.ts';
import type { Partition } from './partition.ts';
import { PendingAppend } from './pending-append.ts';
import { PositionKeeper } from './position-keeper.ts';
import { positionAt } from './positions.ts';
import { Retainer } from './retainer.ts';
import { openStores } from './stores.ts';
import { TailBudget } from './tail.ts';
import { EmbeddedTransactions } from './transactions.ts';

// The embedded log: all topics of a process in one journal.
//
//   append ---> GroupCommit ---> Journal (files) ---> disk         one write, one sync for everyone who waits
//                    |
//                    v on disk
//               Partition (index, tail) ---> PartitionReader ---> fetch
//                    ^
//   Retainer --------+---- CompactedStore (LevelDB)                lets files go that everyone has passed
//
// Nothing is visible to readers, and no append resolves, before it is synced.

/** What `openEmbeddedLog` found and made. */
export interface LogState {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly logger: Logger;
  readonly metrics: LogMetrics;
  readonly options: EmbeddedLogOptions;
  readonly lock: FolderLock;
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly unmarked: boolean;
}

export class EmbeddedLog implements Log {
  readonly #state: LogState;
  readonly #commits: GroupCommit;
  readonly #retainer: Retainer;
  readonly #tails: TailBudget;
  readonly #readers = new Set<PartitionReader>();
  readonly #touched = new Set<Partition>();
  readonly #producers: Producers;
  readonly #groups: Groups;
  readonly #keeper: PositionKeeper;
  #inFlightBytes = 0;
  #lastMs = 0;
  #closing: Promise<void> | undefined;
  #ensuring: Promise<unknown> = Promise.resolve();

  /** Made by `openEmbeddedLog`. */
  constructor(state: LogState) {
    const { catalog, clock, disk, journal, logger, metrics, options } = state;
    this.#state = state;
    this.#tails = new TailBudget(options.tailBytesMax);
    this.#commits = new GroupCommit(
      {
        journal,
        clock,
        logger,
        metrics,
        options,
        positions: () => this.#keeper.toWrite(),
        roll: () => this.#roll(),
        onGroup: () => this.#wakeReaders(),
      },
      state.unmarked,
    );
    this.#keeper = new PositionKeeper({ catalog, clock, logger, options, flush: () => void this.#commits.flush() });
    this.#retainer = new Retainer({
      catalog,
      clock,
      commits: this.#commits,
      disk,
      journal,
      logger,
      metrics,
      options,
      readerPositions: () => [...this.#readers].flatMap((reader) => reader.positions()),
    });
    const mustBeOpen = () => this.#mustBeOpen();
    this.#producers = new Producers(
      new EmbeddedTransactions({
        catalog,
        clock,
        commits: this.#commits,
        metrics,
        options,
        mustBeOpen,
        weigh: (records) => this.#weigh(records).bytes,
        checkPositions: (group, positions) => this.#keeper.check(group, positions),
        append: (records, bytes) => this.#pending(records, bytes),
      }),
    );
    this.#groups = new Groups({
      clock,
      limits: options,
      mustBeOpen,
      partitionsOf: (topic) => catalog.topic(topic).partitions.map(({ at }) => at),
      register: (group, partitions) => this.#keeper.register(group, partitions),
      commit: (group, positions) => this.#keeper.commit(group, positions),
    });
  }

  /** Part of opening: what was found is on disk, and from now on the journal says so. */
  async begin(): Promise<void> {
    await this.#commits.mark();
    this.#retainer.start();
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#mustBeOpen();
    for (const spec of topics) checkTopicSpec(spec);
    const ensured = this.#ensuring.then(() => this.#createMissing(topics));
    this.#ensuring = ensured.catch(() => undefined);
    await ensured;
  }

  async topics(): Promise<readonly TopicSpec[]> {
    this.#mustBeOpen();
    return [...this.#state.catalog.topics].map(({ spec }) => spec);
  }

  async append(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    try {
      const append = this.#admit(records);
      if (!append) return [];
      this.#inFlightBytes += append.bytes;
      this.#commits.submit(append);
      try {
        return await append.offsets;
      } finally {
        this.#inFlightBytes -= append.bytes;
      }
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'other';
      this.#state.metrics.refused.with(reason).add();
      throw error;
    }
  }

  async bounds(topic: string): Promise<readonly PartitionBounds[]> {
    this.#mustBeOpen();
    return this.#state.catalog.topic(topic).partitions.map((partition) => partition.bounds());
  }

  async openReader(options: ReaderOptions): Promise<LogReader> {
    this.#mustBeOpen();
    const { catalog, clock } = this.#state;
    const assigned = options.from.map((from) => {
      const source = catalog.partition(from);
      return { source, position: this.#keeper.resolve(options.group, source, from.offset) };
    });
    this.#keeper.register(
      options.group,
      assigned.map(({ source, position }) => positionAt(source.at, position)),
    );
    const reader: PartitionReader = new PartitionReader(clock, assigned, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  async commit(group: string, positions: readonly Position[]): Promise<void> {
    this.#mustBeOpen();
    this.#groups.mustHaveNoMembers(group);
    this.#keeper.commit(group, positions);
  }

  async committed(group: string, partitions: readonly TopicPartition[]): Promise<readonly Position[]> {
    this.#mustBeOpen();
    return this.#keeper.committed(group, partitions);
  }

  async forget(group: string): Promise<void> {
    this.#mustBeOpen();
    this.#groups.forget(group);
    this.#keeper.forget(group);
  }

  async openProducer(options: ProducerOptions): Promise<TransactionalProducer> {
    return this.#producers.open(options);
  }

  async joinGroup(options: GroupOptions): Promise<GroupMember> {
    return this.#groups.join(options);
  }

  /** Lets go now what may go, instead of within `retainEveryMs`. */
  async retain(): Promise<void> {
    this.#mustBeOpen();
    await this.#retainer.run();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #admit(records: readonly OutgoingRecord[]): PendingAppend | undefined {
    this.#mustBeOpen();
    const { options } = this.#state;
    const [first] = records;
    if (first === undefined) return undefined;
    const { bytes, partitions } = this.#weigh(records);
    if (bytes > options.inFlightBytesMax) {
      throw recordTooLarge(first, bytes, options.inFlightBytesMax, 'inFlightBytesMax');
    }
    const waiting = this.#inFlightBytes + bytes;
    if (waiting > options.inFlightBytesMax) throw overloaded(waiting, options.inFlightBytesMax);
    return this.#pending(records, bytes, partitions);
  }

  #weigh(records: readonly OutgoingRecord[]): { bytes: number; partitions: Partition[] } {
    const { catalog, options } = this.#state;
    let bytes = 0;
    const partitions = records.map((record) => {
      const partition = catalog.partition(record);
      bytes += checkRecord(record, catalog.spec(partition), options.recordBytesMax);
      return partition;
    });
    return { bytes, partitions };
  }

  #pending(
    records: readonly OutgoingRecord[],
    bytes: number,
    partitions = records.map((record) => this.#state.catalog.partition(record)),
  ): PendingAppend {
    const onWritten = (append: PendingAppend, at: { file: number; length: number }) => this.#wasWritten(append, at);
    return new PendingAppend(records, partitions, bytes, () => this.#timestampMs(), onWritten);
  }

  #wasWritten(append: PendingAppend, at: { readonly file: number; readonly length: number }): void {
    const { journal, metrics } = this.#state;
    const { partitions } = append;
    assert(at.file === journal.current.number, 'groups go to the current file');
    for (const partition of partitions) {
      journal.current.noteRecords(partition, partition.end, append.timestampMs);
      this.#touched.add(partition);
    }
    this.#tails.took(
      partitions.map(({ tail }) => tail),
      at.length,
    );
    metrics.records.add(append.count);
    metrics.bytes.add(at.length);
  }

  #wakeReaders(): void {
    for (const partition of this.#touched) partition.wake();
    this.#touched.clear();
  }

  async #createMissing(topics: readonly TopicSpec[]): Promise<void> {
    this.#mustBeOpen();
    const { catalog, disk, logger, metrics, options } = this.#state;
    const missing = new Map<string, TopicSpec>();
    for (const spec of topics) {
      const found = catalog.find(spec.name)?.spec ?? missing.get(spec.name);
      if (found) checkSameTopic(spec, found);
      else missing.set(spec.name, spec);
    }
    if (missing.size === 0) return;
    let id = catalog.nextId;
    const numbered = [...missing.values()].map((spec) => ({ id: id++, spec: { ...spec } }));
    await this.#commits.write(
      Kind.topics,
      () => encodeTopics(numbered),
      () => {
        for (const topic of numbered) catalog.add(topic);
      },
    );
    await openStores({ disk, folder: options.folder, logger, metrics }, catalog);
  }

  async #roll(): Promise<void> {
    const { catalog, journal } = this.#state;
    await journal.roll((previous) => catalog.snapshot(previous));
    this.#retainer.soon();
  }

  async #close(): Promise<void> {
    const { catalog, journal, lock, logger } = this.#state;
    this.#keeper.stop();
    this.#producers.abortAll();
    this.#groups.closeAll();
    await this.#retainer.stop();
    await this.#ensuring;
    this.#commits.stop();
    await this.#commits.idle();
    await this.#commits.flush();
    await this.#commits.mark();
    if (catalog.positions.isDirty) logger.warn('the last positions could not be written; they will be read again');
    for (const reader of [...this.#readers]) await reader.close();
    for (const store of catalog.stores.values()) await store.close();
    await journal.close();
    await tryDisk('unlock the log', () => lock.release());
  }

  /** Wall time that never goes back within this process: records' times rise with their offsets. */
  #timestampMs(): number {
    this.#lastMs = Math.max(this.#lastMs, this.#state.clock.nowMs());
    return this.#lastMs;
  }

  #mustBeOpen(): void {
    if (this.#closing) throw closed('log');
  }
}
