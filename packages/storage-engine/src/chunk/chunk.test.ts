import { ByteWriter, isTidemarkError, seededRandom } from '@tidemark/base';
import { describe, expect, test } from 'vitest';
import { readChunk, readNewest, writeChunk } from './chunk.ts';
import { type Column, Columns } from './columns.ts';

function columnsOf(times: readonly number[], values: readonly number[] | Float64Array): Columns {
  const columns = new Columns(1, Math.max(1, times.length));
  columns.timestampsMs.set(times);
  columns.columns[0]?.words.set(new Uint32Array(Float64Array.from(values).buffer));
  if (values instanceof Float64Array) columns.columns[0]?.words.set(new Uint32Array(values.buffer));
  columns.length = times.length;
  return columns;
}

function encode(columns: Columns): Uint8Array {
  const writer = new ByteWriter();
  writeChunk(writer, columns, 0, columns.length);
  return writer.finish();
}

function bitsOf(columns: Columns): bigint[] {
  const out: bigint[] = [];
  for (let i = 0; i < columns.length; i++) out.push(BigInt(columns.timestampsMs[i] as number));
  for (const { words } of columns.columns) {
    for (let i = 0; i < columns.length; i++) {
      out.push((BigInt(words[i * 2 + 1] as number) << 32n) | BigInt(words[i * 2] as number));
    }
  }
  return out;
}

function roundTrip(columns: Columns): Uint8Array {
  const bytes = encode(columns);
  const back = new Columns(1, 1);
  readChunk(bytes, 0, bytes.length, back);
  expect(bitsOf(back)).toEqual(bitsOf(columns));
  return bytes;
}

const steady = (count: number, stepMs = 10_000) =>
  Array.from({ length: count }, (_, i) => 1_700_000_000_000 + i * stepMs);

describe('a chunk keeps every bit of', () => {
  test.each<[string, number[]]>([
    ['one sample', [42]],
    ['a constant', [7, 7, 7, 7]],
    ['integers', [1, 2, 3, 100, 5, -7]],
    ['a counter that is reset', [1000, 1100, 1205, 0, 90, 210]],
    ['two decimals', [0.01, 23.45, -9.99, 100]],
    ['large integers beyond 2^53', [2 ** 60, 2 ** 60 + 4096, 2 ** 53 + 2]],
    ['mantissas at the cap', [2 ** 50 - 1, -(2 ** 50) + 1, 0, 2 ** 50]],
    ['tiny and huge', [5e-324, 1.7976931348623157e308, -5e-324]],
    ['minus zero', [0, -0, 0, -0]],
    ['only minus zero', [-0, -0, -0]],
    ['infinities', [Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY]],
    ['irrational', [Math.PI, Math.E, Math.SQRT2, Math.LN2]],
    ['multiples of a page', [4096 * 1000, 4096 * 1777, 4096 * 3]],
  ])('%s', (_, values) => {
    roundTrip(columnsOf(steady(values.length), values));
  });

  test('NaNs with payloads, the stale marker and the patterns engines use for holes', () => {
    const values = new Float64Array(8);
    const words = new Uint32Array(values.buffer);
    const patterns: [number, number][] = [
      [0x7ff00000, 2],
      [0x7ff80000, 0],
      [0xfff7ffff, 0xfff7ffff],
      [0x7ff00000, 1],
      [0xfff80000, 0xdeadbeef],
      [0x7ff00000, 2],
      [0xffffffff, 0xffffffff],
      [0x7ff00000, 0],
    ];
    patterns.forEach(([high, low], i) => {
      words[i * 2] = low;
      words[i * 2 + 1] = high;
    });
    roundTrip(columnsOf(steady(8), values));
    // Each of them first and last of doubles that are worth their xor: a first value is written otherwise than those behind it.
    for (const [high, low] of patterns) {
      values.fill(Math.PI);
      for (const i of [0, 7]) words.set([low, high], i * 2);
      expect(roundTrip(columnsOf(steady(8), values)).length).toBeLessThan(50);
    }
  });
});

describe('the size is what the data deserves', () => {
  const bytesEach = (times: number[], values: number[]) => roundTrip(columnsOf(times, values)).length / times.length;

  test('a steady constant costs next to nothing', () => {
    expect(bytesEach(steady(120), new Array(120).fill(0.5))).toBeLessThan(0.2);
  });
  test('a counter with steps of 100 to 131 costs five bits', () => {
    const random = seededRandom(1);
    let value = 0;
    const values = Array.from({ length: 120 }, () => (value += 100 + random.below(32)));
    expect(bytesEach(steady(120), values)).toBeLessThan(0.85);
  });
  test('a reset in between costs a few bytes, not the width of all', () => {
    const random = seededRandom(1);
    let value = 1e9;
    const values = Array.from({ length: 120 }, (_, i) => (value = i === 60 ? 0 : value + 100 + random.below(32)));
    expect(bytesEach(steady(120), values)).toBeLessThan(1.0);
  });
  test('a missed scrape among jittered ones costs a few bytes', () => {
    const random = seededRandom(1);
    const times = steady(120).map((t, i) => t + random.below(4) + (i > 50 ? 600_000 : 0));
    expect(bytesEach(times, new Array(120).fill(1))).toBeLessThan(0.7);
  });
});

describe('columns beside one another', () => {
  const pair = (left: readonly number[], right: readonly number[]) => {
    const columns = new Columns(2, left.length);
    columns.timestampsMs.set(steady(left.length));
    columns.columns[0]?.values.set(left);
    columns.columns[1]?.values.set(right);
    columns.length = left.length;
    const bytes = encode(columns);
    const back = new Columns(2, 1);
    readChunk(bytes, 0, bytes.length, back);
    expect(bitsOf(back)).toEqual(bitsOf(columns));
    return bytes;
  };

  test('one with the bits of one before it costs two bytes', () => {
    const values = [1.5, 2.25, Math.PI, Number.NaN];
    expect(pair(values, values).length - encode(columnsOf(steady(4), values)).length).toBe(2);
  });
  test('0 and -0 are not the same bits', () => {
    pair([0, 0, 0], [-0, -0, -0]);
  });
  test('a column that is to be like itself or a later one is refused', () => {
    const values = [1, 2, 3];
    const bytes = pair(values, values);
    for (const number of [1, 2, 255]) {
      bytes[bytes.length - 1] = number;
      const error = thrownBy(() => readChunk(bytes, 0, bytes.length, new Columns(2)));
      expect(isTidemarkError(error, 'CHUNK_MALFORMED'), `column ${number}`).toBe(true);
    }
  });
});

describe('bad bytes', () => {
  const good = encode(
    columnsOf(
      steady(40),
      Array.from({ length: 40 }, (_, i) => Math.sin(i)),
    ),
  );
  const decimal = encode(
    columnsOf(
      steady(40).map((t, i) => t + (i % 7)),
      Array.from({ length: 40 }, (_, i) => (i * i) / 100),
    ),
  );

  test.each([
    ['xor', good],
    ['decimal', decimal],
  ])('%s: truncated at every byte is refused', (_, bytes) => {
    for (let end = 0; end < bytes.length; end++) {
      const error = thrownBy(() => readChunk(bytes, 0, end, new Columns(1)));
      expect(isTidemarkError(error), `cut at ${end}`).toBe(true);
      const newest = thrownBy(() => readNewest(bytes, 0, end, new Columns(1).columns[0] as Column));
      expect(isTidemarkError(newest), `the newest, cut at ${end}`).toBe(true);
    }
  });

  test.each([
    ['xor', good],
    ['decimal', decimal],
  ])('%s: every flipped bit ends in rising times or a refusal', (_, bytes) => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const bad = bytes.slice();
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      const into = new Columns(1);
      const error = thrownBy(() => readChunk(bad, 0, bad.length, into));
      if (error !== undefined) expect(isTidemarkError(error), `bit ${bit}: ${String(error)}`).toBe(true);
      const other = thrownBy(() => readNewest(bad, 0, bad.length, new Columns(1).columns[0] as Column));
      if (other !== undefined) expect(isTidemarkError(other), `bit ${bit}: ${String(other)}`).toBe(true);
      for (let i = 1; i < into.length; i++) {
        expect(into.timestampsMs[i] as number).toBeGreaterThan(into.timestampsMs[i - 1] as number);
      }
    }
  });

  test('random bytes never hang or escape', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 3000; round++) {
      const bytes = random.bytes(random.below(64));
      const error = thrownBy(() => readChunk(bytes, 0, bytes.length, new Columns(1)));
      if (error !== undefined) expect(isTidemarkError(error), String(error)).toBe(true);
    }
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
