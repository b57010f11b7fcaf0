import { ByteWriter, isTidemarkError, type Random, seededRandom } from '@tidemark/base';
import { encodeHistogram } from '@tidemark/model';
import { expect, test } from 'vitest';
import { readChunk, readNewest, writeChunk } from '../src/chunk/chunk.ts';
import { type Column, Columns } from '../src/chunk/columns.ts';
import { anyHistogram } from './any-histogram.ts';

// Runs of histograms, with numbers between them or without, come back byte for byte; cut or bent ones are refused, or are read as
// others.

const SEED = Number(process.env['SEED'] ?? 20_261_129);
const ROUNDS = Number(process.env['ROUNDS'] ?? 150);
const replay = `replay: SEED=${SEED} ROUNDS=${ROUNDS}`;

function anyRun(random: Random): Columns {
  const run = new Columns(1);
  const numbers = random.below(3) === 0 ? random.below(100) : 0;
  const few = Array.from({ length: 1 + random.below(4) }, () => anyHistogram(random));
  const count = 1 + random.below(60);
  run.reserve(count);
  const { values } = run.columns[0] as Column;
  for (let i = 0; i < count; i++) {
    run.timestampsMs[i] = i * 15_000 + random.below(100);
    const isNumber = i > 0 && random.below(100) < numbers;
    values[i] = isNumber ? random.below(1000) / 4 : Number.NaN;
    if (isNumber) continue;
    run.setHistogram(i, random.below(2) === 0 ? few[random.below(few.length)] : anyHistogram(random));
  }
  run.length = count;
  return run;
}

function textOf(run: Columns): string[] {
  const { values } = run.columns[0] as Column;
  return Array.from({ length: run.length }, (_, i) => {
    const histogram = run.histograms?.[i];
    return `${run.timestampsMs[i]} ${histogram ? Buffer.from(histogram).toString('hex') : values[i]}`;
  });
}

test('they come back', () => {
  const random = seededRandom(SEED);
  const into = new Columns(1);
  for (let round = 0; round < ROUNDS; round++) {
    const run = anyRun(random);
    const writer = new ByteWriter();
    writeChunk(writer, run, 0, run.length);
    // What was read before into the same columns says nothing any more.
    if (random.below(2) === 0) into.reset();
    else into.length = 0;
    readChunk(writer.bytes, 0, writer.length, into);
    expect(textOf(into), replay).toEqual(textOf(run));
    expect(readNewest(writer.bytes, 0, writer.length, into.columns[0] as Column)).toBe(false);
  }
});

test('cut or bent chunks are refused, or read as others', () => {
  const random = seededRandom(SEED ^ 0xb17);
  for (let round = 0; round < ROUNDS / 30; round++) {
    const run = anyRun(random);
    const writer = new ByteWriter();
    writeChunk(writer, run, 0, run.length);
    const bytes = writer.finish();
    const read = (bad: Uint8Array) => {
      const into = new Columns(1);
      try {
        readChunk(bad, 0, bad.length, into);
      } catch (error) {
        if (isTidemarkError(error)) return undefined;
        throw error;
      }
      for (let i = 1; i < into.length; i++)
        expect(into.timestampsMs[i]).toBeGreaterThan(into.timestampsMs[i - 1] as number);
      return textOf(into);
    };
    for (let end = 0; end < bytes.length; end++) expect(read(bytes.subarray(0, end)), replay).toBeUndefined();
    for (let bend = 0; bend < 300; bend++) {
      const bent = bytes.slice();
      const bit = random.below(bent.length * 8);
      bent[bit >>> 3] = (bent[bit >>> 3] as number) ^ (1 << (bit & 7));
      read(bent);
    }
  }
});

test('a window of one histogram takes little more than what changes', () => {
  const random = seededRandom(SEED);
  const run = new Columns(1);
  run.reserve(720);
  const counts = new Float64Array(100);
  let bytes = 0;
  for (let i = 0; i < 720; i++) {
    for (let b = 0; b < 100; b++) counts[b] = (counts[b] as number) + random.below(4);
    const count = counts.reduce((sum, one) => sum + one, 0);
    const none = { spans: [], counts: new Float64Array(0) };
    const histogram = encodeHistogram({
      ...{ schema: 3, hint: 'unknown', fractions: false, zeroThreshold: 0.001, zeroCount: 0, bounds: undefined },
      ...{ count, sum: count * 2, positive: { spans: [{ gap: 0, length: 100 }], counts }, negative: none },
    });
    run.timestampsMs[i] = i * 10_000;
    run.setHistogram(i, histogram);
    bytes += histogram.length;
  }
  run.length = 720;
  const writer = new ByteWriter();
  writeChunk(writer, run, 0, 720);
  // Two bits a bucket, of some two bytes: what is random about it.
  expect(writer.length).toBeLessThan(720 * 100 * 0.3);
  expect(bytes / writer.length).toBeGreaterThan(7);
});
