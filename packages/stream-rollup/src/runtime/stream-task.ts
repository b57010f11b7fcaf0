import { assert, type Clock, type Disk, isTidemarkError, type Logger, must, TidemarkError } from '@tidemark/base';
import type { FetchedRecords, Log, LogReader, Position } from '@tidemark/log';
import { resolveTopic } from '../topology/node.ts';
import { type SubTopology, sourceTopicsOf } from '../topology/sub-topology.ts';
import type { ErrorPolicy } from './error-policy.ts';
import type { StreamsMetrics } from './metrics.ts';
import type { StreamsOptions } from './options.ts';
import { TaskGraph } from './task-graph.ts';
import { TaskState } from './task-state.ts';

// One sub-topology on one partition, from start to stop.
//
//   restore -> open reader at the checkpoint -> ( fetch -> process -> append what sinks got )* -> now and then:
//
//   flush -> append -> stores' checkpoints -> manifest (this is the moment) -> commit to the log's group
//
// At least once: a crash anywhere repeats what came after the last manifest, nothing else. What is committed to the group
// is not the position but the least offset from which the state could be rebuilt without its files, so that the log keeps
// it; the position itself is in the manifest.

const LAG_INTERVAL_MS = 1_000;
// What is fetched at once may be a second of work, and this thread has others too: tasks of critical samples among them.
const TURN_MS = 50;

export interface StreamTaskOptions {
  readonly sub: SubTopology;
  readonly partition: number;
  readonly log: Log;
  readonly group: string;
  readonly disk: Disk;
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StreamsMetrics;
  readonly topicPrefix: string;
  readonly errorPolicy: ErrorPolicy;
  readonly deadLetterTopic: string;
  readonly limits: StreamsOptions;
}

/** Also the name of its folder. */
export function taskIdOf({ index }: Pick<SubTopology, 'index'>, partition: number): string {
  return `${index}_${partition}`;
}

export class StreamTask {
  readonly id: string;
  readonly #options: StreamTaskOptions;
  readonly #topics: readonly string[];
  readonly #positions = new Map<string, number>();
  #state: TaskState | undefined;
  #graph: TaskGraph | undefined;
  #reader: LogReader | undefined;
  #lastCommitMs = 0;
  /** Since the last fetch. */
  #restedMs = 0;
  #changed = false;
  #lag = 0;
  #lagObservedMs = Number.NEGATIVE_INFINITY;
  /** Records were processed since. */
  #lagIsOld = false;

  constructor(options: StreamTaskOptions) {
    this.#options = options;
    this.id = taskIdOf(options.sub, options.partition);
    this.#topics = sourceTopicsOf(options.sub).map((topic) => resolveTopic(topic, options.topicPrefix));
  }

  /** Records not processed yet, as of the last look. */
  get lag(): number {
    return this.#lag;
  }

  /**
   * Runs until the signal aborts, then checkpoints and returns. Throws what went wrong; then nothing is checkpointed, and
   * another StreamTask may begin where the last checkpoint was.
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#start();
      await this.#work(signal);
      await this.#commit();
      must(this.#graph).close();
    } finally {
      await this.#reader?.close();
      await this.#state?.close();
    }
  }

  async #start(): Promise<void> {
    const { sub, disk, folder, log, clock, logger, partition } = this.#options;
    const partitionCounts = new Map((await log.topics()).map(({ name, partitions }) => [name, partitions]));
    const state = new TaskState(disk, `${folder}/${this.id}`, this.id, sub);
    this.#state = state;
    const { checkpoint, lost } = await state.restore(logger);
    const from = await this.#startingPoints(checkpoint?.positions, lost !== undefined);
    for (const { topic, offset } of from) this.#positions.set(topic, offset);
    this.#graph = new TaskGraph({
      sub,
      taskId: this.id,
      partition,
      clock,
      topicPrefix: this.#options.topicPrefix,
      stores: state.stores,
      partitionsOf: (topic) => {
        const count = partitionCounts.get(topic);
        if (count !== undefined) return count;
        throw new TidemarkError('STREAMS_TOPIC_UNKNOWN', `the sink's topic ${topic} is not on the log`, { topic });
      },
      errorPolicy: this.#options.errorPolicy,
      deadLetterTopic: this.#options.deadLetterTopic,
      onProblem: ({ topic, offset, reason, message }, decision) => {
        this.#options.metrics.refused.with(reason, decision).add();
        logger.warn('a record cannot be read', { task: this.id, topic, offset, reason, decision, message });
      },
      onDropped: (reason) => this.#options.metrics.dropped.with(reason).add(),
      streamTimeMs: checkpoint?.streamTimeMs ?? Number.NEGATIVE_INFINITY,
      startOffsets: new Map(this.#positions),
    });
    this.#graph.init();
    this.#reader = await log.openReader({ group: this.#options.group, from });
    this.#lastCommitMs = clock.monotonicMs();
  }

  /** From the checkpoint; without one from what the group committed, which is where a rebuild has to begin. */
  async #startingPoints(checkpointed: readonly Position[] | undefined, lost: boolean): Promise<readonly Position[]> {
    const { log, group, partition, logger, metrics } = this.#options;
    const points: Position[] = [];
    let rebuilding = lost;
    for (const topic of this.#topics) {
      const { start, end } = await this.#boundsOf(topic);
      const known = checkpointed?.find((position) => position.topic === topic)?.offset;
      if (known !== undefined && known > end) {
        const message = `the state of task ${this.id} is at offset ${known} of ${topic}/${partition}, which ends at ${end}: it belongs to another log; remove ${this.#options.folder}/${this.id} to rebuild it from this one`;
        throw new TidemarkError('STREAMS_STATE_FOREIGN', message, { topic, partition, position: known, end });
      }
      const [committed] = known === undefined ? await log.committed(group, [{ topic, partition }]) : [];
      if (committed) rebuilding = true;
      const wanted = known ?? committed?.offset ?? start;
      points.push({ topic, partition, offset: Math.max(wanted, start) });
      if (wanted < start)
        logger.error('records are gone before they were read', { task: this.id, topic, wanted, start });
    }
    if (rebuilding) {
      metrics.rebuilds.add();
      const offsets = points.map(({ topic, offset }) => `${topic}:${offset}`).join(' ');
      logger.warn('state is rebuilt by replaying the log', { task: this.id, from: offsets });
    }
    return points;
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#options;
    const graph = must(this.#graph);
    while (!signal.aborted) {
      const idleMs = this.#lagIsOld ? Math.min(LAG_INTERVAL_MS, limits.idleWaitMs) : limits.idleWaitMs;
      const waitMs = Math.max(0, Math.min(idleMs, graph.nextTickMs() - clock.nowMs()));
      const fetched = await this.#fetch(waitMs, signal);
      if (fetched === undefined) return;
      graph.caughtUp = fetched.length === 0;
      for (const records of fetched) await this.#process(records);
      this.#timed(() => graph.tick());
      await this.#append();
      if (graph.commitRequested || clock.monotonicMs() - this.#lastCommitMs >= limits.commitIntervalMs)
        await this.#commit();
      await this.#observeLag();
      await this.#linger(fetched, signal);
    }
  }

  /** No longer than until the next punctuation. */
  async #linger(fetched: readonly FetchedRecords[], signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#options;
    if (limits.lingerMs === 0 || fetched.length === 0) return;
    let bytes = 0;
    for (const { records } of fetched) for (const { value } of records) bytes += value?.length ?? 0;
    const waitMs = Math.min(limits.lingerMs, must(this.#graph).nextTickMs() - clock.nowMs());
    // With half of what a turn may take, more is waiting or soon will be.
    if (bytes * 2 >= limits.fetchBytesMax || waitMs <= 0) return;
    const beganMs = clock.monotonicMs();
    try {
      await clock.sleep(waitMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    this.#restedMs = clock.monotonicMs() - beganMs;
  }

  /** Undefined when the signal aborted. */
  async #fetch(maxWaitMs: number, signal: AbortSignal): Promise<readonly FetchedRecords[] | undefined> {
    const { limits } = this.#options;
    const restedMs = this.#restedMs;
    this.#restedMs = 0;
    try {
      return await must(this.#reader).fetch({ maxBytes: limits.fetchBytesMax, maxWaitMs, restedMs, signal });
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isTidemarkError(error, 'LOG_POSITION_LOST')) throw error;
      await this.#skipLost();
      return [];
    }
  }

  /** Retention passed the reader while the task ran: what is gone is gone; go on with what is there and not yet done. */
  async #skipLost(): Promise<void> {
    const { partition, logger } = this.#options;
    for (const [topic, position] of this.#positions) {
      const { start } = await this.#boundsOf(topic);
      if (position < start) {
        logger.error('records are gone before they were read', { task: this.id, topic, wanted: position, start });
        this.#positions.set(topic, start);
      }
      // In any case: a reader may stand below its task, where a log hands out records again.
      must(this.#reader).seek({ topic, partition, offset: Math.max(position, start) });
    }
  }

  async #process({ topic, records, nextOffset }: FetchedRecords): Promise<void> {
    const { metrics, limits } = this.#options;
    const graph = must(this.#graph);
    const { clock } = this.#options;
    let pauseMs = clock.monotonicMs() + TURN_MS;
    for (const record of records) {
      if (clock.monotonicMs() >= pauseMs) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        pauseMs = clock.monotonicMs() + TURN_MS;
      }
      const position = must(this.#positions.get(topic));
      if (record.offset < position) {
        metrics.redelivered.add();
        continue;
      }
      this.#timed(() => graph.process(topic, record));
      this.#positions.set(topic, record.offset + 1);
      this.#changed = true;
      this.#lagIsOld = true;
      metrics.records.add();
      if (graph.outboxBytes >= limits.outboxBytesMax) await this.#append();
    }
    if (nextOffset > must(this.#positions.get(topic))) this.#positions.set(topic, nextOffset);
  }

  /** Awaited before anything else: what is checkpointed as done has its results in the log. */
  async #append(): Promise<void> {
    const outgoing = must(this.#graph).takeOutbox();
    if (outgoing.length === 0) return;
    this.#changed = true;
    await this.#options.log.append(outgoing);
  }

  async #commit(): Promise<void> {
    const { clock, log, group, partition, metrics } = this.#options;
    const graph = must(this.#graph);
    const state = must(this.#state);
    graph.commitRequested = false;
    this.#lastCommitMs = clock.monotonicMs();
    if (!this.#changed) return;
    const startMs = clock.monotonicMs();
    this.#timed(() => graph.flush());
    await this.#append();
    assert(graph.outboxBytes === 0, 'what was flushed is appended');
    const positions = [...this.#positions].map(([topic, offset]) => ({ topic, partition, offset }));
    await state.checkpoint(positions, graph.streamTimeMs);
    this.#changed = false;
    await log.commit(
      group,
      positions.map((position) => ({ ...position, offset: state.replayFrom(position.offset) })),
    );
    metrics.checkpointSeconds.observe((clock.monotonicMs() - startMs) / 1000);
  }

  /** Asking a log for its bounds may cost a round trip: not more often than anyone looks. */
  async #observeLag(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs < this.#lagObservedMs + LAG_INTERVAL_MS) return;
    this.#lagObservedMs = nowMs;
    this.#lagIsOld = false;
    let lag = 0;
    for (const [topic, position] of this.#positions) lag += Math.max(0, (await this.#boundsOf(topic)).end - position);
    this.#lag = lag;
    this.#options.metrics.lag.with(this.id).set(lag);
  }

  async #boundsOf(topic: string) {
    const { log, partition } = this.#options;
    const bounds = (await log.bounds(topic)).find((each) => each.partition === partition);
    if (bounds) return bounds;
    throw new TidemarkError('STREAMS_PARTITION_UNKNOWN', `${topic} has no partition ${partition}`, {
      topic,
      partition,
    });
  }

  #timed(work: () => void): void {
    const { clock, metrics } = this.#options;
    const startMs = clock.monotonicMs();
    try {
      work();
    } finally {
      metrics.processSeconds.add((clock.monotonicMs() - startMs) / 1000);
    }
  }
}
