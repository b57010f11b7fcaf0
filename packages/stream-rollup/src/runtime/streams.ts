import {
  type Clock,
  type Disk,
  isTidemarkError,
  type Logger,
  messageOf,
  TaskGroup,
  TidemarkError,
} from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { topicName } from '@tidemark/model';
import { resolveTopic } from '../topology/node.ts';
import { sourceTopicsOf } from '../topology/sub-topology.ts';
import { internalTopicName, type Topology } from '../topology/topology.ts';
import { always, type ErrorPolicy } from './error-policy.ts';
import { type StreamsMetrics, streamsMetrics } from './metrics.ts';
import { DEFAULT_STREAMS_OPTIONS, type StreamsOptions } from './options.ts';
import { StreamTask, type StreamTaskOptions, taskIdOf } from './stream-task.ts';
import { forgetState } from './task-state.ts';

// 7 days, where a log deletes by time: an application may stand still that long.
const INTERNAL_RETENTION_MS = 7 * 24 * 60 * 60_000;

// A topology at work: one task per sub-topology and partition, each restarted by itself when it fails.

export interface StartStreams {
  readonly topology: Topology;
  readonly log: Log;
  /** Also the name under which the log knows how far we are. */
  readonly group: string;
  /** How many partitions every source topic has. */
  readonly partitions: number;
  /** Those that are worked on here; all of them unless said otherwise. The state of others is let go: whoever has them moves on. */
  readonly owned?: readonly number[];
  readonly disk: Disk;
  /** Where state is kept, relative to the disk's root. */
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: StreamsMetrics;
  readonly topicPrefix?: string;
  /** By default a record that cannot be read is skipped, counted and logged. */
  readonly errorPolicy?: ErrorPolicy;
  readonly options?: Partial<StreamsOptions>;
}

/** `restarting`: some task waits to begin again. `failed`: some task stopped for good, by the error policy. */
export type StreamsState = 'running' | 'restarting' | 'failed' | 'closed';

export interface Streams {
  readonly state: StreamsState;
  /** Records not processed yet, all tasks together, as of their last look. */
  readonly lag: number;
  /** Why the state is what it is, for people; empty while running. */
  readonly problems: ReadonlyMap<string, string>;
  /** Checkpoints every task, then returns. Throws the first error met on the way. Twice is fine. */
  close(): Promise<void>;
}

/** Throws `TOPOLOGY_INVALID`, `STREAMS_TOPIC_MISMATCH` (a source topic is absent or has other partitions), the log's errors. */
export async function startStreams(start: StartStreams): Promise<Streams> {
  const prefix = start.topicPrefix ?? 'tidemark';
  const subs = start.topology.subTopologies(start.group);
  await makeInternalTopics(start);
  await checkTopics(start, prefix);
  const app = new StreamsApp(start.clock, start.logger, start.metrics ?? streamsMetrics(), {
    ...DEFAULT_STREAMS_OPTIONS,
    ...start.options,
  });
  const owned = new Set(start.owned ?? Array.from({ length: start.partitions }, (_, partition) => partition));
  for (const sub of subs) {
    for (let partition = 0; partition < start.partitions; partition++) {
      if (!owned.has(partition)) {
        await forgetState(start.disk, `${start.folder}/${taskIdOf(sub, partition)}`);
        continue;
      }
      app.spawn({
        sub,
        partition,
        log: start.log,
        group: start.group,
        disk: start.disk,
        folder: start.folder,
        clock: start.clock,
        logger: start.logger,
        metrics: app.metrics,
        topicPrefix: prefix,
        errorPolicy: start.errorPolicy ?? always('skip'),
        deadLetterTopic: topicName('dead-letter', prefix),
        limits: app.options,
      });
    }
  }
  return app;
}

async function makeInternalTopics({ topology, log, group, partitions }: StartStreams): Promise<void> {
  const names = topology.internalTopics.map((topic) => internalTopicName(topic, group));
  if (names.length === 0) return;
  await log.ensureTopics(
    names.map((name) => ({ name, partitions, compacted: false, retentionMs: INTERNAL_RETENTION_MS })),
  );
}

async function checkTopics(start: StartStreams, prefix: string): Promise<void> {
  const counts = new Map((await start.log.topics()).map(({ name, partitions }) => [name, partitions]));
  for (const sub of start.topology.subTopologies(start.group)) {
    for (const ref of sourceTopicsOf(sub)) {
      const topic = resolveTopic(ref, prefix);
      const found = counts.get(topic);
      if (found === start.partitions) continue;
      const has = found === undefined ? 'is not on the log' : `has ${found} partitions`;
      throw new TidemarkError(
        'STREAMS_TOPIC_MISMATCH',
        `the source topic ${topic} ${has}; this application is to run on ${start.partitions}`,
        { topic, partitions: found, expected: start.partitions },
      );
    }
  }
}

class StreamsApp implements Streams {
  readonly metrics: StreamsMetrics;
  readonly options: StreamsOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #group: TaskGroup;
  /** The task now at work, by id. */
  readonly #tasks = new Map<string, StreamTask>();
  readonly problems = new Map<string, string>();
  #hasFailed = false;
  #closed = false;
  #closingError: unknown;

  constructor(clock: Clock, logger: Logger, metrics: StreamsMetrics, options: StreamsOptions) {
    this.metrics = metrics;
    this.options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#group = new TaskGroup((name, error) => {
      this.#hasFailed = true;
      this.problems.set(name, messageOf(error));
      logger.error('a task stopped for good', { task: name, error: messageOf(error) });
    });
  }

  get state(): StreamsState {
    if (this.#closed) return 'closed';
    if (this.#hasFailed) return 'failed';
    return this.problems.size > 0 ? 'restarting' : 'running';
  }

  get lag(): number {
    let lag = 0;
    for (const task of this.#tasks.values()) lag += task.lag;
    return lag;
  }

  spawn(options: StreamTaskOptions): void {
    const { id } = new StreamTask(options);
    this.#group.spawn(id, (signal) => this.#supervise(options, signal));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#group.close();
    const error = this.#closingError;
    this.#closingError = undefined;
    if (error !== undefined) throw error;
  }

  /** Begins the task again from its checkpoint whenever it fails, until the signal aborts. */
  async #supervise(options: StreamTaskOptions, signal: AbortSignal): Promise<void> {
    let delayMs = this.options.restartDelayMs;
    while (!signal.aborted) {
      const startMs = this.#clock.nowMs();
      const task = new StreamTask(options);
      this.#tasks.set(task.id, task);
      const settle = this.#clock.after(this.options.restartDelayMaxMs, () => this.problems.delete(task.id));
      try {
        await task.run(signal);
      } catch (error) {
        if (signal.aborted) {
          this.#closingError ??= error;
          this.#logger.error('a task could not checkpoint while closing', { task: task.id, error: messageOf(error) });
          return;
        }
        if (isTidemarkError(error, 'STREAMS_RECORD_REFUSED') || isTidemarkError(error, 'STREAMS_STATE_FOREIGN')) {
          throw error;
        }
        // A task that ran for a while begins again soon: it is another trouble.
        if (this.#clock.nowMs() - startMs > this.options.restartDelayMaxMs) delayMs = this.options.restartDelayMs;
        this.#report(task.id, error, delayMs);
      } finally {
        settle();
      }
      await this.#pause(delayMs, signal);
      delayMs = Math.min(delayMs * 2, this.options.restartDelayMaxMs);
    }
  }

  #report(task: string, error: unknown, delayMs: number): void {
    this.metrics.restarts.add();
    this.problems.set(task, messageOf(error));
    this.#logger.error('a task failed and begins again from its checkpoint', {
      task,
      error: messageOf(error),
      delayMs,
    });
  }

  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(delayMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
