import { isTidemarkError, type Random, silentLogger, TidemarkError } from '@tidemark/base';
import { encodeSampleRecord } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { type Repartition, startRepartition } from '../src/index.ts';
import { OURS, RepartitionWorld, SAMPLES, T0 } from './repartition-world.ts';

// Samples and rubbish are written while the registry comes and goes, the sink refuses, appends of dead letters fail or are lost on
// the way back, records come again, processes die, and others join and leave the group. In the end every sample that the log took
// is in the sink, exactly as written, and every unreadable record is a dead letter with its bytes; nothing else is anywhere.

const THEIRS = 50;

class Chaos {
  readonly world: RepartitionWorld;
  readonly samples = new Set<string>();
  readonly rubbish = new Set<string>();
  readonly #random: Random;
  #other: Repartition | undefined;
  #next = 0;

  constructor(world: RepartitionWorld, random: Random) {
    this.world = world;
    this.#random = random;
  }

  async step(): Promise<void> {
    const { world } = this;
    const below = (bound: number) => this.#random.below(bound);
    switch (below(16)) {
      case 0:
        world.registry.mood = (['well', 'well', 'away', 'silent'] as const)[below(4)] ?? 'well';
        break;
      case 1:
        world.registry.delayMs = below(3) * 700;
        break;
      case 2: {
        const codes = ['INGEST_OVERLOADED', 'INGEST_UNAVAILABLE', 'INGEST_RATE_LIMITED', 'OURS'];
        world.sink.failures.push(new TidemarkError(codes[below(4)] ?? '', 'not now', { retryAfterMs: below(2000) }));
        break;
      }
      case 3:
        world.log.faults.failNextAppend({ when: below(2) === 0 ? 'before' : 'after' });
        break;
      case 4:
        world.log.redeliver(1 + below(4));
        break;
      case 5:
        if (below(3) === 0) await this.#crash();
        break;
      case 6:
        if (this.#other) await this.#leave();
        else this.#join();
        break;
      case 7:
      case 8:
        await world.pass(below(3000));
        break;
      case 9:
      case 10:
        await this.#writeRubbish();
        break;
      default:
        await this.#writeSample();
    }
  }

  /** All is well from here on. */
  async settle(): Promise<void> {
    const { world } = this;
    world.registry.mood = 'well';
    world.registry.delayMs = 0;
    world.sink.failures.length = 0;
    // A fault not taken yet is taken here.
    for (let i = 0; i < 20; i++) await this.#writeSample();
    if (this.#other) await this.#leave();
    await world.until(() => world.caughtUp());
  }

  async #writeSample(): Promise<void> {
    const n = this.#next++;
    const value = encodeSampleRecord(
      { name: `m${n % 7}`, timestamp: T0 + n, value: n },
      this.#random.below(2) === 0 ? OURS : THEIRS,
    );
    await this.#write(value, () => this.samples.add(`default m${n % 7} ${n} @ ${n}`));
  }

  async #writeRubbish(): Promise<void> {
    const n = this.#next++;
    const whole = encodeSampleRecord({ name: `rubbish${n}`, timestamp: T0 + n, value: n }, OURS);
    const value = [whole.subarray(0, whole.length - 2), Buffer.from(`{"no": ${n}}`), Uint8Array.from([...whole, 0])];
    const bytes = value[this.#random.below(3)] as Uint8Array;
    await this.#write(bytes, () => this.rubbish.add(Buffer.from(bytes).toString('hex')));
  }

  /** A writer that hears of a failure writes again, as producers do. */
  async #write(value: Uint8Array, written: () => void): Promise<void> {
    for (;;) {
      try {
        await this.world.write(value, { partition: this.#random.below(2) });
        written();
        return;
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
      }
    }
  }

  #join(): void {
    const { log, sink, registry, clock } = this.world;
    const topics = [{ topic: SAMPLES, tenant: undefined }];
    this.#other = startRepartition({ log, sink, schemas: registry, topics, clock, logger: silentLogger });
  }

  async #leave(): Promise<void> {
    const other = this.#other;
    this.#other = undefined;
    if (other) await this.world.closing(other);
  }

  async #crash(): Promise<void> {
    await this.world.crash();
    await this.#leave();
  }
}

test('every sample arrives and every unreadable record is kept, whatever fails on the way', () =>
  withSeed('repartition', async (random) => {
    for (let round = 0; round < rounds(12); round++) {
      const world = await RepartitionWorld.start();
      world.registry.schemas.set(THEIRS, world.registry.schemas.get(OURS) as string);
      const chaos = new Chaos(world, random);
      for (let i = 0; i < 120; i++) await chaos.step();
      await chaos.settle();
      expect(new Set(world.sink.taken)).toEqual(chaos.samples);
      const letters = (await world.deadLetters()).map(({ value }) => Buffer.from(value ?? []).toString('hex'));
      expect(new Set(letters)).toEqual(chaos.rubbish);
      await world.close();
    }
  }));
