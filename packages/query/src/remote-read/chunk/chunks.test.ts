import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BucketSide,
  type NativeHistogram,
  type SelectedSeries,
  STALE_HIGH,
  STALE_LOW,
  wordsOf,
  writeStale,
} from '@tidemark/model';
import { withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { continuesRun, histogramChunk } from './histogram-chunk.ts';
import { seriesChunks } from './series-chunks.ts';
import { xorChunk } from './xor-chunk.ts';

// Bytes as Prometheus' page on chunks says, by hand; and read again by a reader written from that page.

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const columns = (points: readonly (readonly [number, number])[]) => ({
  times: Float64Array.from(points, ([t]) => t),
  values: Float64Array.from(points, ([, v]) => v),
});

function xorOf(points: readonly (readonly [number, number])[]): Uint8Array {
  const { times, values } = columns(points);
  return xorChunk(times, wordsOf(values), 0, points.length);
}

test.each<[string, [number, number][], string]>([
  ['one sample', [[1000, 1]], '0001d00f3ff0000000000000'],
  ['before 1970', [[-1, -2]], '000101c000000000000000'],
  // 0: the value is the same.
  [
    'the same again',
    [
      [1000, 1],
      [2000, 1],
    ],
    '0002d00f3ff0000000000000e80700',
  ],
  // 0 (same) 0 (same step) 11 00001 001011 11111111111: eleven bits differ, behind one zero.
  [
    'another value at the same step',
    [
      [1000, 1],
      [2000, 1],
      [3000, 2],
    ],
    '0003d00f3ff0000000000000e8073097ffc0',
  ],
  // 0, 10 00000000000001 (one ms more) 0, 110 00010011100010000 (10,000 ms more) 0
  [
    'other steps',
    [
      [1000, 1],
      [2000, 1],
      [3001, 1],
      [14_002, 1],
    ],
    '0004d00f3ff0000000000000e8074000b09c40',
  ],
])('numbers: %s', (_, points, wanted) => expect(hex(xorOf(points))).toBe(wanted));

interface Vector {
  readonly kind: 'xor' | 'histogram';
  /** Values as their bits; of a histogram: count, zero count, sum, buckets. */
  readonly points: readonly { readonly t: number; readonly v: readonly string[] }[];
  readonly schema?: number;
  readonly zeroThreshold?: number;
  readonly positive?: BucketSide['spans'];
  readonly negative?: BucketSide['spans'];
  readonly bounds?: readonly number[];
  readonly hex: string;
}

const VECTORS = readFileSync(join(import.meta.dirname, 'testdata', 'v1-prometheus-3.14.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);

test.each(VECTORS.map((one, i) => [i, one.kind, one] as const))("Prometheus' own bytes: %d, %s", (_, kind, one) => {
  const timesMs = one.points.map(({ t }) => t);
  const numbers = one.points.map(
    ({ v }) => new Float64Array(BigUint64Array.from(v, (word) => BigInt(`0x${word}`)).buffer),
  );
  if (kind === 'xor') {
    const words = new Uint32Array(BigUint64Array.from(one.points, ({ v: [word] }) => BigInt(`0x${word}`)).buffer);
    expect(hex(xorChunk(Float64Array.from(timesMs), words, 0, timesMs.length))).toBe(one.hex);
    return;
  }
  const { schema = 0, zeroThreshold = 0, positive = [], negative = [], bounds } = one;
  const split = 3 + positive.reduce((sum, { length }) => sum + length, 0);
  const histograms = numbers.map((all): NativeHistogram => {
    const [count = 0, zeroCount = 0, sum = 0] = all;
    return {
      ...{ schema, zeroThreshold, count, zeroCount, sum, hint: 'unknown', fractions: true },
      positive: { spans: positive, counts: all.slice(3, split) },
      negative: { spans: negative, counts: all.slice(split) },
      bounds: bounds && Float64Array.from(bounds),
    };
  });
  expect(hex(histogramChunk(timesMs, histograms))).toBe(one.hex);
});

class Bits {
  #at = 0;
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get left(): number {
    return this.#bytes.length * 8 - this.#at;
  }
  take(count: number): bigint {
    let value = 0n;
    for (let i = 0; i < count; i++, this.#at++) {
      value = (value << 1n) | BigInt(((this.#bytes[this.#at >> 3] as number) >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }
  ones(most: number): number {
    let count = 0;
    while (count < most && this.take(1) === 1n) count++;
    return count;
  }
  uvarint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.take(8);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
  }
  varint(): bigint {
    const value = this.uvarint();
    return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  }
  /** As the page has it: more than half of what fits is below zero. */
  signed(count: number): bigint {
    const value = this.take(count);
    return count < 64 && value > 1n << BigInt(count - 1) ? value - (1n << BigInt(count)) : BigInt.asIntN(64, value);
  }
  whole(): bigint {
    const width = [0, 3, 6, 9, 12, 18, 25, 56, 64][this.ones(8)] as number;
    return width === 0 ? 0n : this.signed(width);
  }
  count(): number {
    const width = [0, 3, 6, 9, 12, 18, 25, 56, 64][this.ones(8)] as number;
    return Number(this.take(width));
  }
}

class Xor {
  #leading = 0;
  #trailing = 0;
  bits: bigint;
  constructor(bits: bigint) {
    this.bits = bits;
  }
  next(from: Bits): bigint {
    if (from.take(1) === 0n) return this.bits;
    if (from.take(1) === 1n) {
      this.#leading = Number(from.take(5));
      const length = Number(from.take(6)) || 64;
      this.#trailing = 64 - this.#leading - length;
    }
    this.bits ^= from.take(64 - this.#leading - this.#trailing) << BigInt(this.#trailing);
    return this.bits;
  }
}

function readXor(chunk: Uint8Array): [bigint, bigint][] {
  const bits = new Bits(chunk);
  const total = Number(bits.take(16));
  let time = bits.varint();
  const value = new Xor(bits.take(64));
  const out: [bigint, bigint][] = [[time, value.bits]];
  let delta = 0n;
  for (let i = 1; i < total; i++) {
    if (i === 1) delta = bits.uvarint();
    else
      delta +=
        [() => 0n, () => bits.signed(14), () => bits.signed(17), () => bits.signed(20), () => bits.signed(64)][
          bits.ones(4)
        ]?.() ?? 0n;
    time += delta;
    out.push([time, value.next(bits)]);
  }
  expect(bits.left).toBeLessThan(8);
  return out;
}

const bitsOf = (values: Float64Array) => [...new BigUint64Array(values.buffer, values.byteOffset, values.length)];

test('numbers of any kind at any steps come back, bit by bit', () =>
  withSeed('xor-chunk', (random) => {
    for (let round = 0; round < 300; round++) {
      const count = 1 + random.below(120);
      const values = new Float64Array(count);
      const times = new Float64Array(count);
      let time = random.below(2) === 0 ? 1_790_000_000_000 : -random.below(1000);
      let value = random.below(1000);
      for (let i = 0; i < count; i++) {
        time += [15_000, 14_999, 1, 1 + random.below(40_000), 1 + random.below(2_000_000), 2 ** 40][
          random.below(6)
        ] as number;
        const kind = random.below(8);
        if (kind === 0)
          value = [Number.NaN, Number.POSITIVE_INFINITY, -0, 0, Number.MIN_VALUE][random.below(5)] as number;
        else if (kind < 4) value = (Number.isFinite(value) ? value : 0) + random.below(10);
        else if (kind === 4) value = random.next() * 10 ** (random.below(600) - 300);
        times[i] = time;
        values[i] = value;
        if (kind === 7) writeStale(values, i);
      }
      const back = readXor(xorChunk(times, wordsOf(values), 0, count));
      expect(back.map(([t]) => Number(t))).toEqual([...times]);
      expect(back.map(([, v]) => v)).toEqual(bitsOf(values));
    }
  }));

const SOME: NativeHistogram = {
  schema: 0,
  hint: 'unknown',
  fractions: false,
  zeroThreshold: 2 ** -128,
  zeroCount: 1,
  count: 6,
  sum: 10.5,
  positive: {
    spans: [
      { gap: -2, length: 2 },
      { gap: 3, length: 1 },
    ],
    counts: Float64Array.of(2, 1, 2),
  },
  negative: { spans: [], counts: new Float64Array(0) },
  bounds: undefined,
};
const OWN: NativeHistogram = {
  ...SOME,
  schema: -53,
  zeroThreshold: 0,
  zeroCount: 0,
  positive: { spans: [{ gap: 0, length: 3 }], counts: Float64Array.of(1, 2, 3) },
  bounds: Float64Array.of(0.005, 1 / 3, 40_000),
};
const times = (one: NativeHistogram, by: number): NativeHistogram => ({
  ...one,
  count: one.count * by,
  zeroCount: one.zeroCount * by,
  sum: one.sum * by,
  positive: { ...one.positive, counts: one.positive.counts.map((count) => count * by) },
});

function readHistograms(chunk: Uint8Array) {
  const bits = new Bits(chunk);
  const total = Number(bits.take(16));
  const flags = Number(bits.take(8));
  const float = (word: bigint) => new Float64Array(BigUint64Array.of(word).buffer)[0] as number;
  const threshold = Number(bits.take(8));
  const zeroThreshold = threshold === 0 ? 0 : threshold === 255 ? float(bits.take(64)) : 0.5 * 2 ** (threshold - 243);
  const schema = Number(bits.whole());
  const [positive, negative] = [0, 1].map(() =>
    Array.from({ length: bits.count() }, () => ({ length: bits.count(), gap: Number(bits.whole()) })),
  ) as [{ length: number; gap: number }[], { length: number; gap: number }[]];
  const bounds =
    schema === -53
      ? Array.from({ length: bits.count() }, () => {
          const thousandths = bits.count();
          return thousandths === 0 ? float(bits.take(64)) : (thousandths - 1) / 1000;
        })
      : undefined;
  const buckets = [...positive, ...negative].reduce((sum, { length }) => sum + length, 0);
  let time = Number(bits.whole());
  const numbers = Array.from({ length: 3 + buckets }, () => new Xor(bits.take(64)));
  const out = [{ time, numbers: numbers.map((one) => float(one.bits)) }];
  let delta = 0;
  for (let i = 1; i < total; i++) {
    delta += Number(bits.whole());
    time += delta;
    out.push({ time, numbers: numbers.map((one) => float(one.next(bits))) });
  }
  expect(bits.left).toBeLessThan(8);
  return { flags, zeroThreshold, schema, positive, negative, bounds, samples: out };
}

test.each([
  ['exponential buckets', SOME],
  ['bounds of its own', OWN],
  [
    'fractions, negative buckets',
    {
      ...SOME,
      count: 6.5,
      zeroThreshold: 0.3,
      negative: { spans: [{ gap: 5, length: 1 }], counts: Float64Array.of(0.5) },
    },
  ],
])('histograms: %s', (_, one) => {
  const run = [one, one, times(one, 3), times(one, 1000)];
  const at = [1000, 2000, 3500, 1_790_000_000_000];
  const read = readHistograms(histogramChunk(at, run));
  expect(read).toMatchObject({
    flags: 0,
    zeroThreshold: one.zeroThreshold,
    schema: one.schema,
    positive: one.positive.spans,
    negative: one.negative.spans,
  });
  expect(read.bounds).toEqual(one.bounds && [...one.bounds]);
  expect(read.samples).toEqual(
    run.map((each, i) => ({
      time: at[i],
      numbers: [each.count, each.zeroCount, each.sum, ...each.positive.counts, ...each.negative.counts],
    })),
  );
});

test('what may stand in one chunk: one layout, nothing that becomes less', () => {
  expect(continuesRun(SOME, times(SOME, 2))).toBe(true);
  expect(continuesRun(times(SOME, 2), SOME)).toBe(false);
  expect(continuesRun(SOME, { ...SOME, hint: 'reset' })).toBe(false);
  expect(continuesRun(SOME, { ...SOME, schema: 1 })).toBe(false);
  expect(continuesRun(SOME, { ...SOME, positive: { ...SOME.positive, spans: [{ gap: 0, length: 3 }] } })).toBe(false);
  expect(continuesRun(OWN, { ...OWN, bounds: Float64Array.of(1, 2, 3) })).toBe(false);
  expect(continuesRun({ ...times(SOME, 2), hint: 'gauge' }, { ...SOME, hint: 'gauge' })).toBe(true);
});

test('a series is cut where numbers become histograms, layouts change, or there are 120', () => {
  const values = new Float64Array(250).fill(7);
  const stale = new Float64Array(new Uint32Array([STALE_LOW, STALE_HIGH]).buffer)[0] as number;
  for (const i of [130, 131, 132, 133, 134]) values[i] = Number.NaN;
  const series: SelectedSeries = {
    labels: [],
    timestampsMs: Float64Array.from(values, (_, i) => i * 1000),
    values,
    histograms: {
      entries: Uint32Array.of(130, 131, 132, 133, 134),
      histograms: [SOME, times(SOME, 2), SOME, { ...SOME, sum: stale }, OWN],
    },
  };
  const chunks = [...seriesChunks(series)];
  expect(chunks.map(({ encoding, fromMs, toMs }) => [encoding, fromMs / 1000, toMs / 1000])).toEqual([
    [1, 0, 119],
    [1, 120, 129],
    [3, 130, 131],
    [3, 132, 132],
    [3, 133, 133],
    [3, 134, 134],
    [1, 135, 249],
  ]);
  const ended = readHistograms(chunks[4]?.bytes as Uint8Array);
  expect([ended.positive, ended.samples[0]?.numbers.length]).toEqual([[], 3]);
});
