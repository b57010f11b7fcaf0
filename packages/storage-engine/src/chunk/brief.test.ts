import { ByteWriter, isTidemarkError, type Random, seededRandom } from '@tidemark/base';
import { describe, expect, test } from 'vitest';
import { isBrief, readBrief, writeBrief } from './brief.ts';
import { type Column, Columns } from './columns.ts';

// Random ones replay by: SEED=<seed> ROUNDS=<rounds> npx vitest run brief

const SEED = Number(process.env['SEED'] ?? 1);
const ROUNDS = Number(process.env['ROUNDS'] ?? 40);

function columnsOf(times: readonly number[], ...columns: readonly number[][]): Columns {
  const into = new Columns(columns.length, times.length);
  into.timestampsMs.set(times);
  columns.forEach((values, c) => {
    (into.columns[c] as Column).values.set(values);
  });
  into.length = times.length;
  return into;
}

function encode(columns: Columns, from = 0): Uint8Array {
  const writer = new ByteWriter(1);
  writeBrief(writer, columns, from, columns.length);
  return writer.finish();
}

function bitsOf(columns: Columns, from = 0): number[][] {
  const { length } = columns;
  const words = columns.columns.map((column) => [...column.words.subarray(from * 2, length * 2)]);
  return [[...columns.timestampsMs.subarray(from, length)], ...words];
}

function roundTrip(columns: Columns, from = 0): Uint8Array {
  const bytes = encode(columns, from);
  const back = new Columns(columns.columns.length, 1);
  readBrief(bytes, 0, bytes.length, back);
  expect(bitsOf(back)).toEqual(bitsOf(columns, from));
  return bytes;
}

/** Of bytes that are no entries: throws ours, or hands out rising times. */
function mayRead(bytes: Uint8Array, columnCount: number): void {
  const into = new Columns(columnCount);
  try {
    readBrief(bytes, 0, bytes.length, into);
  } catch (error) {
    expect(isTidemarkError(error), String(error)).toBe(true);
    expect(into.length, 'nothing is added').toBe(0);
  }
  for (let i = 1; i < into.length; i++) {
    expect(into.timestampsMs[i]).toBeGreaterThan(into.timestampsMs[i - 1] as number);
  }
}

describe('entries in brief keep every bit of', () => {
  test.each<[string, number[][]]>([
    [
      'whole numbers',
      [
        [1, 2],
        [1000, 1001],
        [2 ** 40, 2 ** 40 + 1],
      ],
    ],
    [
      'decimals',
      [
        [0.1, 0.2],
        [23.45, 23.46],
      ],
    ],
    [
      'columns like others',
      [
        [5, 6],
        [5, 6],
        [7, 7],
        [5, 7],
      ],
    ],
    [
      'an odd number of columns',
      [
        [1.5, 1.5],
        [-0, 0],
        [Number.POSITIVE_INFINITY, Number.NaN],
      ],
    ],
    ['one entry', [[3], [3], [5e-324]]],
    ['no columns', []],
  ])('%s', (_, columns) => {
    const times = [60_000, 120_000].slice(0, columns[0]?.length ?? 2);
    roundTrip(columnsOf(times, ...columns));
  });

  test('twelve columns that are all alike, further apart than a mark can say', () => {
    roundTrip(columnsOf([1], [9], ...Array.from({ length: 10 }, (_, i) => [i + 0.5]), [9]));
  });
});

test('what did not change takes no bytes', () => {
  // 0, count, and for each entry its time and a byte of marks; 6 is two bytes of its bits.
  expect(roundTrip(columnsOf([10, 20, 30], [6, 6, 6], [6, 6, 6])).length).toBe(2 + 3 * 2 + 2);
});

test('they are told from chunks, are added behind what is there, and may begin anywhere', () => {
  const columns = columnsOf([10, 20, 30], [1.25, 2.5, 3.75]);
  const bytes = roundTrip(columns, 1);
  expect(isBrief(bytes, 0)).toBe(true);
  const into = columnsOf([10], [1.25]);
  readBrief(bytes, 0, bytes.length, into);
  expect(bitsOf(into)).toEqual(bitsOf(columns));
});

test(`random entries come back bit for bit, cut or damaged ones are refused or read as some (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const columns = randomColumns(random);
    const bytes = roundTrip(columns);
    for (let end = 0; end < bytes.length; end++) {
      const into = new Columns(columns.columns.length);
      expect(() => readBrief(bytes, 0, end, into), `cut at ${end} in round ${round}`).toThrow();
      mayRead(bytes.subarray(0, end), columns.columns.length);
    }
    const bad = bytes.slice();
    const bit = random.below(bad.length * 8);
    bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
    mayRead(bad, columns.columns.length);
    mayRead(random.bytes(random.below(64)), columns.columns.length);
  }
});

function randomColumns(random: Random): Columns {
  const count = 1 + random.below(4);
  const columns = new Columns(1 + random.below(13), count);
  let time = random.below(2 ** 40);
  for (let i = 0; i < count; i++) {
    time += 1 + random.below(100_000);
    columns.timestampsMs[i] = time;
    for (const { values, words } of columns.columns) {
      const kind = random.below(5);
      if (kind === 0) words.set([random.below(2 ** 32), random.below(2 ** 32)], i * 2);
      else if (kind === 1) values[i] = random.below(100);
      else if (kind === 2) values[i] = random.below(10_000) / 100;
      else if (kind === 3 && i > 0) words.copyWithin(i * 2, i * 2 - 2, i * 2);
      else words[i * 2 + 1] = random.below(256) << 24;
    }
  }
  columns.length = count;
  return columns;
}
