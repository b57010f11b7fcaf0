import { ByteWriter, type Random, seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { readChunk, writeChunk } from './chunk.ts';
import { type Column, Columns } from './columns.ts';
import { CHUNK_SAMPLES_MAX } from './encoding.ts';

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
