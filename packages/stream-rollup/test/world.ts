import { type Disk, SelfMetrics, SimClock, silentLogger } from '@tidemark/base';
import { type CrashOptions, SimDisk } from '@tidemark/base/sim';
import type { Log, LogReader } from '@tidemark/log';
import { SimLog } from '@tidemark/log/sim';
import { decodeRowBatch, encodeSampleBatch } from '@tidemark/model';
import { type Streams, startRollup } from '@tidemark/stream-rollup';
import { NewestRows, type OracleBatch, sampleBatchOf } from '@tidemark/testkit/rows';

// The rollup on a simulated log, disk and clock, which die together when a switch says so.

export const RULES = { graceMs: 300_000, futureMs: 600_000 };

/** Counts the calls that change the world, and lets the process die at one of them. */
export class KillSwitch {
  calls = 0;
  readonly #dieAt: number;
  readonly #when: 'before' | 'after';
  tripped = false;

  constructor(dieAt = Number.POSITIVE_INFINITY, when: 'before' | 'after' = 'before') {
    this.#dieAt = dieAt;
    this.#when = when;
  }

  async pass<T>(effect: () => Promise<T>): Promise<T> {
    this.#mustLive();
    const mine = ++this.calls === this.#dieAt;
    if (mine && this.#when === 'before') this.tripped = true;
    this.#mustLive();
    const result = await effect();
    if (mine) this.tripped = true;
    this.#mustLive();
    return result;
  }

  #mustLive(): void {
    if (this.tripped) throw new Error('the process is dead');
  }
}

function mortalLog(log: Log, kill: KillSwitch): Log {
  return {
    ensureTopics: (topics) => log.ensureTopics(topics),
    topics: () => log.topics(),
    append: (records) => kill.pass(() => log.append(records)),
    bounds: (topic) => log.bounds(topic),
    openReader: async (options) => mortalReader(await kill.pass(() => log.openReader(options)), kill),
    commit: (group, positions) => kill.pass(() => log.commit(group, positions)),
    committed: (group, partitions) => log.committed(group, partitions),
    openProducer: (options) => log.openProducer(options),
    joinGroup: (options) => log.joinGroup(options),
    forget: (group) => log.forget(group),
    close: () => log.close(),
  };
}

function mortalReader(reader: LogReader, kill: KillSwitch): LogReader {
  return {
    fetch: async (options) => {
      const fetched = await reader.fetch(options);
      return fetched.length === 0 ? fetched : kill.pass(async () => fetched);
    },
    seek: (position) => reader.seek(position),
    pause: (partitions) => reader.pause(partitions),
    resume: (partitions) => reader.resume(partitions),
    positions: () => reader.positions(),
    close: () => reader.close(),
  };
}

function mortalDisk(disk: Disk, kill: KillSwitch): Disk {
  return new Proxy(disk, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== 'function') return member;
      const call = (...args: unknown[]) => (member as (...args: unknown[]) => Promise<unknown>).apply(target, args);
      return name === 'writeAtomic' || name === 'remove'
        ? (...args: unknown[]) => kill.pass(() => call(...args))
        : call;
    },
  });
}

export class World {
  readonly clock: SimClock;
  readonly rows = new NewestRows();
  readonly hours = new NewestRows();
  log: SimLog;
  disk = new SimDisk();
  metrics = new SelfMetrics();
  #app: Streams | undefined;
  #kill = new KillSwitch();
  readonly #readFrom = new Map<string, number>();

  constructor(startMs: number) {
    this.clock = new SimClock(startMs);
    this.log = new SimLog({ clock: this.clock });
  }

  get kill(): KillSwitch {
    return this.#kill;
  }

  get app(): Streams {
    if (!this.#app) throw new Error('the world was started');
    return this.#app;
  }

  async start(kill = new KillSwitch()): Promise<void> {
    const topic = { partitions: 1, compacted: false, retentionMs: 0 };
    await this.log.ensureTopics([
      { name: 'tidemark.raw', ...topic },
      { name: 'tidemark.raw-critical', ...topic },
      { name: 'tidemark.1m', ...topic },
      { name: 'tidemark.1h', ...topic },
    ]);
    this.#kill = kill;
    this.metrics = new SelfMetrics();
    this.#app = await startRollup({
      log: mortalLog(this.log, kill),
      clock: this.clock,
      disk: mortalDisk(this.disk, kill),
      folder: 'rollup',
      partitions: 1,
      logger: silentLogger,
      metrics: this.metrics,
      options: { ...RULES, clockSlackMs: 1e12, rowsPerTurnMax: 7 },
    });
    await this.clock.advance(0);
  }

  /** Time passes until the batch's admission, then it is on the log and the task has had its turn. */
  async feed(batch: OracleBatch): Promise<void> {
    const value = encodeSampleBatch(sampleBatchOf(batch));
    await this.clock.advance(Math.max(0, batch.admittedAtMs - this.clock.nowMs()));
    await this.log.append([{ topic: 'tidemark.raw', partition: 0, key: null, value }]);
    await this.clock.advance(3);
  }

  /** The process is gone without a word; log and disk are what a crash leaves. */
  async crash(options: CrashOptions): Promise<void> {
    this.#kill.tripped = true;
    const closing = this.app.close().catch(() => undefined);
    this.log = this.log.crash();
    this.disk = this.disk.crash(options);
    await this.clock.advance(0);
    await closing;
  }

  /** Reads what is new in the topics of rows. */
  async collect(): Promise<void> {
    await this.#collect('tidemark.1m', this.rows);
    await this.#collect('tidemark.1h', this.hours);
  }

  async #collect(topic: string, into: NewestRows): Promise<void> {
    const from = [{ topic, partition: 0, offset: this.#readFrom.get(topic) ?? 0 }];
    const reader = await this.log.openReader({ group: 'collector', from });
    for (;;) {
      const fetched = await reader.fetch({ maxBytes: 1e9, maxWaitMs: 0 });
      if (fetched.length === 0) break;
      for (const { records, nextOffset } of fetched) {
        for (const { value } of records) into.add(decodeRowBatch(value as Uint8Array));
        this.#readFrom.set(topic, nextOffset);
      }
    }
    await reader.close();
  }

  async stop(): Promise<void> {
    await this.app.close();
  }

  metric(name: string): number {
    const line = this.metrics
      .expose()
      .split('\n')
      .find((each) => each.startsWith(`${name} `));
    if (line === undefined) throw new Error(`there is no metric ${name}`);
    return Number(line.split(' ')[1]);
  }
}
