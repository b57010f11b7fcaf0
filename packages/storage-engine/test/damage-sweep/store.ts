import { SelfMetrics, SimClock, seededRandom } from '@tidemark/base';
import { type CrashOptions, SimDisk } from '@tidemark/base/sim';
import { BatchBuilder, encodeLabels, labelsOf, labelValue, matcher, type SampleBatch } from '@tidemark/model';
import { openStorageEngine, type StorageEngine, type StorageOptions } from '../../src/index.ts';
import { SimLevelStores, SimObjectStore } from '../../src/sim.ts';
import { type Answer, standing, type Told, traces } from '../oracle/truth.ts';
import { KEY, START_MS } from '../world.ts';

// The smallest store that has a file of every kind, each with all its parts; and what a process does that finds it.

export const TP = { topic: 'tidemark.raw', partition: 0 };
const TENANT = 'default';
const HOUR = 3_600_000;
const MINUTE = 60_000;

const OPTIONS: Partial<StorageOptions> = {
  retentionMs: { raw: 1000 * HOUR, '1m': 1000 * HOUR, '1h': 1000 * HOUR },
  supplementAfterMs: 0,
  compactAfterMs: 0,
  objectLeaseMs: 10 * MINUTE,
};

/** What a process leaves. */
export interface Left {
  readonly disk: SimDisk;
  readonly objects: SimObjectStore;
  readonly log: readonly Told[];
  /** The first offset that a log still has which lets go what it may. */
  readonly committed: number;
  readonly nowMs: number;
}

export class Process {
  readonly #left: Left;
  readonly clock: SimClock;
  readonly log: Told[];
  readonly #logStart: number;
  committed: number;
  engine!: StorageEngine;

  /** `logStart`: the log's first record. */
  constructor(left: Left, logStart: number) {
    this.#left = left;
    this.clock = new SimClock(left.nowMs);
    this.log = [...left.log];
    this.#logStart = logStart;
    this.committed = left.committed;
  }

  /** Starts, and reads the log on from where the engine says: from its beginning, where windows lack something. */
  async start(): Promise<void> {
    const { disk, objects } = this.#left;
    this.engine = await openStorageEngine({
      disk,
      levelStores: new SimLevelStores(disk),
      objectStore: objects,
      clock: this.clock,
      installationKey: KEY,
      options: OPTIONS,
      metrics: new SelfMetrics(),
    });
    const { engine } = this;
    let from = engine.position(TP);
    // 0: of nothing is known what it had.
    if (from !== 0 && from < this.#logStart) throw new Error(`it wants ${from}, which the log has let go`);
    const lacking = engine.lacking(TP);
    if (lacking.length > 0 && this.#logStart < from) {
      engine.refill(TP, this.#logStart === 0 ? lacking : []);
      from = this.#logStart;
    }
    for (let offset = Math.max(from, this.#logStart); offset < this.log.length; offset++) {
      this.#take(offset, this.log[offset] as Told);
    }
    engine.advance(TP, this.log.length);
  }

  /** Throws where it is refused: then it was never told. */
  tell(told: Told): void {
    this.#take(this.log.length, told);
    this.log.push(told);
  }

  /** Samples of a partition that was never there. */
  tellAnother(): void {
    const builder = new BatchBuilder(TENANT);
    builder.addLabels(labelsOf({ __name__: 'another' }), this.clock.nowMs(), 1);
    const batch = builder.build(this.clock.nowMs());
    this.engine.applySamples({
      topic: TP.topic,
      partition: 7,
      offset: this.engine.position({ ...TP, partition: 7 }),
      batch,
    });
  }

  async checkpoint(): Promise<void> {
    for (const { partition, offset } of await this.engine.checkpoint())
      if (partition === TP.partition) this.committed = offset;
  }

  get disk(): SimDisk {
    return this.#left.disk;
  }

  /** The power is gone, or the process alone. */
  leave(keep: CrashOptions['keep'] = 'synced', seed = 1): Left {
    const disk = this.#left.disk.crash({ seed, keep });
    const { log, committed } = this;
    return { disk, objects: this.#left.objects, log, committed, nowMs: this.clock.nowMs() };
  }

  async answer(): Promise<Answer> {
    const { series, warnings } = await this.engine.source().select({
      tenant: TENANT,
      matchers: [matcher('=', '__name__', 'm')],
      range: { startMs: 0, endMs: START_MS * 2 },
      limits: { seriesMax: 1000, samplesMax: 1e6 },
      signal: new AbortController().signal,
    });
    const points = new Map<string, number>();
    for (const { labels, timestampsMs, values } of series) {
      for (const [i, time] of timestampsMs.entries())
        points.set(`${labelValue(labels, 'host')} ${time}`, values[i] as number);
    }
    return { points, warnings };
  }

  /** As points of their time are: `trace` and 1. */
  async exemplars(): Promise<Answer> {
    const { series, warnings } = await this.engine.exemplars({
      tenant: TENANT,
      selectors: [[matcher('=', '__name__', 'm')]],
      range: { startMs: 0, endMs: START_MS * 2 },
      limit: 1000,
      signal: new AbortController().signal,
    });
    const found = series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labelValue(labels, 'trace')));
    return { points: new Map(found.map((trace) => [trace, 1])), warnings };
  }

  help(): readonly string[] {
    return [...this.engine.metadata({ tenant: TENANT })].flatMap(({ entries }) => entries.map(({ help }) => help));
  }

  wanted(): ReadonlyMap<string, readonly number[]> {
    return standing(this.log);
  }

  wantedExemplars(): ReadonlyMap<string, readonly number[]> {
    return new Map(traces(this.log).map((trace) => [trace, [1]]));
  }

  #take(offset: number, told: Told): void {
    if (told.kind === 'points') {
      this.engine.applySamples({ ...TP, offset, batch: batchOf(told) });
      return;
    }
    const { host, startMs, endMs } = told;
    const selectors = [[matcher('=', '__name__', 'm'), matcher('=', 'host', host)]];
    this.engine.applyDelete({ ...TP, offset, tenant: TENANT, selectors, startMs, endMs, atMs: START_MS });
  }
}

export const HELP = 'What it is.';

// Told again at every start: what is told is made into a batch once.
const batches = new WeakMap<Told, SampleBatch>();

function batchOf(told: Told & { kind: 'points' }): SampleBatch {
  let batch = batches.get(told);
  if (batch === undefined) {
    const builder = new BatchBuilder(TENANT);
    for (const [i, { host, timeMs, value }] of told.points.entries()) {
      const labels = encodeLabels(labelsOf({ __name__: 'm', host }));
      const series = builder.seriesOf(labels, 0, labels.length);
      builder.add(series, timeMs, value);
      if (i === 0 && told.trace !== undefined)
        builder.addExemplar(series, timeMs, value, encodeLabels(labelsOf({ trace: told.trace })));
    }
    batch = builder.build(START_MS);
    if (told.help !== undefined)
      batch = { ...batch, metadata: [{ metric: 'm', type: 'gauge', unit: '', help: told.help }] };
    batches.set(told, batch);
  }
  return batch;
}

const said = (host: string, timeMs: number, value: number) => ({
  kind: 'points' as const,
  points: [0, 1, 2].map((i) => ({ host, timeMs: timeMs + i * MINUTE, value: value + i })),
});

/** A life of seven hours: two lives of a window sealed, two lives of the next in LevelDB, the rest in checkpoints and the log. */
export async function smallestStore(): Promise<Left> {
  const empty = {
    disk: new SimDisk(),
    objects: new SimObjectStore(seededRandom(1)),
    log: [],
    committed: 0,
    nowMs: START_MS,
  };
  const process = new Process(empty, 0);
  await process.start();
  const first = START_MS;
  process.tell({ ...said('a', first, 1), trace: 'one', help: HELP });
  process.tell(said('b', first, 11));
  await process.checkpoint();
  process.tell({ kind: 'delete', host: 'a', startMs: first, endMs: first + MINUTE });
  // One that was deleted is said again; one of before is said otherwise.
  process.tell({ kind: 'points', points: [{ host: 'a', timeMs: first + MINUTE, value: 21 }] });
  await process.clock.advance(3 * HOUR);
  const second = process.clock.nowMs();
  process.tell(said('a', second, 31));
  await process.checkpoint();
  await process.engine.seal({ supplementsToo: true });
  process.tell(said('c', second, 41));
  process.tell({ kind: 'delete', host: 'c', startMs: second, endMs: second });
  process.tell({ kind: 'points', points: [{ host: 'c', timeMs: second + MINUTE, value: 51 }], trace: 'two' });
  await process.checkpoint();
  process.tell({ kind: 'delete', host: 'c', startMs: second + 2 * MINUTE, endMs: second + 2 * MINUTE });
  // A page of a head is as deep as its deepest series.
  process.tell({ kind: 'points', points: [{ host: 'b', timeMs: second, value: 61 }] });
  await process.checkpoint();
  process.tell(said('d', second, 71));
  return process.leave();
}
