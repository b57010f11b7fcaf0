import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { ChunkTable } from './chunk-table.ts';

const START_MS = 7_200_000;

interface Told {
  readonly block: number;
  readonly offset: number;
  readonly length: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly samples: number;
  readonly rank: number;
}

function entriesOf(table: ChunkTable, ref: number): Told[] {
  const entries: Told[] = [];
  for (let at = table.last(ref); at >= 0; at = table.previous(at)) {
    expect(table.refOf(at)).toBe(ref);
    const [block, offset, length] = [table.block(at), table.offset(at), table.length(at)];
    const [minMs, maxMs, samples, rank] = [table.minMs(at), table.maxMs(at), table.samples(at), table.rank(at)];
    entries.push({ block, offset, length, minMs, maxMs, samples, rank });
  }
  return entries.reverse();
}

test('a table is what was added, series by series, under new numbers too', async () => {
  await withSeed('chunk table', (random) => {
    for (let round = 0; round < rounds(10); round++) {
      const table = new ChunkTable(START_MS);
      const told = new Map<number, Told[]>();
      const series = 1 + random.below(3000);
      // From within the first page to beyond the third.
      const count = random.below(2) === 0 ? random.below(300) : random.below(14_000);
      for (let i = 0; i < count; i++) {
        const ref = random.below(series);
        const minMs = START_MS + random.below(7_000_000);
        const one: Told = {
          block: random.below(2 ** 31),
          offset: random.below(65_536),
          length: random.below(65_536),
          minMs,
          maxMs: minMs + random.below(600_000_000),
          samples: 1 + random.below(240),
          rank: random.below(9) === 0 ? 1 + random.below(2 ** 31) : 0,
        };
        table.add(ref, one.block, one.offset, one.length, one.minMs, one.maxMs, one.samples, one.rank);
        told.set(ref, [...(told.get(ref) ?? []), one]);
      }
      expect([table.count, table.seriesCount]).toEqual([count, told.size]);
      for (const [ref, entries] of told) expect(entriesOf(table, ref)).toEqual(entries);
      const fresh = Uint32Array.from({ length: series }, (_, ref) => series * 2 - ref);
      table.renumber(fresh);
      expect([...table.seriesRefs()].sort((a, b) => a - b)).toEqual(
        [...told.keys()].map((ref) => fresh[ref] as number).sort((a, b) => a - b),
      );
      for (const [ref, entries] of told) expect(entriesOf(table, fresh[ref] as number)).toEqual(entries);
    }
  });
});

test('what lies outside of the window or of a block is no entry', () => {
  const table = new ChunkTable(START_MS);
  expect(table.holds(START_MS, START_MS + 5)).toBe(true);
  expect(table.holds(START_MS - 1, START_MS + 5)).toBe(false);
  expect(table.holds(START_MS + 6, START_MS + 5)).toBe(false);
  expect(table.holds(START_MS, START_MS + 5, 65_536, 1)).toBe(false);
  expect(table.holds(START_MS, START_MS + 5, 1, 65_536)).toBe(false);
  expect(() => table.add(0, 0, 65_536, 1, START_MS, START_MS, 1, 0)).toThrow('in its block');
});
