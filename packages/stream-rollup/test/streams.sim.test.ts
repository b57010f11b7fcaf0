import { type LogFields, type Logger, SelfMetrics, SimClock, silentLogger, TidemarkError } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import type { FetchOptions, Log } from '@tidemark/log';
import { SimLog } from '@tidemark/log/sim';
import {
  always,
  type ErrorPolicy,
  type KeyValueStore,
  memoryKeyValueStore,
  type Processor,
  type ProcessorContext,
  type Streams,
  startStreams,
  streamsMetrics,
  Topology,
} from '@tidemark/stream-rollup';
import { expect, test } from 'vitest';

// The runtime on a simulated log, disk and clock, with a topology that sums numbers per task.

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | null | undefined) => (value ? new TextDecoder().decode(value) : undefined);

class Sum implements Processor<unknown, number, null, string> {
  #context: ProcessorContext<null, string> | undefined;

  init(context: ProcessorContext<null, string>): void {
    this.#context = context;
    context.schedule(10_000, 'wall-clock', (timeMs) => this.#send(`tick ${timeMs}`));
  }

  process({ value }: { readonly value: number }): void {
    const context = this.#context as ProcessorContext<null, string>;
    const store = context.getStateStore<KeyValueStore>('sums');
    const sum = Number(textOf(store.get(bytes('sum'))) ?? '0') + value;
    store.put(bytes('sum'), bytes(`${sum}`));
    this.#send(`${sum}`);
  }

  #send(value: string): void {
    this.#context?.forward({ key: null, value, timestampMs: 0, headers: {} });
  }
}

function sumTopology(): Topology {
  const deserializer = (value: Uint8Array) => {
    const number = Number(textOf(value));
    if (Number.isNaN(number)) throw new TidemarkError('NUMBER_BAD', `${textOf(value)} is no number`);
    return number;
  };
  return new Topology()
    .addSource('numbers', { topics: ['numbers'], deserializer })
    .addProcessor('sum', () => new Sum(), ['numbers'])
    .addStateStore(memoryKeyValueStore('sums'), ['sum'])
    .addSink('sums', { topic: 'sums', serializer: bytes }, ['sum']);
}

class Setting {
  readonly clock = new SimClock(1_000_000);
  readonly log = new SimLog({ clock: this.clock });
  readonly disk = new SimDisk();
  readonly lines: string[] = [];
  metrics = new SelfMetrics();
  /** So many appends of tasks are yet to fail. */
  failAppends = 0;
  /** What tasks asked of their readers. */
  readonly fetches: FetchOptions[] = [];

  async topics(): Promise<void> {
    const spec = { compacted: false, retentionMs: 0 };
    await this.log.ensureTopics([
      { name: 'numbers', partitions: 2, ...spec },
      { name: 'sums', partitions: 2, ...spec },
      { name: 'tidemark.dead-letter', partitions: 1, ...spec },
    ]);
  }

  lingerMs = 0;

  async start(errorPolicy: ErrorPolicy = always('skip'), partitions = 2, owned?: number[]): Promise<Streams> {
    this.metrics = new SelfMetrics();
    const streams = await startStreams({
      topology: sumTopology(),
      log: this.#failingLog(),
      group: 'sums',
      partitions,
      ...(owned && { owned }),
      disk: this.disk,
      folder: 'state',
      clock: this.clock,
      logger: this.#logger(),
      metrics: streamsMetrics(this.metrics),
      errorPolicy,
      options: { commitIntervalMs: 30_000, lingerMs: this.lingerMs },
    });
    await this.clock.advance(0);
    return streams;
  }

  async send(...values: string[]): Promise<void> {
    await this.log.append(values.map((value) => ({ topic: 'numbers', partition: 0, key: null, value: bytes(value) })));
    await this.clock.advance(0);
  }

  async read(topic = 'sums', partition = 0): Promise<string[]> {
    const reader = await this.log.openReader({ group: 'test', from: [{ topic, partition, offset: 'earliest' }] });
    const fetched = await reader.fetch({ maxBytes: 1e9, maxWaitMs: 0 });
    await reader.close();
    return fetched.flatMap(({ records }) => records.map(({ value }) => textOf(value) as string));
  }

  metric(line: string): number {
    const found = this.metrics
      .expose()
      .split('\n')
      .find((each) => each.startsWith(`${line} `));
    if (found === undefined) throw new Error(`no metric ${line}`);
    return Number(found.slice(line.length + 1));
  }

  #failingLog(): Log {
    const { log } = this;
    return {
      ensureTopics: (topics) => log.ensureTopics(topics),
      topics: () => log.topics(),
      bounds: (topic) => log.bounds(topic),
      openReader: async (options) => {
        const reader = await log.openReader(options);
        const fetch = reader.fetch.bind(reader);
        reader.fetch = (asked) => {
          this.fetches.push(asked);
          return fetch(asked);
        };
        return reader;
      },
      commit: (group, positions) => log.commit(group, positions),
      committed: (group, partitions) => log.committed(group, partitions),
      openProducer: (options) => log.openProducer(options),
      joinGroup: (options) => log.joinGroup(options),
      forget: (group) => log.forget(group),
      close: () => log.close(),
      append: async (records) => {
        if (this.failAppends-- > 0) throw new TidemarkError('LOG_IO', 'the log is away');
        return log.append(records);
      },
    };
  }

  #logger(): Logger {
    const keep = (message: string, fields: LogFields = {}) => {
      this.lines.push(`${message} ${JSON.stringify(fields)}`);
    };
    return { ...silentLogger, warn: keep, error: keep };
  }
}

async function setting(): Promise<Setting> {
  const made = new Setting();
  await made.topics();
  return made;
}

test('results come while it runs; closing checkpoints; the next one goes on where it was', async () => {
  const world = await setting();
  const first = await world.start();
  await world.send('1', '2');
  expect(await world.read()).toEqual(['1', '3']);
  expect(first.state).toBe('running');
  await first.close();
  await first.close();
  expect(first.state).toBe('closed');
  const second = await world.start();
  await world.send('10');
  expect(await world.read()).toEqual(['1', '3', '13']);
  await second.close();
});

test('partitions of others are left to them, and the state that was kept of one is let go', async () => {
  const world = await setting();
  const start = (owned: number[]) => world.start(always('skip'), 2, owned);
  const both = await start([0, 1]);
  await world.send('1', '2');
  await both.close();
  const other = await start([1]);
  await world.send('3');
  expect(await world.read()).toEqual(['1', '3']);
  await other.close();
  // Where the group stands, and not with a state of before.
  const again = await start([0, 1]);
  expect(await world.read()).toEqual(['1', '3', '3']);
  await again.close();
});

test('state and position are checkpointed by the interval, and the group is told', async () => {
  const world = await setting();
  const streams = await world.start();
  await world.send('1', '2', '3');
  const at = { topic: 'numbers', partition: 0 };
  expect(await world.log.committed('sums', [at])).toEqual([]);
  await world.clock.advance(31_000);
  expect(await world.log.committed('sums', [at])).toEqual([{ ...at, offset: 3 }]);
  await streams.close();
});

test('wall-clock punctuation comes on idle partitions', async () => {
  const world = await setting();
  const streams = await world.start();
  await world.clock.advance(25_000);
  expect(await world.read('sums', 1)).toEqual(['tick 1010000', 'tick 1020000']);
  await streams.close();
});

test('an append that fails costs a restart, not a result', async () => {
  const world = await setting();
  const streams = await world.start();
  await world.send('1');
  world.failAppends = 1;
  await world.send('2');
  expect(streams.state).toBe('restarting');
  expect(streams.problems.get('0_0')).toBe('the log is away');
  expect(world.metric('tidemark_streams_task_restarts_total')).toBe(1);
  expect(world.lines.join('\n')).toContain('begins again from its checkpoint');
  expect(await world.read()).toEqual(['1']);
  await world.clock.advance(1_000);
  // From the beginning: there was no checkpoint yet. At least once.
  expect(await world.read()).toEqual(['1', '1', '3']);
  await world.clock.advance(40_000);
  expect(streams.state).toBe('running');
  await streams.close();
});

test('a record that cannot be read is skipped, counted and logged', async () => {
  const world = await setting();
  const streams = await world.start();
  await world.send('1', 'x', '2');
  expect(await world.read()).toEqual(['1', '3']);
  expect(world.metric('tidemark_streams_records_refused_total{reason="NUMBER_BAD",decision="skip"}')).toBe(1);
  expect(world.lines.join('\n')).toContain('"offset":1,"reason":"NUMBER_BAD"');
  await streams.close();
});

test('a record that cannot be read goes to the dead letters', async () => {
  const world = await setting();
  const streams = await world.start(always('dead-letter'));
  await world.send('1', 'x', '2');
  expect(await world.read('tidemark.dead-letter')).toEqual(['x']);
  expect(await world.read()).toEqual(['1', '3']);
  await streams.close();
});

test('a record that cannot be read stops its task for good, when the policy says so, and no other', async () => {
  const world = await setting();
  const streams = await world.start(always('fail'));
  await world.send('1', 'x', '2');
  expect(streams.state).toBe('failed');
  expect(streams.problems.get('0_0')).toContain('numbers/0 offset 1 cannot be read');
  await world.clock.advance(11_000);
  expect(await world.read('sums', 1)).toEqual(['tick 1010000']);
  await streams.close();
});

test('lag is what the log has beyond the position', async () => {
  const world = await setting();
  await world.send('1', '2', '3');
  const streams = await world.start();
  await world.clock.advance(10);
  expect(streams.lag).toBe(0);
  expect(world.metric('tidemark_streams_lag_records{task="0_0"}')).toBe(0);
  expect(world.metric('tidemark_streams_records_total')).toBe(3);
  await streams.close();
});

test('records handed out again are ignored and counted', async () => {
  const world = await setting();
  const streams = await world.start();
  await world.send('1', '2');
  world.log.redeliver(2);
  await world.send('3');
  expect(await world.read()).toEqual(['1', '3', '6']);
  expect(world.metric('tidemark_streams_records_redelivered_total')).toBe(2);
  await streams.close();
});

test('records cut off by the log’s caps are missed aloud', async () => {
  const world = await setting();
  const first = await world.start();
  await world.send('1');
  await first.close();
  await world.send('2', '4', '8');
  world.log.cutOff({ topic: 'numbers', partition: 0 }, 3);
  const second = await world.start();
  await world.clock.advance(10);
  expect(await world.read()).toEqual(['1', '9']);
  expect(world.lines.join('\n')).toContain('records are gone before they were read');
  await second.close();
});

test('state of another log is refused', async () => {
  const world = await setting();
  const first = await world.start();
  await world.send('1', '2', '3');
  await first.close();
  const other = new Setting();
  await other.topics();
  await other.disk.writeAtomic('state/0_0/checkpoint', await world.disk.read('state/0_0/checkpoint'));
  for (const name of await world.disk.list('state/0_0/sums')) {
    await other.disk.writeAtomic(`state/0_0/sums/${name}`, await world.disk.read(`state/0_0/sums/${name}`));
  }
  const second = await other.start();
  expect(second.state).toBe('failed');
  expect(second.problems.get('0_0')).toContain('belongs to another log');
  await second.close();
});

test.each([
  ['absent', 'elsewhere', 2, /elsewhere is not on the log/],
  ['of other partitions', 'numbers', 3, /numbers has 2 partitions; this application is to run on 3/],
] as const)('a source topic %s is refused at the start', async (_what, topic, partitions, message) => {
  const world = await setting();
  const topology = new Topology().addSource('s', { topics: [topic], deserializer: (value) => value });
  const { log, disk, clock } = world;
  const start = { topology, log, disk, clock, group: 'g', partitions, folder: 'state', logger: silentLogger };
  await expect(startStreams(start)).rejects.toThrow(message);
});

test('a task that waits for more to come tells its reader that this was no work', async () => {
  const setting = new Setting();
  setting.lingerMs = 700;
  await setting.topics();
  const streams = await setting.start();
  await setting.send('1');
  await setting.clock.advance(700);
  await setting.clock.advance(5_000);
  await streams.close();
  const rested = setting.fetches.map(({ restedMs }) => restedMs ?? 0);
  expect(rested.filter((ms) => ms > 0)).toEqual([700]);
});
