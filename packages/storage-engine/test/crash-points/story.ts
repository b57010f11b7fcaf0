import { type Random, SelfMetrics, SimClock, seededRandom } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { BatchBuilder, labelsOf, matcher, type SampleBatch } from '@tidemark/model';
import { openStorageEngine, type StorageEngine, type StorageOptions } from '../../src/index.ts';
import { SimLevelStores, SimObjectStore } from '../../src/sim.ts';
import { expected, type Point, type Told } from '../oracle/told.ts';
import { answeredPoints, difference } from '../points.ts';
import { KEY, START_MS } from '../world.ts';

// A life of an engine from a seed: one or two partitions are told things, checkpointed, sealed, compacted; and before each call that changes
// something on the disk, or the object store, it dies in several ways and is started on what that leaves.
//
//   story ── call ── call ── call ── …
//             │       │       └▶ fork ─▶ open ─▶ the log from its position on ─▶ compare
//             │       └▶ …                       now and then: told more, checkpointed, dead again, compared
//             └▶ …

const HOUR = 3_600_000;
/** Between points. */
const STEP_MS = 15_000;
const TOPIC = 'tidemark.raw';

const OPTIONS: Partial<StorageOptions> = {
  retentionMs: { raw: 1000 * HOUR, '1m': 1000 * HOUR, '1h': 1000 * HOUR },
  supplementAfterMs: 0,
  forgetSeriesMin: 1,
  segmentBytesMax: 2000,
  compactAfterMs: 0,
  compactBytesMax: 3000,
  objectLeaseMs: 10 * 60_000,
};

/** What a process finds: its disk, the objects, the log. */
interface Found {
  readonly disk: SimDisk;
  readonly objects: SimObjectStore;
  readonly logs: readonly (readonly Told[])[];
  /** The log may have let go what is below. */
  readonly committed: readonly number[];
  readonly nowMs: number;
  /** By partition. */
  readonly wanted: readonly ReadonlyMap<string, number>[];
}

function openOn({ disk, objects, nowMs }: Found): Promise<StorageEngine> {
  return openStorageEngine({
    disk,
    levelStores: new SimLevelStores(disk),
    objectStore: objects,
    clock: new SimClock(nowMs),
    installationKey: KEY,
    options: OPTIONS,
    metrics: new SelfMetrics(),
  });
}

function tell(engine: StorageEngine, partition: number, offset: number, told: Told, nowMs: number): void {
  const tp = { topic: TOPIC, partition };
  if (told.kind === 'delete') {
    const { host, startMs, endMs } = told;
    const selectors = [[matcher('=', '__name__', 'm'), matcher('=', 'host', host)]];
    engine.applyDelete({ ...tp, offset, tenant: 'default', selectors, startMs, endMs, atMs: nowMs });
    return;
  }
  engine.applySamples({ ...tp, offset, batch: batchOf(told, partition) });
}

// Told again at every start: what is told is made into a batch once.
const batches = new WeakMap<Told, SampleBatch>();

function batchOf(told: Told & { kind: 'points' }, partition: number): SampleBatch {
  let batch = batches.get(told);
  if (batch === undefined) {
    const builder = new BatchBuilder('default');
    for (const { host, timeMs, value } of told.points) {
      builder.addLabels(labelsOf({ __name__: 'm', host, partition: String(partition) }), timeMs, value);
    }
    batch = builder.build(START_MS);
    batches.set(told, batch);
  }
  return batch;
}

function answered(engine: StorageEngine, partition: number): Promise<Map<string, number>> {
  return answeredPoints(engine.source(), [matcher('=', '__name__', 'm'), matcher('=', 'partition', String(partition))]);
}

function compare(found: ReadonlyMap<string, number>, wanted: ReadonlyMap<string, number>, what: string): void {
  const differs = difference(found, wanted);
  if (differs !== undefined) throw new Error(`${what}: ${differs}`);
}

/** A process starts, reads the log on, and answers what it should. */
export async function startOver(found: Found): Promise<StorageEngine> {
  const engine = await openOn(found);
  for (const [partition, log] of found.logs.entries()) {
    const position = engine.position({ topic: TOPIC, partition });
    const committed = found.committed[partition] as number;
    if (position < committed)
      throw new Error(`partition ${partition} wants ${position}, the log has let go ${committed}`);
    for (let offset = position; offset < log.length; offset++) {
      tell(engine, partition, offset, log[offset] as Told, found.nowMs);
    }
    compare(
      await answered(engine, partition),
      found.wanted[partition] as Map<string, number>,
      `partition ${partition} from ${position}`,
    );
  }
  return engine;
}

export interface Played {
  /** Deaths that were survived. */
  points: number;
  calls: number;
}

/** What is left of a death: the process alone, or power, with any mixture of what was not synced. */
export const DEATHS = ['written', 'synced', 'torn', 'torn', 'torn', 'torn'] as const;
interface Death {
  readonly seed: number;
  readonly keep: (typeof DEATHS)[number];
  readonly i: number;
  readonly wanted: Found['wanted'];
}

// A start that goes on and dies again costs as much as ten that only answer.
const AGAIN_EVERY = 16;

export class Story {
  readonly #seed: number;
  readonly #random: Random;
  readonly #disk = new SimDisk();
  readonly #objects: SimObjectStore;
  readonly #logs: Told[][];
  readonly #committed: number[];
  readonly #clock = new SimClock(START_MS);
  readonly played: Played = { points: 0, calls: 0 };
  #engine!: StorageEngine;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#objects = new SimObjectStore(seededRandom(seed + 1));
    // One story in four is of two partitions: what they share is written beside either.
    this.#logs = seed % 4 === 0 ? [[], []] : [[]];
    this.#committed = this.#logs.map(() => 0);
  }

  async play(steps: number): Promise<Played> {
    this.#engine = await openStorageEngine({
      disk: this.#disk,
      levelStores: new SimLevelStores(this.#disk),
      objectStore: this.#objects,
      clock: this.#clock,
      installationKey: KEY,
      options: OPTIONS,
      metrics: new SelfMetrics(),
    });
    this.#disk.beforeChange = (call, path) => this.#die(`before ${call} of ${path}`);
    for (let step = 0; step < steps; step++) await this.#step();
    await this.#die('at the end');
    return this.played;
  }

  async #step(): Promise<void> {
    const what = this.#random.below(10);
    if (what < 4) for (let i = 1 + this.#random.below(3); i > 0; i--) this.#tellMore();
    else if (what < 8) {
      for (const { partition, offset } of await this.#engine.checkpoint()) this.#committed[partition] = offset;
    } else if (what === 8) {
      await this.#clock.advance(this.#random.below(3) * HOUR);
      await this.#engine.seal({ supplementsToo: true });
    } else await this.#engine.compact({ cleanAll: this.#random.below(2) === 0 });
  }

  #tellMore(): void {
    const random = this.#random;
    const partition = random.below(this.#logs.length);
    const log = this.#logs[partition] as Told[];
    const nowMs = this.#clock.nowMs();
    const host = `h${random.below(3)}-${Math.floor((nowMs - START_MS) / (4 * HOUR))}`;
    let told: Told;
    if (random.below(8) === 0) {
      // Most means something that is there, and begins and ends at points: what a record tells is of ten minutes.
      const endMs = nowMs - STEP_MS * random.below(random.below(4) > 0 ? 20 : 480);
      told = { kind: 'delete', host, startMs: endMs - STEP_MS * random.below(40), endMs };
    } else {
      const points: Point[] = [];
      const lateMs = random.below(6) === 0 ? random.below(5) * HOUR : 0;
      for (let i = random.below(40); i >= 0; i--) {
        points.push({ host, timeMs: nowMs - lateMs - i * STEP_MS, value: random.below(1000) });
      }
      told = { kind: 'points', points };
    }
    log.push(told);
    tell(this.#engine, partition, log.length - 1, told, nowMs);
  }

  async #die(where: string): Promise<void> {
    this.played.calls++;
    const wanted = this.#logs.map(expected);
    for (const [i, keep] of DEATHS.entries()) {
      const seed = this.#random.below(2 ** 31);
      try {
        await this.#survive({ seed, keep, i, wanted });
      } catch (error) {
        const told = error instanceof Error ? error.message : String(error);
        throw new Error(`seed ${this.#seed}, call ${this.played.calls}, ${where}, ${keep} (${seed}): ${told}`, {
          cause: error,
        });
      }
      this.played.points++;
    }
  }

  async #survive({ seed, keep, i, wanted }: Death): Promise<void> {
    const found: Found = {
      disk: this.#disk.fork({ seed, keep }),
      objects: this.#objects.fork(seededRandom(seed)),
      logs: this.#logs,
      committed: this.#committed,
      nowMs: this.#clock.nowMs(),
      wanted,
    };
    const engine = await startOver(found);
    if ((this.played.points + i) % AGAIN_EVERY !== 0) return;
    await engine.checkpoint();
    await engine.seal({ supplementsToo: true });
    await startOver({ ...found, disk: found.disk.crash({ seed: seed ^ 1, keep }) });
  }
}
