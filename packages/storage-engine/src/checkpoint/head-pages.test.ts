import { ByteWriter } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { Columns, makeColumn } from '../chunk/columns.ts';
import { Head, type HeadCounts } from '../head/head.ts';
import type { Section } from './format.ts';
import { HeadSnapshot, restoreSections } from './head-pages.ts';

const WINDOW_MS = 7_200_000;
const START_MS = 236_111 * WINDOW_MS;
const SERIES = 1500;

function makeHead(): Head {
  const options = { columnCount: 1, slotSize: 4, streamMax: 28, streamFold: Number.POSITIVE_INFINITY };
  const head = new Head({ ...options, windowMs: WINDOW_MS, emit: () => undefined });
  head.reserve(SERIES);
  return head;
}

const noCounts = (): HeadCounts => ({
  ...{ samples: 0, duplicates: 0, conflicts: 0, outOfOrder: 0 },
  ...{ tooOld: 0, timeInvalid: 0, unknownSeries: 0 },
});

function append(head: Head, ref: number, timeMs: number, value: number, counts = noCounts()): HeadCounts {
  const values = makeColumn(Float64Array.of(value));
  head.append(Uint32Array.of(ref), Uint32Array.of(0), Float64Array.of(timeMs), [values], 1, counts);
  return counts;
}

function held(head: Head, ref: number): [number, number][] {
  const columns = new Columns(1, 4);
  head.copySeries(ref, columns);
  const values = columns.columns[0]?.values ?? [];
  return Array.from({ length: columns.length }, (_, i) => [columns.timestampsMs[i] as number, values[i] as number]);
}

/** As they come back from a file. */
const read = (sections: readonly Section[]) =>
  sections.map(({ id, pieces }) => ({ id, payload: new Uint8Array(Buffer.concat(pieces)) }));

function taken(head: Head): ReturnType<typeof read> {
  using snapshot = new HeadSnapshot(head, SERIES);
  return read(snapshot.sections);
}

test('a head comes back as it was, and goes on where it was', () => {
  const head = makeHead();
  // Series 7 and 1,407 have streams; 1,499 is of a window before.
  for (const [ref, count] of [
    [7, 13],
    [9, 1],
    [1407, 27],
  ] as const) {
    for (let i = 0; i < count; i++) append(head, ref, START_MS + i * 10_000, i);
  }
  append(head, 1499, START_MS - 1, -0);
  const again = makeHead();
  restoreSections(again, taken(head), SERIES);
  for (const ref of [0, 7, 9, 1407, 1499]) expect(held(again, ref)).toEqual(held(head, ref));
  expect(append(again, 7, START_MS + 110_000, 99)).toMatchObject({ outOfOrder: 1 });
  expect(append(again, 9, START_MS, 0)).toMatchObject({ duplicates: 1 });
  append(again, 9, START_MS + 1, 5);
  expect(held(again, 9)).toEqual([
    [START_MS, 0],
    [START_MS + 1, 5],
  ]);
});

test('a head of version 0 comes back: series in a window with a slot, frozen ones, ones that never had anything', () => {
  const times = [START_MS + 5, START_MS + 10_005];
  const state = new ByteWriter();
  const perSeries = (of: (ref: number) => number, write: 'u8' | 'f64' | 'u32') => {
    for (let ref = 0; ref < SERIES; ref++) state[write](of(ref));
  };
  const none = Number.NEGATIVE_INFINITY;
  // 1,100: two in its slot. 3: frozen, its newest time still known.
  const at = (has: number, frozen: number, never: number) => (ref: number) =>
    ref === 1100 ? has : ref === 3 ? frozen : never;
  perSeries(at(2, 0, 0), 'u8');
  perSeries(at(times[1] as number, START_MS - 7, none), 'f64');
  perSeries(at(START_MS - 1, START_MS - 7, none), 'f64');
  perSeries(at(START_MS + WINDOW_MS, none, none), 'f64');
  for (let i = 0; i < 2; i++) perSeries(() => 0xffff_ffff, 'u32');
  perSeries(() => 0, 'u8');
  for (let i = 0; i < 2; i++) perSeries(() => 0, 'u8');
  const slots = new ByteWriter();
  slots.u32(1);
  slots.u32(2);
  for (const value of [times, [1.5, -0]]) {
    const column = new Float64Array(2 * 1024);
    value.forEach((one, depth) => {
      column[depth * 1024 + (1100 - 1024)] = one;
    });
    slots.raw(new Uint8Array(column.buffer));
  }
  const head = makeHead();
  const sections = [
    { id: 2, payload: state.finish() },
    { id: 3, payload: slots.finish() },
  ];
  restoreSections(head, sections, SERIES);
  head.frozenThroughMs = START_MS;
  expect(held(head, 1100)).toEqual([
    [times[0], 1.5],
    [times[1], -0],
  ]);
  expect(append(head, 1100, times[0] as number, 1.5)).toMatchObject({ duplicates: 1 });
  expect(append(head, 1100, START_MS + 6, 2)).toMatchObject({ outOfOrder: 1, samples: 1 });
  expect([3, 5].map((ref) => head.holds(ref))).toEqual([false, false]);
  expect(append(head, 3, START_MS - 5, 2)).toMatchObject({ outOfOrder: 1 });
  append(head, 3, START_MS + 9, 3);
  expect(held(head, 3)).toEqual([[START_MS + 9, 3]]);
});

test('what is taken is the head of one moment, whatever comes while it is written', async () => {
  await withSeed('head snapshot', (random) => {
    for (let round = 0; round < rounds(10); round++) {
      const head = makeHead();
      let second = 0;
      const some = () => {
        for (let i = random.below(4000); i > 0; i--) {
          const ref = random.below(8) === 0 ? random.below(SERIES) : random.below(40);
          append(head, ref, START_MS + (second++ % 3000) * 1000 + random.below(3000), random.below(100));
        }
      };
      for (let i = 0; i < 4; i++) some();
      const wanted = taken(head);
      using snapshot = new HeadSnapshot(head, SERIES);
      const found = snapshot.sections.map((section) => {
        if (random.below(3) === 0) some();
        const [{ id, payload } = { id: 0, payload: new Uint8Array(0) }] = read([section]);
        // What is written is given back.
        for (const piece of section.pieces) piece.fill(0xee);
        return { id, payload };
      });
      expect(found.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
      for (const [i, { payload }] of found.entries()) {
        expect(Buffer.compare(payload, wanted[i]?.payload as Uint8Array), `section ${i}, round ${round}`).toBe(0);
      }
    }
  });
});

test('two at a time are our mistake', () => {
  const head = makeHead();
  using _ = new HeadSnapshot(head, SERIES);
  expect(() => new HeadSnapshot(head, SERIES)).toThrow('one takes the head at a time');
});
