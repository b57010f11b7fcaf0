import { type Clock, SelfMetrics, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import type { OutgoingRecord } from '@tidemark/log';
import { SimLog } from '@tidemark/log/sim';
import { encodeSampleBatch, matcher, RAW_ROLES, type RawRole, type Resolution } from '@tidemark/model';
import { type ObjectStore, openStorageEngine, type StorageEngine, type StorageOptions } from '@tidemark/storage-engine';
import { MemoryLevelStores, SimObjectStore } from '@tidemark/storage-engine/sim';
import { type Streams, startRollup } from '@tidemark/stream-rollup';
import { type OracleBatch, type OracleSample, rowText, sampleBatchOf } from '@tidemark/testkit/rows';
import { expect } from 'vitest';
import { openRepair, type Repair } from '../src/roles/repair.ts';
import { Storer } from '../src/roles/storer.ts';

// Rollup, storer and repair as the server wires them, on simulated log, disk and clock: raw samples in, stored rows out.

const RAW: Readonly<Record<RawRole, string>> = { raw: 'tidemark.raw', 'raw-critical': 'tidemark.raw-critical' };
const TOPICS = { '1m': 'tidemark.1m', '1h': 'tidemark.1h' };
const ROLLUP_FOLDER = 'rollup';

/** Time that passes evenly, as told by a wall clock that may be set. */
export class SteppedClock implements Clock {
  readonly sim: SimClock;
  #offsetMs = 0;

  constructor(startMs: number) {
    this.sim = new SimClock(startMs);
  }

  nowMs(): number {
    return this.sim.nowMs() + this.#offsetMs;
  }

  monotonicMs(): number {
    return this.sim.monotonicMs();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.sim.sleep(ms, signal);
  }

  after(ms: number, tick: () => void): () => void {
    return this.sim.after(ms, tick);
  }

  /** How far the wall clock is off. */
  set(offsetMs: number): void {
    this.#offsetMs = offsetMs;
  }
}

export class RowsWorld {
  readonly clock: SteppedClock;
  log: SimLog;
  disk = new SimDisk();
  readonly levels = new MemoryLevelStores();
  /** How a process meets its object store: called at each start. */
  objects: () => ObjectStore;
  options: Partial<StorageOptions> = {};
  metrics = new SelfMetrics();
  readonly batches: OracleBatch[] = [];
  /** The topic that a sample travels by: as ingest has it, one for all of a metric and hour. */
  sourceOf: (sample: OracleSample) => RawRole = () => 'raw';
  #underWay: OutgoingRecord[] = [];
  #isRawHeld = false;
  #engine: StorageEngine | undefined;
  #storer: Storer | undefined;
  #repair: Repair | undefined;
  #rollup: Streams | undefined;

  constructor(startMs: number) {
    this.clock = new SteppedClock(startMs);
    this.log = new SimLog({ clock: this.clock });
    const objects = new SimObjectStore(seededRandom(1));
    this.objects = () => objects;
  }

  async start(): Promise<void> {
    const { clock, log, disk } = this;
    const spec = { partitions: 1, compacted: false, retentionMs: 0 };
    await log.ensureTopics([...Object.values(RAW), ...Object.values(TOPICS)].map((name) => ({ name, ...spec })));
    this.metrics = new SelfMetrics();
    const { metrics } = this;
    const opening = openStorageEngine({
      disk,
      levelStores: this.levels,
      objectStore: this.objects(),
      clock,
      metrics,
      installationKey: new Uint8Array(32).fill(7),
      options: this.options,
    });
    const engine = await this.passUntil(opening);
    this.#engine = engine;
    const onFailure = (what: string, error: unknown) => expect.unreachable(`${what}: ${error}`);
    this.#repair = await openRepair({ disk, clock, logger: silentLogger });
    const storer = new Storer({
      log,
      engine,
      clock,
      logger: silentLogger,
      metrics,
      sampleTopics: Object.values(RAW),
      firstTopics: [RAW['raw-critical']],
      rowTopics: Object.values(TOPICS),
      partitions: [0],
      group: 'storer',
      marks: this.#repair.marks,
      onFailure,
    });
    this.#storer = storer;
    await storer.start();
    this.#repair.start({
      log,
      source: engine.source(),
      metrics,
      topics: TOPICS,
      readThrough: (source, partition) => storer.progress.through({ topic: RAW[source], partition }),
      rawKeptMs: () => 7 * 86_400_000,
      onFailure,
    });
    const streams = { log, clock, disk, folder: ROLLUP_FOLDER, partitions: 1, logger: silentLogger, metrics };
    this.#rollup = await startRollup(streams);
    await this.pass(0);
  }

  get engine(): StorageEngine {
    return this.#engine as StorageEngine;
  }

  pass(ms: number): Promise<void> {
    return this.clock.sim.advance(ms);
  }

  /** Lets time pass until the work is done: it may wait for the clock. */
  async passUntil<T>(work: Promise<T>): Promise<T> {
    const STEP_MS = 50;
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    ended.catch(() => undefined); // told to whoever awaits it
    await new Promise((resolve) => setImmediate(resolve));
    while (!done) await this.pass(STEP_MS);
    return ended;
  }

  /** A batch admitted now. */
  async feed(tenant: string, samples: OracleBatch['samples']): Promise<void> {
    const admittedAtMs = this.clock.nowMs();
    for (const source of RAW_ROLES) {
      const some = samples.filter((sample) => this.sourceOf(sample) === source);
      if (some.length === 0 && source !== 'raw') continue;
      const batch = { tenant, admittedAtMs, samples: some };
      this.batches.push(batch);
      const value = encodeSampleBatch(sampleBatchOf(batch));
      this.#underWay.push({ topic: RAW[source], partition: 0, key: null, value });
    }
    await this.arrive();
    await this.pass(3);
  }

  /** While held, what is fed to raw arrives later, all at once. */
  holdRaw(held: boolean): void {
    this.#isRawHeld = held;
  }

  async arrive(): Promise<void> {
    const arriving = this.#underWay.filter(({ topic }) => topic !== RAW.raw || !this.#isRawHeld);
    this.#underWay = this.#underWay.filter((record) => !arriving.includes(record));
    if (arriving.length > 0) await this.log.append(arriving);
  }

  /** Hours go by; now and then a batch comes, as it does in any partition that is alive. */
  async settle(ms: number, tickEveryMs: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= tickEveryMs) {
      await this.pass(Math.min(leftMs, tickEveryMs));
      await this.feed('default', []);
    }
  }

  /** The process is gone without a word; `losesState`: and the rollup's files with it. */
  async crash(seed: number, losesState = false): Promise<void> {
    const gone = Promise.allSettled([this.#rollup?.close(), this.#repair?.close(), this.#storer?.close()]);
    this.log = this.log.crash();
    this.disk = this.disk.crash({ seed, keep: 'torn' });
    if (losesState) await this.disk.removeFolder(ROLLUP_FOLDER);
    this.levels.crash();
    await this.pass(0);
    await gone;
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#rollup?.close();
    await this.#repair?.close();
    await this.#storer?.close();
    await this.#engine?.close();
  }

  /** What is stored, as the oracle says it. */
  async rows(resolution: Resolution): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const tenant of ['default', 'acme']) {
      const answer = await (this.#engine as StorageEngine).source().selectRows({
        tenant,
        matchers: [matcher('!=', '__name__', '')],
        range: { startMs: 0, endMs: 2 ** 43 },
        limits: { seriesMax: 1e6, samplesMax: 1e7 },
        signal: new AbortController().signal,
        resolution,
      });
      expect(answer.warnings).toEqual([]);
      for (const { labels, rows } of answer.series) {
        const series = labels.map(({ value }) => value).join('|');
        for (let i = 0; i < rows.length; i++) {
          const at = (column: Float64Array) => column[i] as number;
          if (at(rows.count) === 0) continue;
          const { count, sum, compensation, min, max, first, firstMs, last, lastMs, increase } = rows;
          const numbers = { count, sum, compensation, min, max, first, firstMs, last, lastMs, increase };
          const row = Object.fromEntries(Object.entries(numbers).map(([name, column]) => [name, at(column)]));
          found.set(`${tenant}|${series}|${at(rows.endMs)}`, rowText(row as never));
        }
      }
    }
    return found;
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
