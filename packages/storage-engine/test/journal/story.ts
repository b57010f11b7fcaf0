import { isTidemarkError, type Random, SelfMetrics, SimClock, seededRandom } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { type JournaledEngine, openJournaledEngine, type StorageOptions } from '../../src/index.ts';
import { SimLevelStores, SimObjectStore } from '../../src/sim.ts';
import { expected, type Point, type Told } from '../oracle/told.ts';
import { answeredPoints, difference } from '../points.ts';
import { KEY, START_MS } from '../world.ts';

// A life of a journaled engine from a seed: told things, several at once, checkpointed, sealed; and before each call that changes something
// on the disk, or the object store, it dies in several ways and is opened on what that leaves.
//
// What was told is a list in the order of the journal. What is opened must answer what a beginning of that list says: one that has all
// that was acknowledged, and nothing that was not told yet. So nothing is lost, nothing is half there, nothing comes twice or in another order.

const HOUR = 3_600_000;
/** Between points. */
const STEP_MS = 15_000;

export const OPTIONS: Partial<StorageOptions> = {
  retentionMs: { raw: 1000 * HOUR, '1m': 1000 * HOUR, '1h': 1000 * HOUR },
  supplementAfterMs: 0,
  forgetSeriesMin: 1,
  segmentBytesMax: 2000,
  compactAfterMs: 0,
  compactBytesMax: 3000,
  objectLeaseMs: 10 * 60_000,
};

export interface Machine {
  readonly disk: SimDisk;
  readonly objects: SimObjectStore;
  readonly clock: SimClock;
}

/** `saltSeed`: each process draws its own. */
export function openOn({ disk, objects, clock }: Machine, saltSeed: number, metrics = new SelfMetrics()) {
  return openJournaledEngine({
    disk,
    levelStores: new SimLevelStores(disk),
    objectStore: objects,
    clock,
    installationKey: KEY,
    options: OPTIONS,
    // Some groups a file.
    journal: { fileBytesMax: 600, groupBytesMax: 400 },
    random: seededRandom(saltSeed),
    metrics,
  });
}

export async function tell(engine: JournaledEngine, told: Told): Promise<void> {
  if (told.kind === 'delete') {
    const { host, startMs, endMs } = told;
    const selectors = [[matcher('=', '__name__', 'm'), matcher('=', 'host', host)]];
    await engine.delete({ tenant: 'default', selectors, startMs, endMs });
    return;
  }
  const builder = new BatchBuilder('default');
  for (const { host, timeMs, value } of told.points)
    builder.addLabels(labelsOf({ __name__: 'm', host }), timeMs, value);
  await engine.append(builder.build(START_MS));
}

export function answered(engine: JournaledEngine): Promise<Map<string, number>> {
  return answeredPoints(engine.source(), [matcher('=', '__name__', 'm')]);
}

/** How many of what was told are answered: at least `acknowledged`. Throws if it is no beginning of it. */
export function beginningOf(told: readonly Told[], acknowledged: number, found: ReadonlyMap<string, number>): number {
  let first: string | undefined;
  for (let count = acknowledged; count <= told.length; count++) {
    const differs = difference(found, expected(told.slice(0, count)));
    if (differs === undefined) return count;
    first ??= differs;
  }
  throw new Error(`${acknowledged} of ${told.length} were acknowledged; ${first}`);
}

const DEATHS = ['written', 'synced', 'torn', 'torn'] as const;
// One that goes on, is checkpointed and dies again costs as much as ten that only answer.
const AGAIN_EVERY = 8;

export class JournalStory {
  readonly #seed: number;
  readonly #random: Random;
  readonly #machine: Machine;
  readonly #told: Told[] = [];
  #acknowledged = 0;
  #engine!: JournaledEngine;
  points = 0;
  calls = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    const objects = new SimObjectStore(seededRandom(seed + 1));
    this.#machine = { disk: new SimDisk(), objects, clock: new SimClock(START_MS) };
  }

  async play(steps: number): Promise<this> {
    const { disk } = this.#machine;
    disk.beforeChange = (call, path) => this.#die(`before ${call} of ${path}`);
    this.#engine = await openOn(this.#machine, this.#seed);
    for (let step = 0; step < steps; step++) await this.#step();
    await this.#engine.close();
    await this.#die('at the end');
    return this;
  }

  async #step(): Promise<void> {
    const what = this.#random.below(12);
    if (what < 6) await this.#tellSome();
    else if (what < 8) await Promise.all([this.#tellSome(), this.#engine.checkpoint()]);
    else if (what === 8) {
      await this.#machine.clock.advance(this.#random.below(3) * HOUR);
      await Promise.all([this.#tellSome(), this.#engine.seal({ supplementsToo: true })]);
    } else if (what === 9) await this.#engine.compact({ cleanAll: this.#random.below(2) === 0 });
    // A mark is written.
    else if (what === 10) await this.#machine.clock.advance(10_000);
    else if (this.#random.below(2) === 0) await this.#anew();
    else await this.#failing();
  }

  /** A write of the journal fails: what was not acknowledged may be there afterwards, as far as it came. */
  async #failing(): Promise<void> {
    const { disk } = this.#machine;
    const last = (await disk.list('journal')).findLast((name) => name.startsWith('journal-'));
    const path = `journal/${last}`;
    const isSync = this.#random.below(2) === 0;
    disk.failNext(isSync ? 'sync' : 'append', { path });
    if (!isSync && this.#random.below(2) === 0) disk.failNext('truncate', { path });
    // After an append that failed the next one may succeed; that would be no beginning.
    await this.#tellSome(isSync ? 3 : 1, true);
    await this.#anew();
    const count = beginningOf(this.#told, this.#acknowledged, await answered(this.#engine));
    this.#told.length = count;
    this.#acknowledged = count;
  }

  async #anew(): Promise<void> {
    await this.#engine.close();
    this.#engine = await openOn(this.#machine, this.#random.below(2 ** 31));
  }

  /** All at once; which is to say, in groups. */
  async #tellSome(most = 4, mayFail = false): Promise<void> {
    const all: Promise<void>[] = [];
    for (let i = 1 + this.#random.below(most); i > 0; i--) {
      const told = this.#any();
      this.#told.push(told);
      all.push(tell(this.#engine, told).then(() => void this.#acknowledged++));
    }
    if (mayFail) await Promise.allSettled(all);
    else await Promise.all(all);
  }

  #any(): Told {
    const random = this.#random;
    const nowMs = this.#machine.clock.nowMs();
    const host = `h${random.below(3)}-${Math.floor((nowMs - START_MS) / (4 * HOUR))}`;
    if (random.below(8) === 0) {
      // Most means something that is there, and begins and ends at points: what a record tells is of five minutes.
      const endMs = nowMs - STEP_MS * random.below(random.below(4) > 0 ? 10 : 480);
      return { kind: 'delete', host, startMs: endMs - STEP_MS * random.below(40), endMs };
    }
    const points: Point[] = [];
    const lateMs = random.below(6) === 0 ? random.below(5) * HOUR : 0;
    for (let i = random.below(20); i >= 0; i--)
      points.push({ host, timeMs: nowMs - lateMs - i * STEP_MS, value: random.below(1000) });
    return { kind: 'points', points };
  }

  async #die(where: string): Promise<void> {
    this.calls++;
    const acknowledged = this.#acknowledged;
    for (const keep of DEATHS) {
      const seed = this.#random.below(2 ** 31);
      try {
        await this.#survive(seed, keep, acknowledged);
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        throw new Error(`seed ${this.#seed}, call ${this.calls}, ${where}, ${keep} (${seed}): ${said}`, {
          cause: error,
        });
      }
      this.points++;
    }
  }

  async #survive(seed: number, keep: (typeof DEATHS)[number], acknowledged: number): Promise<void> {
    const told = [...this.#told];
    const machine = {
      disk: this.#machine.disk.fork({ seed, keep }),
      objects: this.#machine.objects.fork(seededRandom(seed)),
      clock: new SimClock(this.#machine.clock.nowMs()),
    };
    const engine = await openOn(machine, seed);
    if (engine.losses.length > 0) throw new Error(`losses: ${JSON.stringify(engine.losses)}`);
    const count = beginningOf(told, acknowledged, await answered(engine));
    if (this.points % AGAIN_EVERY !== 0) return;
    // It goes on, and what it takes now stands behind what it had.
    const since = told.slice(0, count);
    for (let i = 0; i < 2; i++) {
      since.push(this.#any());
      await tell(engine, since.at(-1) as Told);
      if (i === 0) await engine.checkpoint();
    }
    const metrics = new SelfMetrics();
    const again = await openOn({ ...machine, disk: machine.disk.crash({ seed: seed ^ 1, keep }) }, seed ^ 1, metrics);
    if (!metrics.expose().includes('journal_damaged_bytes_total 0\n')) throw new Error('the next finds damage');
    if (again.losses.length > 0) throw new Error(`losses of the next: ${JSON.stringify(again.losses)}`);
    const differs = difference(await answered(again), expected(since));
    if (differs !== undefined) throw new Error(`the next: ${differs}`);
  }
}

export const isCode = (code: string) => (error: unknown) => isTidemarkError(error, code);
