import { type Disk, must, SimClock, silentLogger, TidemarkError } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import type { OutgoingRecord } from '@tidemark/log';
import { topicName } from '@tidemark/model';
import type { Serde } from '../dsl/serde.ts';
import { always, type ErrorPolicy, type RecordProblem } from '../runtime/error-policy.ts';
import { TaskGraph } from '../runtime/task-graph.ts';
import { TaskState } from '../runtime/task-state.ts';
import type { StateStore } from '../state/store.ts';
import type { TableStore } from '../state/table-store.ts';
import { resolveTopic } from '../topology/node.ts';
import { sourceTopicsOf } from '../topology/sub-topology.ts';
import type { Topology } from '../topology/topology.ts';
import type { SessionStore } from '../windows/session-store.ts';
import type { WindowStore } from '../windows/window-store.ts';
import { TestInputTopic, TestOutputTopic } from './topics.ts';

export { TestInputTopic, TestOutputTopic, type TestRecord } from './topics.ts';

// A topology in a test: one task per sub-topology, no log, time in the test's hand.
//
//   pipe(topic, record) --> the same graph, stores and checkpoints as in production --> output(topic)
//                                                                |
//   a sink whose topic is also a source is piped in again  <-----+

export interface DriverOptions {
  readonly startMs?: number;
  readonly partition?: number;
  readonly topicPrefix?: string;
  /** What the partitioner of a sink is told; outputs of all partitions are read together. */
  readonly partitions?: number;
  readonly errorPolicy?: ErrorPolicy;
  readonly disk?: Disk;
}

export interface PipedRecord {
  readonly key?: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** When the log took it; by default the wall clock. */
  readonly timestampMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

interface DrivenTask {
  readonly topics: readonly string[];
  state: TaskState;
  graph: TaskGraph;
}

export class TopologyTestDriver {
  readonly clock: SimClock;
  readonly problems: RecordProblem[] = [];
  readonly #topology: Topology;
  readonly #options: DriverOptions;
  readonly #prefix: string;
  readonly #disk: Disk;
  readonly #offsets = new Map<string, number>();
  readonly #outputs = new Map<string, OutgoingRecord[]>();
  readonly #drops = new Map<string, number>();
  /** Sent to topics that are sources too, and not taken yet. */
  readonly #pending: OutgoingRecord[] = [];
  #tasks: DrivenTask[] = [];

  private constructor(topology: Topology, options: DriverOptions) {
    this.#topology = topology;
    this.#options = options;
    this.#prefix = options.topicPrefix ?? 'tidemark';
    this.#disk = options.disk ?? new SimDisk();
    this.clock = new SimClock(options.startMs ?? 0);
  }

  static async start(topology: Topology, options: DriverOptions = {}): Promise<TopologyTestDriver> {
    const driver = new TopologyTestDriver(topology, options);
    await driver.#begin();
    return driver;
  }

  /** Processes one record and all that follows from it. Returns its offset. */
  pipe(topic: string, record: PipedRecord): number {
    const offset = this.#take(topic, record);
    this.#takePending();
    return offset;
  }

  /** How many records processors left out for a reason. */
  dropped(reason: string): number {
    return this.#drops.get(reason) ?? 0;
  }

  #take(topic: string, record: PipedRecord): number {
    const task = this.#tasks.find(({ topics }) => topics.includes(topic));
    if (!task) throw new TidemarkError('DRIVER_TOPIC_UNKNOWN', `no source reads the topic ${topic}`, { topic });
    const offset = this.#offsets.get(topic) ?? 0;
    this.#offsets.set(topic, offset + 1);
    const { key = null, value, timestampMs = this.clock.nowMs(), headers = {} } = record;
    task.graph.process(topic, { offset, timestampMs, key, value, headers });
    this.#drain(task);
    return offset;
  }

  /** The offset the next record of a topic gets. */
  position(topic: string): number {
    return this.#offsets.get(topic) ?? 0;
  }

  /** Moves the wall clock, calling punctuations at their times; between them every task is idle. */
  async advanceWallClock(ms: number): Promise<void> {
    const endMs = this.clock.nowMs() + ms;
    for (;;) {
      const dueMs = Math.min(...this.#tasks.map(({ graph }) => graph.nextTickMs()));
      await this.clock.advance(Math.max(0, Math.min(dueMs, endMs) - this.clock.nowMs()));
      for (const task of this.#tasks) {
        task.graph.tick();
        this.#drain(task);
        this.#takePending();
      }
      if (dueMs > endMs) return;
    }
  }

  createInputTopic<K, V>(topic: string, key: Serde<K>, value: Serde<V>): TestInputTopic<K, V> {
    return new TestInputTopic(
      key,
      value,
      (record) => this.pipe(topic, record),
      () => this.clock.nowMs(),
    );
  }

  createOutputTopic<K, V>(topic: string, key: Serde<K>, value: Serde<V>): TestOutputTopic<K, V> {
    return new TestOutputTopic(topic, key, value, {
      size: () => this.#outputs.get(topic)?.length ?? 0,
      next: () => this.output(topic),
    });
  }

  /** Moves the wall clock, as `advanceWallClock`. */
  advanceWallClockTime(ms: number): Promise<void> {
    return this.advanceWallClock(ms);
  }

  /** Requires: the caller knows the types of keys and values. Throws `DRIVER_STORE_UNKNOWN`. */
  getKeyValueStore<K, V>(name: string): TableStore<K, V> {
    return this.store<TableStore<K, V>>(name);
  }

  /** As `getKeyValueStore`. */
  getWindowStore<K, V>(name: string): WindowStore<K, V> {
    return this.store<WindowStore<K, V>>(name);
  }

  /** As `getKeyValueStore`. */
  getSessionStore<K, V>(name: string): SessionStore<K, V> {
    return this.store<SessionStore<K, V>>(name);
  }

  /** The next output record of a topic, in the order in which they were sent. */
  output(topic: string): OutgoingRecord | undefined {
    return this.#outputs.get(topic)?.shift();
  }

  /** All that is left to read. */
  outputs(topic: string): readonly OutgoingRecord[] {
    return this.#outputs.get(topic)?.splice(0) ?? [];
  }

  /** Requires: the caller knows the store's class. */
  store<S extends StateStore>(name: string): S {
    for (const { state } of this.#tasks) {
      const store = state.stores.get(name);
      if (store) return store as S;
    }
    throw new TidemarkError('DRIVER_STORE_UNKNOWN', `the topology has no store ${name}`, { name });
  }

  /** Whether a processor asked for a checkpoint since the last one. */
  get commitRequested(): boolean {
    return this.#tasks.some(({ graph }) => graph.commitRequested);
  }

  /** Flushes and makes state durable, as a task does. */
  async checkpoint(): Promise<void> {
    for (const task of this.#tasks) {
      task.graph.commitRequested = false;
      task.graph.flush();
      this.#drain(task);
      this.#takePending();
      const positions = task.topics.map((topic) => ({ topic, partition: 0, offset: this.#offsets.get(topic) ?? 0 }));
      await task.state.checkpoint(positions, task.graph.streamTimeMs);
    }
  }

  /** Forgets everything since the last checkpoint and begins again there; piping goes on at its offsets. */
  async crash(): Promise<void> {
    for (const { state } of this.#tasks) await state.close();
    await this.#begin();
  }

  async close(): Promise<void> {
    await this.checkpoint();
    for (const { graph, state } of this.#tasks) {
      graph.close();
      await state.close();
    }
    this.#tasks = [];
  }

  async #begin(): Promise<void> {
    this.#tasks = [];
    for (const sub of this.#topology.subTopologies()) {
      const partition = this.#options.partition ?? 0;
      const taskId = `${sub.index}_${partition}`;
      const topics = sourceTopicsOf(sub).map((topic) => resolveTopic(topic, this.#prefix));
      const state = new TaskState(this.#disk, taskId, taskId, sub);
      const { checkpoint } = await state.restore(silentLogger);
      for (const topic of topics) {
        const position = checkpoint?.positions.find((each) => each.topic === topic);
        this.#offsets.set(topic, position?.offset ?? 0);
      }
      const graph = new TaskGraph({
        sub,
        taskId,
        partition,
        clock: this.clock,
        topicPrefix: this.#prefix,
        stores: state.stores,
        partitionsOf: () => this.#options.partitions ?? partition + 1,
        errorPolicy: this.#options.errorPolicy ?? always('fail'),
        deadLetterTopic: topicName('dead-letter', this.#prefix),
        onProblem: (problem) => this.problems.push(problem),
        onDropped: (reason) => this.#drops.set(reason, this.dropped(reason) + 1),
        streamTimeMs: checkpoint?.streamTimeMs ?? Number.NEGATIVE_INFINITY,
        startOffsets: new Map(this.#offsets),
      });
      graph.caughtUp = true;
      graph.init();
      this.#tasks.push({ topics, state, graph });
    }
  }

  #drain(task: DrivenTask): void {
    for (const record of task.graph.takeOutbox()) {
      const { topic } = record;
      if (!this.#outputs.has(topic)) this.#outputs.set(topic, []);
      must(this.#outputs.get(topic)).push(record);
      if (this.#tasks.some(({ topics }) => topics.includes(topic))) {
        this.#pending.push(record);
      }
    }
  }

  /** In the order in which they were sent: all of one record before what follows from the first. */
  #takePending(): void {
    for (let next = this.#pending.shift(); next; next = this.#pending.shift()) {
      this.#take(next.topic, { key: next.key, value: next.value, headers: next.headers ?? {} });
    }
  }
}
