import { assert, type Clock, hash32, messageOf, must, TidemarkError, unreachable } from '@tidemark/base';
import type { LogRecord, OutgoingRecord } from '@tidemark/log';
import type { ProcessorContext } from '../processor/context.ts';
import type { Processor } from '../processor/processor.ts';
import type { RecordMetadata, SourceFacts, StreamRecord } from '../processor/record.ts';
import type { StateStore } from '../state/store.ts';
import { type ProcessorNode, resolveTopic, type SinkNode, type SourceNode } from '../topology/node.ts';
import type { SubTopology } from '../topology/sub-topology.ts';
import { deadLetter } from './dead-letter.ts';
import type { ErrorPolicy, RecordProblem } from './error-policy.ts';
import { PunctuationSchedule } from './punctuate.ts';

// The processors of one task at work, without log or disk: records go in, outgoing records collect in `outbox`.
//
//   process(topic, record) --> deserialize --> stream time --> processors, depth first --> sinks --> outbox
//   tick()                 --> wall-clock punctuations ----------^
//
// The task (stream-task.ts) brings the records, appends the outbox, writes the checkpoints; the test driver does the same
// with arrays.

type AnyRecord = StreamRecord<unknown, unknown>;

interface RunningNode {
  readonly name: string;
  readonly children: RunningNode[];
  receive(record: AnyRecord): void;
}

export interface TaskGraphOptions {
  readonly sub: SubTopology;
  readonly taskId: string;
  readonly partition: number;
  readonly clock: Clock;
  readonly topicPrefix: string;
  /** By name; restored. */
  readonly stores: ReadonlyMap<string, StateStore>;
  /** How many partitions a sink's topic has. */
  readonly partitionsOf: (topic: string) => number;
  readonly errorPolicy: ErrorPolicy;
  readonly deadLetterTopic: string;
  readonly onProblem: (problem: RecordProblem, decision: string) => void;
  readonly onDropped: (reason: string) => void;
  readonly streamTimeMs: number;
  /** Where the task begins to read, by topic. */
  readonly startOffsets: ReadonlyMap<string, number>;
}

export class TaskGraph {
  readonly #options: TaskGraphOptions;
  readonly #sources = new Map<string, { readonly spec: SourceNode; readonly node: RunningNode }>();
  readonly #processors: Processor[] = [];
  readonly #starts: (() => void)[] = [];
  readonly #streamTime = new PunctuationSchedule();
  readonly #wallClock = new PunctuationSchedule();
  #outbox: OutgoingRecord[] = [];
  #outboxBytes = 0;
  #metadata: RecordMetadata | undefined;
  #streamTimeMs: number;
  caughtUp = false;
  commitRequested = false;

  constructor(options: TaskGraphOptions) {
    this.#options = options;
    this.#streamTimeMs = options.streamTimeMs;
    const running = new Map<string, RunningNode>();
    for (const spec of options.sub.nodes) running.set(spec.name, this.#make(spec));
    for (const [name, children] of options.sub.children) {
      for (const child of children) must(running.get(name)).children.push(must(running.get(child)));
    }
  }

  /** Calls every processor's `init`, parents first. */
  init(): void {
    for (const start of this.#starts) start();
  }

  get streamTimeMs(): number {
    return this.#streamTimeMs;
  }

  get outboxBytes(): number {
    return this.#outboxBytes;
  }

  /** Takes one record through the graph. Throws what processors throw, and `STREAMS_RECORD_REFUSED` by the error policy. */
  process(topic: string, record: LogRecord): void {
    const { spec, node } = must(this.#sources.get(topic), `a source reads ${topic}`);
    const { offset } = record;
    const metadata = { topic, partition: this.#options.partition, offset };
    const input = this.#deserialize(spec, record, metadata);
    if (!input) return;
    this.#streamTimeMs = Math.max(this.#streamTimeMs, input.timestampMs);
    this.#metadata = metadata;
    try {
      node.receive(input);
    } finally {
      this.#metadata = undefined;
    }
    this.#streamTime.tick(this.#streamTimeMs);
  }

  /** Calls the wall-clock punctuations that are due. */
  tick(): void {
    this.#wallClock.tick(this.#options.clock.nowMs());
  }

  nextTickMs(): number {
    return this.#wallClock.nextDueMs();
  }

  flush(): void {
    for (const processor of this.#processors) processor.flush?.();
  }

  close(): void {
    for (const processor of this.#processors) processor.close?.();
  }

  /** What sinks got since the last call. */
  takeOutbox(): readonly OutgoingRecord[] {
    const taken = this.#outbox;
    this.#outbox = [];
    this.#outboxBytes = 0;
    return taken;
  }

  #make(spec: SourceNode | ProcessorNode | SinkNode): RunningNode {
    switch (spec.kind) {
      case 'source':
        return this.#makeSource(spec);
      case 'processor':
        return this.#makeProcessor(spec);
      case 'sink':
        return { name: spec.name, children: [], receive: (record) => this.#send(spec, record) };
      default:
        return unreachable(spec);
    }
  }

  #makeSource(spec: SourceNode): RunningNode {
    const children: RunningNode[] = [];
    const node: RunningNode = {
      name: spec.name,
      children,
      receive: (record) => {
        for (const child of children) child.receive(record);
      },
    };
    for (const topic of spec.options.topics) {
      this.#sources.set(resolveTopic(topic, this.#options.topicPrefix), { spec, node });
    }
    return node;
  }

  #makeProcessor(spec: ProcessorNode): RunningNode {
    const processor = spec.supplier();
    this.#processors.push(processor);
    const children: RunningNode[] = [];
    const context = this.#contextFor(spec, children);
    this.#starts.push(() => processor.init?.(context));
    return { name: spec.name, children, receive: (record) => processor.process(record) };
  }

  #contextFor(spec: ProcessorNode, children: readonly RunningNode[]): ProcessorContext {
    const { sub, stores, clock, taskId, partition, startOffsets } = this.#options;
    const connected = new Set(
      sub.stores.filter((store) => store.processors.includes(spec.name)).map((store) => store.builder.name),
    );
    return {
      taskId,
      partition,
      forward: (record, childName) => forwardTo(spec.name, children, record, childName),
      schedule: (intervalMs, type, punctuator) => {
        assert(intervalMs > 0, 'a punctuation has an interval');
        return type === 'stream-time'
          ? this.#streamTime.add(this.#streamTimeMs, intervalMs, punctuator)
          : this.#wallClock.add(clock.nowMs(), intervalMs, punctuator);
      },
      getStateStore: <S extends StateStore>(name: string): S => {
        const store = connected.has(name) ? stores.get(name) : undefined;
        if (!store) {
          const message = `the processor "${spec.name}" is not connected to a store "${name}"; connected: ${[...connected].join(', ') || 'none'}`;
          throw new TidemarkError('STREAMS_STORE_UNKNOWN', message, { processor: spec.name, store: name });
        }
        return store as S;
      },
      recordMetadata: () => this.#metadata,
      startOffset: (topic) => must(startOffsets.get(topic), `the task reads ${topic}`),
      currentStreamTimeMs: () => this.#streamTimeMs,
      currentSystemTimeMs: () => clock.nowMs(),
      caughtUp: () => this.caughtUp,
      drop: (reason) => this.#options.onDropped(reason),
      commit: () => {
        this.commitRequested = true;
      },
    };
  }

  /** Undefined when the error policy let the record go. */
  #deserialize(spec: SourceNode, record: LogRecord, metadata: RecordMetadata): AnyRecord | undefined {
    const facts: SourceFacts = { ...metadata, timestampMs: record.timestampMs, headers: record.headers };
    const { deserializer, keyDeserializer, timestampOf, nullValues } = spec.options;
    try {
      if (record.value === null && !nullValues) throw new TidemarkError('RECORD_EMPTY', 'the record has no value');
      const value = record.value === null ? null : deserializer(record.value, facts);
      const key = record.key !== null && keyDeserializer ? keyDeserializer(record.key, facts) : record.key;
      const timestampMs = timestampOf ? timestampOf(value, facts) : record.timestampMs;
      if (!Number.isFinite(timestampMs)) {
        throw new TidemarkError('RECORD_TIME_INVALID', `the record's time is ${timestampMs}`);
      }
      return { key, value, timestampMs, headers: record.headers };
    } catch (error) {
      this.#refuse(spec, record, metadata, error);
      return undefined;
    }
  }

  #refuse(spec: SourceNode, record: LogRecord, metadata: RecordMetadata, error: unknown): void {
    const reason = error instanceof TidemarkError ? error.code : 'DESERIALIZER_FAILED';
    const problem: RecordProblem = { ...metadata, source: spec.name, reason, message: messageOf(error), error };
    const decision = this.#options.errorPolicy.onRecord(problem);
    this.#options.onProblem(problem, decision);
    const { topic, partition, offset } = metadata;
    if (decision === 'skip') return;
    if (decision === 'fail') {
      throw new TidemarkError(
        'STREAMS_RECORD_REFUSED',
        `the record at ${topic}/${partition} offset ${offset} cannot be read and the error policy says to stop: ${problem.message}`,
        { topic, partition, offset, reason },
        error,
      );
    }
    const why = { reason, message: problem.message, nowMs: this.#options.clock.nowMs() };
    this.#post(deadLetter(this.#options.deadLetterTopic, record, metadata, why));
  }

  #send(spec: SinkNode, record: AnyRecord): void {
    const { topic: ref, serializer, keySerializer, partitioner, headersOf } = spec.options;
    const topic = resolveTopic(ref, this.#options.topicPrefix);
    const value = serializer(record.value);
    const key = keySerializer ? keySerializer(record.key) : bytesOrNull(spec.name, record.key);
    const partitions = this.#options.partitionsOf(topic);
    const taskPartition = this.#options.partition;
    const partition = partitioner
      ? partitioner(record, { key, partitions, taskPartition })
      : key
        ? hash32(key) % partitions
        : taskPartition;
    assert(
      Number.isInteger(partition) && partition >= 0 && partition < partitions,
      `${topic} has partition ${partition}`,
    );
    this.#post({ topic, partition, key, value, headers: headersOf ? headersOf(record) : record.headers });
  }

  #post(record: OutgoingRecord): void {
    this.#outbox.push(record);
    this.#outboxBytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
  }
}

function forwardTo(from: string, children: readonly RunningNode[], record: AnyRecord, childName?: string): void {
  if (childName === undefined) {
    for (const child of children) child.receive(record);
    return;
  }
  const child = children.find(({ name }) => name === childName);
  if (!child) {
    const known = children.map(({ name }) => name).join(', ') || 'none';
    const message = `the processor "${from}" forwards to "${childName}", which is no child of it; children: ${known}`;
    throw new TidemarkError('STREAMS_CHILD_UNKNOWN', message, { processor: from, child: childName });
  }
  child.receive(record);
}

function bytesOrNull(sink: string, key: unknown): Uint8Array | null {
  if (key === null || key === undefined) return null;
  if (key instanceof Uint8Array) return key;
  const message = `the sink "${sink}" has no keySerializer and got a key that is neither bytes nor null`;
  throw new TidemarkError('STREAMS_KEY_NOT_BYTES', message, { sink });
}
