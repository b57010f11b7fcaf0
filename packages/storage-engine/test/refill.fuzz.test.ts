import { assert, type Random } from '@tidemark/base';
import { BatchBuilder, labelsOf, labelValue, matcher, type SampleBatch, wordsOf } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { type Tombstone, WINDOW_MS } from '../src/index.ts';
import { type Point, standing, type Told } from './oracle/truth.ts';
import { World } from './world.ts';

// Damaged windows and a log that still has their records: what is read again is applied again, in the order of the log, deletes too.
// The oracle is the log itself: the last value of each (series, time) that no later delete meant (oracle/truth.ts).

const TP = { topic: 'tidemark.raw', partition: 0 };
const WINDOWS = 3;
const SERIES = 5;
const TIMES = 600;

type LogRecord = { readonly said: Told } & ({ readonly batch: SampleBatch } | { readonly tombstone: Tombstone });

/** What a run plays with: a log, and what it says. */
class Story {
  readonly world = new World();
  readonly log: LogRecord[] = [];
  readonly startMs = Math.ceil(this.world.clock.nowMs() / WINDOW_MS.raw) * WINDOW_MS.raw;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What was said of each point since it was last deleted: where the last is lost, one before it may be left. */
  get had(): ReadonlyMap<string, readonly number[]> {
    return standing(this.log.map(({ said }) => said));
  }

  get truth(): Map<string, number> {
    return new Map([...this.had].map(([point, values]) => [point, values.at(-1) as number]));
  }

  /** Times are of a coarse grid, so that some come again with another value. */
  timeOf(at: number): number {
    return this.startMs + Math.floor((at * WINDOWS * WINDOW_MS.raw) / TIMES);
  }

  write(): void {
    const random = this.#random;
    if (random.below(12) === 0 && this.log.length > 0) this.#delete();
    else this.#samples();
  }

  #samples(): void {
    const random = this.#random;
    const builder = new BatchBuilder('default');
    const around = random.below(TIMES);
    const points: Point[] = [];
    for (let i = 0; i < 150; i++) {
      const host = `i${random.below(SERIES)}`;
      const atMs = this.timeOf((around + random.below(60)) % TIMES);
      const value = random.below(1000);
      builder.addLabels(labelsOf({ __name__: 'm', instance: host }), atMs, value);
      points.push({ host, timeMs: atMs, value });
    }
    this.log.push({ said: { kind: 'points', points }, batch: builder.build(this.world.clock.nowMs()) });
  }

  #delete(): void {
    const random = this.#random;
    const instance = `i${random.below(SERIES)}`;
    const startMs = this.timeOf(random.below(TIMES));
    const endMs = startMs + random.below(WINDOW_MS.raw * 2);
    const tombstone = {
      ...{ ...TP, offset: this.log.length, tenant: 'default', startMs, endMs, atMs: this.world.clock.nowMs() },
      selectors: [[matcher('=', 'instance', instance)]],
    };
    this.log.push({ said: { kind: 'delete', host: instance, startMs, endMs }, tombstone });
  }

  /** As a storer does: from an offset to the end. */
  async read(from: number, to = this.log.length): Promise<void> {
    const { engine } = this.world;
    for (let offset = from; offset < to; offset++) {
      const record = this.log[offset] as LogRecord;
      if ('tombstone' in record) engine.applyDelete(record.tombstone);
      else engine.applySamples({ ...TP, offset, batch: record.batch });
      if (this.#random.below(4) === 0) engine.advance(TP, offset + 1);
      if (this.#random.below(6) === 0) await engine.checkpoint();
      if (this.#random.below(12) === 0) await engine.seal({ supplementsToo: true });
    }
    engine.advance(TP, to);
  }

  async answer(): Promise<{ points: Map<string, number>; warnings: readonly string[] }> {
    const { series, warnings } = await this.world.engine.source().select({
      tenant: 'default',
      matchers: [matcher('=', '__name__', 'm')],
      range: { startMs: 0, endMs: this.startMs * 2 },
      limits: { seriesMax: 100, samplesMax: 1e6 },
      signal: new AbortController().signal,
    });
    const points = new Map<string, number>();
    for (const { labels, timestampsMs, values } of series) {
      assert(wordsOf(values).length === timestampsMs.length * 2, 'a value a time');
      for (const [i, at] of timestampsMs.entries())
        points.set(`${labelValue(labels, 'instance')} ${at}`, values[i] as number);
    }
    return { points, warnings };
  }

  /** Some or all values of some windows' databases go, and the process with them. */
  async harm(): Promise<void> {
    const random = this.#random;
    this.world.crash(random.below(1000), 'written');
    for (const database of this.world.levels.databases().values()) {
      if (random.below(2) === 0) continue;
      const keys = await database.keys().all();
      const all = random.below(3) === 0;
      for (const key of keys) if (all || random.below(3) === 0) await database.del(key);
    }
    await this.world.open();
  }
}

const sorted = (points: Map<string, number>) => [...points].sort(([a], [b]) => (a < b ? -1 : 1));

test('refilled from the whole log, damaged windows lack nothing and nothing else changes; from a part, what is there is right', () =>
  withSeed('refill', async (random) => {
    const seen = { complete: 0, partial: 0 };
    for (let round = 0; round < rounds(60); round++) {
      const story = new Story(random);
      const { world } = story;
      await world.open();
      await world.clock.advance(story.startMs + WINDOWS * WINDOW_MS.raw - world.clock.nowMs());
      for (let i = 5 + random.below(40); i > 0; i--) story.write();
      await story.read(0);
      await world.engine.checkpoint();
      if (random.below(3) === 0) await world.engine.seal();
      expect(await story.answer()).toEqual({ points: expect.anything(), warnings: [] });
      expect(sorted((await story.answer()).points)).toEqual(sorted(story.truth));
      await story.harm();
      // A block that is missing is noticed when it is read.
      await story.answer();
      const lacking = world.engine.lacking(TP);
      if (lacking.length === 0) continue;
      const isComplete = random.below(2) === 0;
      world.engine.refill(TP, isComplete ? lacking : []);
      if (isComplete && random.below(2) === 0) {
        await story.read(0, random.below(story.log.length));
        world.crash(random.below(1000));
        await world.open();
        await story.answer();
        world.engine.refill(TP, world.engine.lacking(TP));
      }
      await story.read(isComplete ? 0 : random.below(story.log.length));
      const { points, warnings } = await story.answer();
      if (isComplete) {
        expect([sorted(points), warnings], `round ${round}`).toEqual([sorted(story.truth), []]);
        seen.complete++;
      } else {
        const { had } = story;
        for (const [point, value] of points) expect(had.get(point), `round ${round} ${point}`).toContain(value);
        expect(warnings).not.toEqual([]);
        seen.partial++;
      }
      // It stays so: over what comes next, a checkpoint, a crash, a seal.
      story.write();
      await story.read(world.engine.position(TP));
      await world.engine.checkpoint();
      world.crash(random.below(1000));
      await world.open();
      if (isComplete) expect(world.engine.lacking(TP)).toEqual([]);
      await world.clock.advance(WINDOW_MS.raw);
      expect((await world.engine.seal({ supplementsToo: true })).failures).toEqual([]);
      const after = await story.answer();
      if (isComplete) expect([sorted(after.points), after.warnings]).toEqual([sorted(story.truth), []]);
      else expect(after.warnings).not.toEqual([]);
    }
    expect(seen.complete).toBeGreaterThan(3);
    expect(seen.partial).toBeGreaterThan(3);
  }));
