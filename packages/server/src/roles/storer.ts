import {
  type Clock,
  isTidemarkError,
  type Logger,
  messageOf,
  type SelfMetrics,
  TaskGroup,
  TidemarkError,
} from '@tidemark/base';
import type { FetchedRecords, Log, LogReader, PartitionBounds, Position, TopicPartition } from '@tidemark/log';
import {
  decodeRowBatch,
  decodeSampleBatch,
  type Freshness,
  GENERATIONS,
  type RowBatch,
  type StorePosition,
} from '@tidemark/model';
import type { StorageEngine } from '@tidemark/storage-engine';
import { deleteOf } from './deletes.ts';
import { Precedence } from './precedence.ts';
import { Progress } from './progress.ts';
import { goOnWithout, refillFrom } from './refill.ts';
import type { MarksStore } from './repair/marks-store.ts';
import { Trouble } from './trouble.ts';

// The poll loop between the log and the storage engine.
//
//   log --fetch--> engine.apply --when due--------> engine.checkpoint --> log.commit('storer', positions)
//                               --every half minute--> engine.seal
//
// Topics that are first have a reader of their own, and precedence.ts says who has the next turn: they are at hand within moments
// while the others are minutes behind.
//
// The engine says from where to read, and when a checkpoint is due; the log is told what may go only after a checkpoint holds
// it. When the engine has no room left, it is checkpointed and the same record applied again. A record that cannot be decoded
// is counted, logged and passed: it was acknowledged as these bytes, and holding up all others would help nobody.
//
// Where windows are damaged, it begins earlier (refill.ts): what they lack comes again before anything new.
//
// Marks among the rows (repair/) are saved before the engine's checkpoint and the log is told no more than both hold, so that
// none is lost: a row topic is read again from where the marks were saved, and the engine ignores what it has.

export interface StorerOptions {
  readonly log: Log;
  readonly engine: StorageEngine;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  /** Topics of samples and of rows, with their partitions. */
  readonly sampleTopics: readonly string[];
  readonly rowTopics: readonly string[];
  /** Those whose records are taken before all others. */
  readonly firstTopics?: readonly string[];
  /** Those that this store owns. */
  readonly partitions: readonly number[];
  /** Whose positions on the log these are; each store has its own. */
  readonly group: string;
  /** Of one turn. */
  readonly fetchBytesMax?: number;
  /** Takes the marks that travel among rows: what has to be made anew from raw samples. */
  readonly marks?: MarksStore;
  /** Codes of errors of the log that pass by themselves. */
  readonly passing?: ReadonlySet<string>;
  readonly onFailure: (what: string, error: unknown) => void;
}

// 4 MiB at once; of series never seen before that may be seconds of work, so others get their turn in between.
const FETCH_BYTES = 4 * 1024 * 1024;
const TURN_MS = 50;
// An append ends the wait.
const FETCH_WAIT_MS = 5000;
// 5 s: half of what may wait for a checkpoint is more than comes in that time.
const CHECK_INTERVAL_MS = 5000;
const SEAL_INTERVAL_MS = 30_000;
// While it is not known what is sealed, partitions wait for it.
const LEARN_INTERVAL_MS = 5000;
const RETRY_MS = 100;
const LAG_INTERVAL_MS = 5_000;
const READ_AGAIN_MS = 1000;

export class Storer implements Freshness {
  readonly #options: StorerOptions;
  readonly #tasks: TaskGroup;
  readonly #rowTopics: ReadonlySet<string>;
  #reader: LogReader | undefined;
  #firstReader: LogReader | undefined;
  readonly progress: Progress;
  readonly #noRoom: Trouble;
  readonly #noLog: Trouble;
  readonly #countBad: (topic: string) => void;

  constructor(options: StorerOptions) {
    this.#options = options;
    const { log, clock, sampleTopics: topics, partitions } = options;
    this.progress = new Progress({ log, clock, topics, partitions });
    this.#noRoom = new Trouble(options.clock, options.logger, 'make room in storage');
    this.#noLog = new Trouble(options.clock, options.logger, 'read the log');
    this.#rowTopics = new Set(options.rowTopics);
    this.#tasks = new TaskGroup(options.onFailure);
    const bad = options.metrics.counters('tidemark_storer_bad_records_total', 'Records that could not be decoded.', [
      'topic',
    ]);
    this.#countBad = (topic) => bad.with(topic).add();
    options.metrics.gaugesFrom(
      'tidemark_storer_lag_records',
      'Records of raw samples in the log that are not stored yet, as of the last look.',
      ['topic'],
      () => lagByTopic(this.progress.known),
    );
  }

  async start(): Promise<void> {
    const { engine, log } = this.#options;
    const from = await this.#startPositions();
    for (const position of from) this.progress.applied(position, position.offset);
    const { group, firstTopics = [] } = this.#options;
    const first = from.filter(({ topic }) => firstTopics.includes(topic));
    const rest = from.filter((position) => !first.includes(position));
    const reader = await log.openReader({ group, from: rest });
    this.#reader = reader;
    if (first.length === 0) {
      this.#tasks.spawn('storer', (signal) => this.#poll(reader, signal));
    } else {
      const firstReader = await log.openReader({ group, from: first });
      this.#firstReader = firstReader;
      const precedence = new Precedence(this.#options.clock);
      this.#tasks.spawn('storer', (signal) => this.#poll(reader, signal, precedence));
      this.#tasks.spawn('critical storer', (signal) => this.#pollFirst(firstReader, signal, precedence));
    }
    const checkpointWhenDue = async () => {
      if (engine.checkpointDue()) await this.checkpoint();
    };
    const { clock, logger } = this.#options;
    const spawn = (what: string, intervalMs: () => number, work: () => Promise<void>) => {
      const trouble = new Trouble(clock, logger, what);
      this.#tasks.spawn(what, (signal) => this.#every(signal, intervalMs, trouble, work));
    };
    spawn('checkpoint', () => CHECK_INTERVAL_MS, checkpointWhenDue);
    const sealIntervalMs = () => (engine.sealedUnknown === undefined ? SEAL_INTERVAL_MS : LEARN_INTERVAL_MS);
    spawn('seal', sealIntervalMs, () => this.#seal());
    const measureLag = async () => void (await this.progress.positions(LAG_INTERVAL_MS / 2));
    spawn('measure lag', () => LAG_INTERVAL_MS, measureLag);
  }

  /** Checkpoints, and lets the log release what is now held by the store. */
  async checkpoint(): Promise<void> {
    const { engine, log, marks } = this.#options;
    await marks?.save(this.#rowPositions());
    const positions = await engine.checkpoint();
    await log.commit(
      this.#options.group,
      positions.map((position) => ({ ...position, offset: Math.min(position.offset, this.#markedThrough(position)) })),
    );
  }

  #rowPositions(): Position[] {
    return this.#partitions()
      .filter(({ topic }) => this.#rowTopics.has(topic))
      .map((tp) => ({ ...tp, offset: this.progress.through(tp) }));
  }

  #markedThrough(tp: TopicPartition): number {
    const { marks } = this.#options;
    return (this.#rowTopics.has(tp.topic) ? marks?.position(tp) : undefined) ?? Number.POSITIVE_INFINITY;
  }

  /** Everything acknowledged so far into the store, sealed where a window is over. */
  async flush(timeoutMs: number): Promise<boolean> {
    const caughtUp = await this.caughtUp(timeoutMs);
    await this.checkpoint();
    const { failures } = await this.#options.engine.seal({ supplementsToo: true });
    if (failures.length > 0) throw notSealed(failures);
    return caughtUp;
  }

  async caughtUp(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const startedMs = this.#options.clock.monotonicMs();
    const ends = await this.progress.ends();
    return this.progress.reached(ends, timeoutMs - (this.#options.clock.monotonicMs() - startedMs), signal);
  }

  async close(): Promise<void> {
    await this.#tasks.close();
    await this.#reader?.close();
    await this.#firstReader?.close();
    if (this.#reader) await this.checkpoint();
  }

  #partitions() {
    const topics = [...this.#options.sampleTopics, ...this.#options.rowTopics];
    return topics.flatMap((topic) => this.#options.partitions.map((partition) => ({ topic, partition })));
  }

  /**
   * Where the engine stands; where the log no longer has that, at the log's first record, and it is said. Throws
   * `STORE_AHEAD_OF_LOG`: what the engine has already is not in this log, so new records would be taken for repeats of it.
   */
  async #startPositions(): Promise<Position[]> {
    const { engine, log, logger, marks } = this.#options;
    const positions: Position[] = [];
    for (const tp of this.#partitions()) {
      const stored = engine.position(tp);
      const bounds = (await log.bounds(tp.topic))[tp.partition] as PartitionBounds;
      if (stored > bounds.end) throw aheadOfLog(tp, stored, bounds.end);
      // Marks of another log, whose store is gone: they mean nothing here.
      if (this.#rowTopics.has(tp.topic) && (marks?.position(tp) ?? 0) > bounds.end) marks?.forget();
      const wanted = Math.min(stored, this.#markedThrough(tp));
      if (wanted < bounds.start && wanted !== 0) {
        logger.error('the log dropped records before they were stored: they are lost', {
          ...tp,
          wanted,
          start: bounds.start,
        });
      }
      const again = await refillFrom(this.#options, bounds, stored);
      positions.push({ ...tp, offset: Math.min(again, Math.max(wanted, bounds.start)) });
    }
    return positions;
  }

  async #poll(reader: LogReader, signal: AbortSignal, precedence?: Precedence): Promise<void> {
    while (!signal.aborted) {
      const fetched = await this.#fetch(reader, FETCH_WAIT_MS, signal);
      if (fetched.length > 0) await precedence?.turn(signal);
      await this.#take(fetched, signal, async () => precedence?.turn(signal));
    }
  }

  async #pollFirst(reader: LogReader, signal: AbortSignal, precedence: Precedence): Promise<void> {
    let maxWaitMs = 0;
    while (!signal.aborted) {
      const fetched = await this.#fetch(reader, maxWaitMs, signal);
      await this.#take(fetched, signal, async () => precedence.taken());
      if (fetched.length > 0) precedence.taken();
      else precedence.nothingLeft();
      maxWaitMs = fetched.length > 0 ? 0 : FETCH_WAIT_MS;
    }
  }

  /** A log that is away stops nobody who asks for what is stored: it is tried again. */
  async #fetch(reader: LogReader, maxWaitMs: number, signal: AbortSignal): Promise<readonly FetchedRecords[]> {
    const { fetchBytesMax: maxBytes = FETCH_BYTES, clock, passing } = this.#options;
    try {
      const fetched = await reader.fetch({ maxBytes, maxWaitMs, signal });
      this.#noLog.didNotFail();
      return fetched;
    } catch (error) {
      if (isTidemarkError(error, 'LOG_POSITION_LOST') && goOnWithout(this.#options, reader, error)) return [];
      if (!isTidemarkError(error) || passing?.has(error.code) !== true) throw error;
      this.#noLog.failed(error);
      await clock.sleep(READ_AGAIN_MS, signal);
      return [];
    }
  }

  /** `nextTurn` is waited for where it takes longer than one turn may. */
  async #take(fetched: readonly FetchedRecords[], signal: AbortSignal, nextTurn: () => Promise<void>): Promise<void> {
    const { clock } = this.#options;
    let endMs = clock.monotonicMs() + TURN_MS;
    const onRecord = async () => {
      if (clock.monotonicMs() < endMs) return;
      await this.#letOthers();
      await nextTurn();
      endMs = clock.monotonicMs() + TURN_MS;
    };
    for (const part of fetched) await this.#apply(part, signal, onRecord);
    await this.#letOthers();
  }

  /** Requests and queries get their turn. */
  async #letOthers(): Promise<void> {
    this.progress.wake();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async #apply(
    { topic, partition, records, nextOffset }: FetchedRecords,
    signal: AbortSignal,
    onRecord: () => Promise<void>,
  ): Promise<void> {
    const { engine, logger } = this.#options;
    for (const record of records) {
      await onRecord();
      const { offset, value } = record;
      if (value === null) continue;
      try {
        const deleted = this.#rowTopics.has(topic) ? undefined : deleteOf(topic, partition, record);
        if (deleted !== undefined) {
          while (!this.#hasRoom(() => engine.applyDelete(deleted))) await this.#makeRoom(signal);
          continue;
        }
        while (!this.#applyOne(topic, partition, offset, value)) await this.#makeRoom(signal);
      } catch (error) {
        if (!isTidemarkError(error) || !/^(BATCH|DELETE)_/.test(error.code)) throw error;
        this.#countBad(topic);
        logger.error('a record cannot be decoded and is passed', { topic, partition, offset, error: messageOf(error) });
      }
    }
    engine.advance({ topic, partition }, nextOffset);
    this.progress.applied({ topic, partition }, nextOffset);
  }

  /** False when the engine cannot take the record now; nothing of it was applied then. */
  #applyOne(topic: string, partition: number, offset: number, value: Uint8Array): boolean {
    const { engine } = this.#options;
    return this.#hasRoom(() => {
      if (this.#rowTopics.has(topic)) this.#applyRows(topic, partition, offset, decodeRowBatch(value));
      else engine.applySamples({ topic, partition, offset, batch: decodeSampleBatch(value) });
    });
  }

  #hasRoom(apply: () => void): boolean {
    try {
      apply();
      return true;
    } catch (error) {
      if (isTidemarkError(error, 'STORAGE_OVERLOADED') || isTidemarkError(error, 'STORAGE_MANIFEST_UNKNOWN'))
        return false;
      throw error;
    }
  }

  #applyRows(topic: string, partition: number, offset: number, batch: RowBatch): void {
    const { engine, marks } = this.#options;
    // A batch is of one generation.
    if (batch.rows.generation[0] === GENERATIONS.mark) marks?.add(partition, batch);
    else engine.applyRows({ topic, partition, offset, batch });
  }

  async #makeRoom(signal: AbortSignal): Promise<void> {
    try {
      await this.checkpoint();
      this.#noRoom.succeeded();
    } catch (error) {
      this.#noRoom.failed(error);
    }
    await this.#options.clock.sleep(RETRY_MS, signal);
  }

  /** A window that is over is sealed with a checkpoint of its shard alone; marks go before that one too. */
  async #seal(): Promise<void> {
    const { engine, marks } = this.#options;
    await marks?.save(this.#rowPositions());
    const { failures } = await engine.seal();
    if (failures.length > 0) throw notSealed(failures);
  }

  /** A failed turn is logged and tried again at the next: the log keeps what was not checkpointed. */
  async #every(
    signal: AbortSignal,
    intervalMs: () => number,
    trouble: Trouble,
    work: () => Promise<void>,
  ): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      await clock.sleep(intervalMs(), signal);
      try {
        await work();
        trouble.succeeded();
      } catch (error) {
        trouble.failed(error);
      }
    }
  }
}

function lagByTopic(positions: readonly StorePosition[]): [[string], number][] {
  const lags = new Map<string, number>();
  for (const { topic, offset, end } of positions) lags.set(topic, (lags.get(topic) ?? 0) + Math.max(0, end - offset));
  return [...lags].map(([topic, lag]) => [[topic], lag]);
}

/** The same trouble stands in the way of most. */
function notSealed(failures: readonly string[]): TidemarkError {
  const TOLD_MAX = 3;
  const more = failures.length > TOLD_MAX ? `; and ${failures.length - TOLD_MAX} more` : '';
  const told = failures.slice(0, TOLD_MAX).join('; ');
  return new TidemarkError('STORE_NOT_SEALED', `${told}${more}`, { failures: failures.length });
}

function aheadOfLog(tp: TopicPartition, position: number, end: number): TidemarkError {
  return new TidemarkError(
    'STORE_AHEAD_OF_LOG',
    `storage has read ${tp.topic}/${tp.partition} up to ${position}, but the log ends at ${end}: it is not the log this store was filled from, and new samples would be taken for repeats. Put the log's files back, or set TIDEMARK_DATA to an empty folder`,
    { topic: tp.topic, partition: tp.partition, position, end },
  );
}
