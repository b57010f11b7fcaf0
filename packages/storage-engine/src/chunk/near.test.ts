import { ByteWriter } from '@tidemark/base';
import { expect, test } from 'vitest';
import { readChunk, writeChunk } from './chunk.ts';
import { Columns } from './columns.ts';

/** Bytes of a chunk of these, which come back bit for bit. */
function bytesOf(count: number, valueAt: (i: number) => number): number {
  const source = new Columns(1, count);
  source.length = count;
  for (let i = 0; i < count; i++) {
    source.timestampsMs[i] = 1000 * i;
    (source.columns[0] as { values: Float64Array }).values[i] = valueAt(i);
  }
  const writer = new ByteWriter();
  writeChunk(writer, source, 0, count);
  const back = new Columns(1);
  readChunk(writer.bytes, 0, writer.length, back);
  expect(back.columns[0]?.words.subarray(0, 2 * count)).toEqual(source.columns[0]?.words.subarray(0, 2 * count));
  return writer.length;
}

const noise = (i: number) => (i * 7919) % 1009;

test('milliseconds made seconds by multiplying take little more than what they mean', () => {
  const milliseconds = (i: number) => 40_000_000 + 9000 * i + noise(i);
  const decimal = bytesOf(360, (i) => milliseconds(i) / 1000);
  expect(bytesOf(360, (i) => milliseconds(i) * 0.001)).toBeLessThan(decimal * 1.4);
});

test('one -0 among them, and it is their xor as before', () => {
  const seconds = (i: number) => (i === 100 ? -0 : noise(i) * 0.001);
  expect(bytesOf(360, seconds)).toBeGreaterThan(2 * bytesOf(360, (i) => noise(i) * 0.001));
});
