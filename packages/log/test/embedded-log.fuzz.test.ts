import { type Random, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { chooseSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { ALERTS, CONFIG, RAW, readAll, textOf } from '../src/conformance/traits.ts';
import type { EmbeddedLog } from '../src/embedded/embedded-log.ts';
import { openEmbeddedLog } from '../src/embedded/open.ts';
import type { OutgoingRecord, Position } from '../src/log.ts';
import { SimLog } from '../src/sim/sim-log.ts';

// The embedded log on a disk that crashes, fills up and fails, beside the simulated log, which does none of that. Whatever
// the embedded one acknowledged the other is told; then both must say the same.
//
// A step that was rejected may be there or not: it is taken over from what is found after the next reopen.

const SEED = chooseSeed();
const ROUNDS = Number(process.env['ROUNDS'] ?? 20);
const STEPS = 60;
const TOPICS = [RAW, ALERTS, CONFIG];
const PARTITIONS = TOPICS.flatMap(({ name, partitions }) =>
  Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
);

class Run {
  readonly random: Random;
  readonly clock = new SimClock(1_700_000_000_000);
  readonly oracle = new SimLog({ clock: this.clock });
  disk = new SimDisk();
  log: EmbeddedLog | undefined;
  /** Appends whose outcome is not known, in order. */
  doubtful: OutgoingRecord[][] = [];
  #opens = 0;
  #value = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  async open(): Promise<EmbeddedLog> {
    this.log = await openEmbeddedLog({
      disk: this.disk,
      clock: this.clock,
      logger: silentLogger,
      random: seededRandom(this.#opens++),
      options: { fileBytesMax: 4000, tailBytesMax: 3000, readCacheBytesMax: 3000, readAheadBytes: 1000 },
    });
    return this.log;
  }

  records(): OutgoingRecord[] {
    return Array.from({ length: 1 + this.random.below(4) }, () => {
      const at = PARTITIONS[this.random.below(PARTITIONS.length)] as (typeof PARTITIONS)[number];
      const size = this.random.below(10) === 0 ? 20_000 : this.random.below(200);
      const tombstone = at.topic === CONFIG.name && this.random.below(4) === 0;
      const value = tombstone ? null : new Uint8Array(size).fill(this.#value++ & 0xff);
      const key = at.topic === CONFIG.name ? Uint8Array.of(this.random.below(5)) : null;
      return { ...at, key, value };
    });
  }
}

/** After an append of unknown outcome and a reopen: it is there whole, or not at all. */
async function settleDoubts(run: Run, log: EmbeddedLog): Promise<void> {
  for (const records of run.doubtful) {
    const ends = await Promise.all(
      TOPICS.map(async ({ name }) => [await log.bounds(name), await run.oracle.bounds(name)]),
    );
    const ahead = ends.some(([found, known]) => found?.some(({ end }, i) => end > (known?.[i]?.end ?? 0)));
    if (ahead) await run.oracle.append(records);
  }
  run.doubtful = [];
}

async function compare(run: Run, log: EmbeddedLog): Promise<void> {
  for (const at of PARTITIONS) {
    const bounds = (await log.bounds(at.topic))[at.partition];
    const known = (await run.oracle.bounds(at.topic))[at.partition];
    expect(bounds?.end, `${at.topic}/${at.partition} end`).toBe(known?.end);
    const start = bounds?.start ?? 0;
    const shape = async (from: EmbeddedLog | SimLog) =>
      (await readAll(from, at.topic, at.partition, start)).map(({ offset, key, value }) => [
        offset,
        textOf(key),
        value && `${value.length} x ${value[0]}`,
      ]);
    expect(await shape(log)).toEqual(await shape(run.oracle));
  }
}

async function append(run: Run, log: EmbeddedLog): Promise<void> {
  const batches = Array.from({ length: 1 + run.random.below(5) }, () => run.records());
  const outcomes = await Promise.allSettled(batches.map((records) => log.append(records)));
  for (const [i, outcome] of outcomes.entries()) {
    const records = batches[i] as OutgoingRecord[];
    if (outcome.status === 'rejected') {
      expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^LOG_(FULL|IO)$/) });
      continue;
    }
    expect(await run.oracle.append(records)).toEqual(outcome.value);
  }
}

/** One transaction of a producer of its own, with a position: told to the other log when it is acknowledged. */
async function transact(run: Run, log: EmbeddedLog): Promise<void> {
  const records = run.records();
  const { topic, partition } = PARTITIONS[run.random.below(PARTITIONS.length)] as (typeof PARTITIONS)[number];
  const end = (await log.bounds(topic))[partition]?.end ?? 0;
  const positions = [{ topic, partition, offset: run.random.below(end + 1) }];
  const transaction = await (await log.openProducer({ transactionalId: `task ${run.random.below(3)}` })).begin();
  await transaction.append(records);
  await transaction.sendOffsets('task', positions);
  if (run.random.below(4) === 0) return transaction.abort();
  const offsets = await transaction.commit();
  expect(await run.oracle.append(records)).toEqual(offsets);
  expect(await log.committed('task', positions)).toEqual(positions);
}

async function crash(run: Run, log: EmbeddedLog): Promise<EmbeddedLog> {
  // Some appends are under way when the power goes, as far as they came.
  const batches = Array.from({ length: run.random.below(4) }, () => run.records());
  const prepared = await Promise.all(
    batches.map(async (records, i) => {
      if (run.random.below(2) === 0) return undefined;
      const transaction = await (await log.openProducer({ transactionalId: `crashing ${i}` })).begin();
      await transaction.append(records);
      return transaction;
    }),
  );
  const underWay = batches.map((records, i) => prepared[i]?.commit() ?? log.append(records));
  const settled = Promise.allSettled(underWay);
  for (let turns = run.random.below(12); turns > 0; turns--) await Promise.resolve();
  const keep = (['torn', 'synced', 'written'] as const)[run.random.below(3)] ?? 'torn';
  run.disk = run.disk.crash({ seed: run.random.below(1 << 30), keep });
  const outcomes = await settled;
  for (const [i, outcome] of outcomes.entries()) {
    const records = batches[i] as OutgoingRecord[];
    if (outcome.status === 'fulfilled') await run.oracle.append(records);
    else run.doubtful.push(records);
  }
  const reopened = await run.open();
  await reopened.ensureTopics(TOPICS);
  await settleDoubts(run, reopened);
  return reopened;
}

async function step(run: Run, log: EmbeddedLog): Promise<EmbeddedLog> {
  switch (run.random.below(15)) {
    case 0:
      return crash(run, log);
    case 1:
      await log.close();
      return run.open();
    case 2: {
      run.disk.capacityBytes = run.disk.usedBytes + run.random.below(3000);
      await append(run, log);
      run.disk.capacityBytes = Number.POSITIVE_INFINITY;
      return log;
    }
    case 3:
      run.disk.failNext('append');
      await append(run, log);
      return log;
    case 4:
      await run.clock.advance(run.random.below(2000));
      return log;
    case 5: {
      const positions: Position[] = [];
      for (const { topic, partition, end } of await log.bounds(RAW.name)) {
        positions.push({ topic, partition, offset: Math.max(0, end - run.random.below(10)) });
      }
      await log.commit('storer', positions);
      await log.retain();
      return log;
    }
    case 6:
    case 7:
    case 8:
      await transact(run, log);
      return log;
    default:
      await append(run, log);
      return log;
  }
}

test(`says the same as the simulated log (replay: SEED=${SEED} ROUNDS=1 npx vitest run packages/log/test/embedded-log.fuzz)`, {
  timeout: 600_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const run = new Run(SEED + round);
    try {
      let log = await run.open();
      await log.ensureTopics(TOPICS);
      await run.oracle.ensureTopics(TOPICS);
      for (let i = 0; i < STEPS; i++) {
        log = await step(run, log);
        if (i % 10 === 9) await compare(run, log);
      }
      await compare(run, log);
      await log.close();
    } catch (error) {
      throw new Error(`SEED=${SEED + round} ROUNDS=1 replays this`, { cause: error });
    }
  }
});
