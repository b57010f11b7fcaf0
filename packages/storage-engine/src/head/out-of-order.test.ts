import { expect, test } from 'vitest';
import { makeColumn } from '../chunk/columns.ts';
import { OutOfOrder } from './out-of-order.ts';

function fill(into: OutOfOrder, count: number): void {
  const source = Array.from({ length: into.entries.columnCount }, (_, c) => makeColumn(Float64Array.of(c)));
  for (let i = 0; i < count; i++) into.add(i % 10, i, source, 0);
}

function drained(from: OutOfOrder): number {
  let entries = 0;
  from.drain((_, run, first, end) => {
    expect(run.columns.map(({ values }) => values[first])).toEqual(run.columns.map((_each, c) => c));
    entries += end - first;
  });
  return entries;
}

test('what a storm of late entries needed is let go when it is drained', () => {
  const late = new OutOfOrder(12);
  const atFirst = late.bytes;
  fill(late, 100_000);
  expect(late.bytes).toBeGreaterThan(100_000 * 13 * 8);
  expect(drained(late)).toBe(100_000);
  expect(late.count).toBe(0);
  expect(late.bytes).toBe(atFirst);
});

test('it takes entries after that as before', () => {
  const late = new OutOfOrder(1);
  for (const count of [10_000, 10, 3_000, 20_000]) {
    fill(late, count);
    expect(late.refAt(9)).toBe(9);
    expect(drained(late)).toBe(count);
  }
});

test('a few late entries make no garbage: the room for them stays', () => {
  const late = new OutOfOrder(1);
  fill(late, 1_000);
  const held = late.bytes;
  drained(late);
  expect(late.bytes).toBe(held);
});
