import { ByteWriter, type Random, seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { readChunk, readNewest, writeChunk } from './chunk.ts';
import { type Column, Columns } from './columns.ts';
import { CHUNK_SAMPLES_MAX } from './encoding.ts';
import { TimesInPlace } from './times-in-place.ts';

// Round trips of random columns. Replay: SEED=<seed> ROUNDS=<rounds> npx vitest run chunk.fuzz

const SEED = Number(process.env['SEED'] ?? 1);
const ROUNDS = Number(process.env['ROUNDS'] ?? 300);

type Fill = (random: Random, words: Uint32Array, values: Float64Array, i: number) => void;
const FILLS: readonly Fill[] = [
  (random, words, _, i) => {
    words[i * 2] = random.below(2 ** 32);
    words[i * 2 + 1] = random.below(2 ** 32);
  },
  (random, _, values, i) => {
    values[i] = random.below(10_000) / 100;
  },
  (random, _, values, i) => {
    values[i] = (i === 0 || random.below(40) === 0 ? 0 : (values[i - 1] as number)) + random.below(1000);
  },
  (random, _, values, i) => {
    values[i] = (random.next() - 0.5) * 10 ** (random.below(40) - 20);
  },
  (random, _, values, i) => {
    values[i] = Math.round((random.next() - 0.5) * 2 ** random.below(62));
  },
  (random, _, values, i) => {
    values[i] = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1, 0.1][random.below(6)] as number;
  },
  (random, words, values, i) => {
    values[i] = Math.round((random.next() - 0.5) * 2 ** random.below(54)) / 10 ** random.below(8);
    if (i > 0) words.copyWithin(i * 2, i * 2 - 2, i * 2);
  },
  (random, _, values, i) => {
    values[i] = (i === 0 ? -2000 : (values[i - 1] as number)) + random.below(1000) * 0.001;
  },
  (random, _, values, i) => {
    values[i] = random.below(2 ** 40) / 1000 / 1000;
  },
  (random, _, values, i) => {
    const rare = [-0, 0, -Number.MIN_VALUE, 3 * Number.MIN_VALUE, Number.NaN, 0.1 + 0.2];
    values[i] = random.below(60) > 0 ? random.below(5000) * 0.001 : (rare[random.below(rare.length)] as number);
  },
];

test(`every column comes back bit for bit (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const into = new Columns(2);
  for (let round = 0; round < ROUNDS; round++) {
    const count = 1 + random.below(random.below(10) === 0 ? CHUNK_SAMPLES_MAX : 130);
    const source = new Columns(2, count);
    let time = random.below(2) === 0 ? 1_700_000_000_000 : -random.below(2 ** 31);
    const jitter = 1 + random.below(random.below(3) === 0 ? 100_000 : 3);
    for (let i = 0; i < count; i++) {
      source.timestampsMs[i] = time;
      time += 1 + random.below(jitter) + (random.below(50) === 0 ? random.below(2 ** 31) : 0);
    }
    for (const { values, words } of source.columns) {
      const fill = FILLS[random.below(FILLS.length)] as Fill;
      for (let i = 0; i < count; i++) fill(random, words, values, i);
    }
    if (random.below(6) === 0) source.columns[1]?.words.set(source.columns[0]?.words as Uint32Array);
    source.length = count;
    const writer = new ByteWriter();
    writeChunk(writer, source, 0, count);
    into.reset();
    readChunk(writer.bytes, 0, writer.length, into);
    expect(into.length).toBe(count);
    expect(Buffer.from(into.timestampsMs.buffer, 0, count * 8).equals(Buffer.from(source.timestampsMs.buffer))).toBe(
      true,
    );
    for (let c = 0; c < 2; c++) {
      const back = (into.columns[c] as Column).words.subarray(0, count * 2);
      expect(back, `round ${round}, seed ${SEED}`).toEqual((source.columns[c] as Column).words.subarray(0, count * 2));
    }
  }
});

test(`the newest alone is the last of all (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const newest = new Columns(1).columns[0] as Column;
  for (let round = 0; round < ROUNDS; round++) {
    const source = columnOf(random, timesOf(random));
    const writer = new ByteWriter();
    writeChunk(writer, source, 0, source.length);
    readNewest(writer.bytes, 0, writer.length, newest);
    const { words } = source.columns[0] as Column;
    expect(newest.words.subarray(0, 2), `round ${round}, seed ${SEED}`).toEqual(
      words.subarray(source.length * 2 - 2, source.length * 2),
    );
  }
});

test(`series that share times are what they are alone (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const shared = new Columns(1, 16);
  const times = new TimesInPlace();
  let inStep = 0;
  let before: number[] = [];
  let scrape = [timesOf(random)];
  for (let round = 0; round < ROUNDS; round++) {
    const alone = new Columns(1);
    shared.reset();
    times.begin();
    if (random.below(5) === 0) scrape = [...scrape, timesOf(random)].slice(random.below(2));
    if (random.below(8) === 0) scrape = scrape.slice(0, 1);
    for (const some of scrape) {
      const source = columnOf(random, some);
      const writer = new ByteWriter();
      writeChunk(writer, source, 0, source.length);
      readChunk(writer.bytes, 0, writer.length, shared, times);
      readChunk(writer.bytes, 0, writer.length, alone);
    }
    const what = `round ${round}, seed ${SEED}`;
    const now = [...alone.timestampsMs.subarray(0, alone.length)];
    expect([...shared.timestampsMs.subarray(0, shared.length)], what).toEqual(now);
    expect(shared.columns[0]?.words.subarray(0, shared.length * 2), what).toEqual(
      alone.columns[0]?.words.subarray(0, alone.length * 2),
    );
    if (times.same) expect(now, what).toEqual(before);
    if (times.same) inStep++;
    before = now;
    if (random.below(10) > 0) continue;
    shared.timestampsMs.fill(-1);
    times.forget();
    expect(times.same).toBe(false);
  }
  expect(inStep).toBeGreaterThan(ROUNDS / 4);
});

function timesOf(random: Random): readonly number[] {
  const jitter = 1 + random.below(4);
  let time = 1_700_000_000_000;
  return Array.from({ length: 1 + random.below(200) }, () => {
    time += 1 + random.below(jitter);
    return time;
  });
}

function columnOf(random: Random, times: readonly number[]): Columns {
  const columns = new Columns(1, times.length);
  columns.timestampsMs.set(times);
  columns.length = times.length;
  const fill = FILLS[random.below(FILLS.length)] as Fill;
  const { values, words } = columns.columns[0] as Column;
  for (let i = 0; i < times.length; i++) fill(random, words, values, i);
  return columns;
}
