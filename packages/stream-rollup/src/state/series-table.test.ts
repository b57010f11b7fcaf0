import { encodeLabels, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { BLOCK_SERIES } from './label-blocks.ts';
import { NO_SERIES, SeriesTable } from './series-table.ts';

const labelsAt = (i: number) =>
  encodeLabels(labelsOf({ __name__: `metric_${i % 7}`, pad: 'x'.repeat(i % 90), i: `${i}` }));

function tableOf(count: number): SeriesTable {
  const table = new SeriesTable(() => Number.POSITIVE_INFINITY);
  for (let i = 0; i < count; i++) {
    const labels = labelsAt(i);
    expect(table.add(labels, 0, labels.length)).toBe(i);
  }
  return table;
}

const range = (from: number, to: number) => Uint32Array.from({ length: to - from }, (_, i) => from + i);

/** Labels of a section's series, one by one. */
function labelsIn({ count, labelBytes, labelEnds }: ReturnType<SeriesTable['sectionOf']>): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => labelBytes.slice(labelEnds[i - 1] ?? 0, labelEnds[i]));
}

const COUNT = BLOCK_SERIES * 2 + 700;

test('every series has its labels and is found by them, across blocks', () => {
  const table = tableOf(COUNT);
  for (let i = 0; i < COUNT; i++) expect(Buffer.compare(table.labelsOf(i), labelsAt(i))).toBe(0);
  for (let i = 0; i < COUNT; i++) expect(table.add(labelsAt(i), 0, labelsAt(i).length)).toBe(i);
  expect(table.count).toBe(COUNT);
});

test.each([
  ['a whole block', range(0, BLOCK_SERIES)],
  ['the last series of a block and the first of the next', range(BLOCK_SERIES - 3, BLOCK_SERIES + 3)],
  ['part of the last block', range(BLOCK_SERIES * 2, COUNT)],
  ['in no order', Uint32Array.of(5, BLOCK_SERIES + 1, 4, COUNT - 1)],
  ['none', new Uint32Array(0)],
])('a section: %s', (_, refs) => {
  const table = tableOf(COUNT);
  expect(labelsIn(table.sectionOf(refs))).toEqual([...refs].map(labelsAt));
});

test('sections of a full block share its bytes, and hold none beside', () => {
  const table = tableOf(COUNT);
  const [a, b] = [table.sectionOf(range(0, BLOCK_SERIES)), table.sectionOf(range(8, 90))];
  expect(a.labelBytes.buffer).toBe(b.labelBytes.buffer);
  expect(a.labelBytes.buffer.byteLength).toBe(a.labelBytes.length);
});

test('a section made before its block moved says what it said', () => {
  const table = tableOf(20);
  const before = table.sectionOf(range(0, 20));
  const { version } = table;
  for (let i = 20; i < COUNT; i++) table.add(labelsAt(i), 0, labelsAt(i).length);
  expect(labelsIn(before)).toEqual([...range(0, 20)].map(labelsAt));
  expect(table.version).toBeGreaterThan(version);
});

test('a series added to a block that has room leaves sections up to date', () => {
  const table = tableOf(BLOCK_SERIES + 1);
  const { version } = table;
  table.add(labelsAt(COUNT), 0, labelsAt(COUNT).length);
  expect(table.version).toBe(version);
});

test('what is retained keeps its labels under new numbers, and the rest is gone', () => {
  const table = tableOf(COUNT);
  const keep = Uint8Array.from({ length: COUNT }, (_, i) => (i % 3 === 1 ? 1 : 0));
  const moved = table.retain(keep);
  let next = 0;
  for (let i = 0; i < COUNT; i++) {
    expect(moved[i]).toBe(keep[i] === 1 ? next++ : NO_SERIES);
    if (keep[i] === 1) expect(Buffer.compare(table.labelsOf(moved[i] as number), labelsAt(i))).toBe(0);
  }
  expect(table.count).toBe(next);
  for (let i = 0; i < COUNT; i++)
    if (keep[i] === 1) expect(table.add(labelsAt(i), 0, labelsAt(i).length)).toBe(moved[i]);
  expect(table.add(labelsAt(0), 0, labelsAt(0).length)).toBe(next);
});
