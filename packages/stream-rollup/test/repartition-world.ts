import { type LogLevel, SelfMetrics, SimClock, TidemarkError } from '@tidemark/base';
import type { LogRecord } from '@tidemark/log';
import { SimLog } from '@tidemark/log/sim';
import {
  type AppendOutcome,
  encodeSampleRecord,
  formatLabels,
  SAMPLE_SCHEMA,
  type SampleBatch,
  type SampleFields,
  type SampleSink,
  type SchemaSource,
  sectionLabels,
  wordsOf,
} from '@tidemark/model';
import { REPARTITION_GROUP, type Repartition, type StartRepartition, startRepartition } from '../src/index.ts';

// The repartition stage between a simulated log, a sink that remembers and refuses to order, and a registry that is slow, lies or
// is away to order.

export const T0 = 1_795_000_000_000;
export const OURS = 7;
export const SAMPLES = 'tidemark.samples';

/** What the sink was given, as `tenant series value @ time`. */
export class RecordingSink implements SampleSink {
  readonly taken: string[] = [];
  readonly words: number[] = [];
  readonly batches: SampleBatch[] = [];
  /** Thrown instead of the next answers. */
  readonly failures: Error[] = [];

  async append(batch: SampleBatch): Promise<AppendOutcome> {
    const failure = this.failures.shift();
    if (failure) throw failure;
    this.batches.push(batch);
    const words = wordsOf(batch.values);
    for (const [i, series] of batch.sampleSeries.entries()) {
      const labels = formatLabels(sectionLabels(batch.series, series));
      this.taken.push(`${batch.tenant} ${labels} ${batch.values[i]} @ ${(batch.timestampsMs[i] as number) - T0}`);
      this.words.push(words[i * 2] as number, words[i * 2 + 1] as number);
    }
    return { accepted: batch.values.length, refused: [] };
  }
}

export class SimRegistry implements SchemaSource {
  readonly schemas = new Map<number, string>([[OURS, SAMPLE_SCHEMA]]);
  readonly asked: number[] = [];
  /** `silent`: never answers. */
  mood: 'well' | 'away' | 'silent' = 'well';
  delayMs = 0;
  readonly #clock: SimClock;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  async byId(id: number, signal?: AbortSignal): Promise<string> {
    this.asked.push(id);
    if (this.mood === 'silent') await new Promise<never>(() => undefined);
    if (this.delayMs > 0) await this.#clock.sleep(this.delayMs, signal);
    if (this.mood === 'away') throw new TidemarkError('REGISTRY_UNREACHABLE', 'connection refused');
    const schema = this.schemas.get(id);
    if (schema === undefined) throw new TidemarkError('SCHEMA_UNKNOWN', `there is no schema ${id}`);
    return schema;
  }

  async register(): Promise<number> {
    return OURS;
  }
}

type More = Partial<Pick<StartRepartition, 'topics' | 'options' | 'patience'>>;

export class RepartitionWorld {
  readonly clock = new SimClock(T0);
  readonly sink = new RecordingSink();
  readonly registry = new SimRegistry(this.clock);
  readonly said: string[] = [];
  metrics = new SelfMetrics();
  log: SimLog;
  #stage: Repartition | undefined;
  readonly #more: More;

  constructor(more: More = {}) {
    this.#more = more;
    this.log = new SimLog({ clock: this.clock });
  }

  static async start(more: More = {}): Promise<RepartitionWorld> {
    const world = new RepartitionWorld(more);
    const topics = [...(more.topics ?? []).map(({ topic }) => topic), SAMPLES].filter(
      (t, i, all) => all.indexOf(t) === i,
    );
    const spec = (name: string, partitions: number) => ({ name, partitions, compacted: false, retentionMs: 0 });
    await world.log.ensureTopics([...topics.map((name) => spec(name, 2)), spec('tidemark.dead-letter', 1)]);
    world.begin();
    return world;
  }

  begin(): void {
    this.#stage = startRepartition({
      log: this.log,
      sink: this.sink,
      schemas: this.registry,
      topics: [{ topic: SAMPLES, tenant: undefined }],
      clock: this.clock,
      logger: this.#logger(),
      metrics: this.metrics,
      ...this.#more,
    });
  }

  /** The process dies; the next one finds the log. */
  async crash(): Promise<void> {
    const old = this.#stage;
    this.log = this.log.crash();
    this.metrics = new SelfMetrics();
    await this.closing(old);
    this.begin();
  }

  async close(): Promise<void> {
    await this.closing(this.#stage);
  }

  /** Time passes until it is closed. */
  async closing(stage: Repartition | undefined): Promise<void> {
    let done = false;
    const closing = stage?.close().finally(() => {
      done = true;
    });
    while (stage && !done) await this.clock.advance(10);
    await closing;
  }

  async write(
    value: Uint8Array | SampleFields,
    { partition = 0, topic = SAMPLES, headers = {}, schemaId = OURS } = {},
  ): Promise<void> {
    const bytes = value instanceof Uint8Array ? value : encodeSampleRecord(value, schemaId);
    const appended = this.log.append([{ topic, partition, key: Buffer.from('any'), value: bytes, headers }]);
    // Heard of when time has passed.
    appended.catch(() => undefined);
    await this.clock.advance(0);
    await appended;
  }

  /** Lets time pass until it holds. Fails after an hour. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let step = 0; step < 36_000; step++) {
      if (await holds()) return;
      await this.clock.advance(100);
    }
    throw new Error(`an hour passed; taken: ${this.sink.taken.join(', ')}; said: ${this.said.join('; ')}`);
  }

  /** Time passes in small steps, so that a loop that waits, works and waits again does it as often as it would. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      await this.clock.advance(50);
      for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async caughtUp(topics: readonly string[] = [SAMPLES]): Promise<boolean> {
    for (const topic of topics) {
      const bounds = await this.log.bounds(topic);
      const committed = await this.log.committed(REPARTITION_GROUP, bounds);
      const position = (partition: number) => committed.find((each) => each.partition === partition)?.offset ?? 0;
      if (bounds.some(({ partition, end }) => position(partition) < end)) return false;
    }
    return true;
  }

  async position(partition = 0): Promise<number> {
    const [position] = await this.log.committed(REPARTITION_GROUP, [{ topic: SAMPLES, partition }]);
    return position?.offset ?? 0;
  }

  async deadLetters(): Promise<readonly LogRecord[]> {
    const from = [{ topic: 'tidemark.dead-letter', partition: 0, offset: 'earliest' as const }];
    const reader = await this.log.openReader({ group: 'undertaker', from });
    const records: LogRecord[] = [];
    for (;;) {
      const [part] = await reader.fetch({ maxBytes: 1024 * 1024, maxWaitMs: 0 });
      if (!part) break;
      records.push(...part.records);
    }
    await reader.close();
    return records;
  }

  /** The value of a metric of the stage. */
  metric(name: string): number {
    const line = this.metrics
      .expose()
      .split('\n')
      .find((each) => each.startsWith(`tidemark_repartition_${name} `));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
  }

  #logger() {
    const say = (level: LogLevel) => (message: string) => {
      if (level !== 'debug') this.said.push(message);
    };
    const logger = {
      debug: say('debug'),
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      child: () => logger,
    };
    return logger as unknown as StartRepartition['logger'];
  }
}
