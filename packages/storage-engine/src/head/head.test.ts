import { describe, expect, test } from 'vitest';
import { Columns, makeColumn } from '../chunk/columns.ts';
import { Head, type HeadCounts } from './head.ts';

const WINDOW_MS = 7_200_000;

class Rig {
  readonly emitted: { startMs: number; ref: number; times: number[]; values: number[]; inOrder: boolean }[] = [];
  readonly counts: HeadCounts = {
    samples: 0,
    duplicates: 0,
    conflicts: 0,
    outOfOrder: 0,
    tooOld: 0,
    timeInvalid: 0,
    unknownSeries: 0,
  };
  readonly head: Head;

  constructor(streamFold = Number.POSITIVE_INFINITY) {
    this.head = new Head({
      columnCount: 1,
      slotSize: 4,
      streamMax: 28,
      streamFold,
      windowMs: WINDOW_MS,
      emit: (startMs, ref, run, from, to, inOrder) => {
        const times = [...run.timestampsMs.subarray(from, to)];
        const values = [...(run.columns[0]?.values.subarray(from, to) ?? [])];
        this.emitted.push({ startMs, ref, times, values, inOrder });
      },
    });
    this.head.reserve(8);
  }

  append(ref: number, ...points: readonly (readonly [time: number, value: number])[]): void {
    const times = Float64Array.from(points, ([time]) => time);
    const values = makeColumn(Float64Array.from(points, ([, value]) => value));
    this.head.append(Uint32Array.of(ref), new Uint32Array(points.length), times, [values], points.length, this.counts);
  }

  held(ref: number): number[][] {
    const columns = new Columns(1, 4);
    this.head.copySeries(ref, columns);
    const values = columns.columns[0]?.values ?? [];
    return Array.from({ length: columns.length }, (_, i) => [columns.timestampsMs[i] as number, values[i] as number]);
  }
}

const points = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => [from + i, (from + i) * 2] as const);

describe('a series', () => {
  test('is whole across slot and stream', () => {
    const rig = new Rig();
    rig.append(7, ...points(0, 30));
    expect(rig.held(7)).toEqual(points(0, 30).map((point) => [...point]));
    expect(rig.emitted).toEqual([]);
  });

  test.each([8, 12, 100])('is the same when its stream is encoded anew every %i entries', (fold) => {
    const rig = new Rig(fold);
    for (let count = 1; count <= 70; count++) {
      rig.append(7, ...points(count - 1, count));
      const chunks = rig.emitted.flatMap(({ times, values }) => times.map((time, i) => [time, values[i]]));
      expect([...chunks, ...rig.held(7)]).toEqual(points(0, count));
    }
    expect(rig.emitted.map(({ times }) => times.length)).toEqual([32, 32]);
    expect(rig.head.cells.used, 'freed cells are used again').toBeLessThan(12);
  });

  test('of rows takes a cell or two for its first eight, being encoded anew at four and eight', () => {
    const used = [Number.POSITIVE_INFINITY, 16].map((streamFold) => {
      const options = { columnCount: 12, slotSize: 2, streamMax: 62, streamFold, windowMs: 12 * WINDOW_MS };
      const head = new Head({ ...options, emit: () => expect.unreachable('nothing is finished') });
      head.reserve(32);
      const columns = Array.from({ length: 12 }, (_, c) => makeColumn(Float64Array.of(c % 3 === 0 ? 6 : 1000 + c)));
      for (let row = 0; row < 9; row++) {
        head.append(Uint32Array.of(31), Uint32Array.of(0), Float64Array.of(row * 60_000), columns, 1, new Rig().counts);
      }
      return head.cells.used;
    });
    expect(used[1]).toBeLessThanOrEqual(2);
    expect(used[0]).toBeGreaterThan(used[1] as number);
  });

  test('becomes a chunk when the stream is long enough', () => {
    const rig = new Rig();
    rig.append(7, ...points(0, 33));
    expect(rig.emitted.map(({ times, inOrder }) => [times.length, inOrder])).toEqual([[32, true]]);
    expect(rig.held(7)).toEqual([[32, 64]]);
  });

  test('has its first chunk in a window cut early, by its number: those of a scrape become chunks in turn', () => {
    const rig = new Rig();
    for (let scrape = 0; scrape < 80; scrape++) for (let ref = 0; ref < 8; ref++) rig.append(ref, [scrape, scrape]);
    const lengths = (ref: number) => rig.emitted.filter((run) => run.ref === ref).map(({ times }) => times.length);
    expect([0, 1, 2, 7].map(lengths)).toEqual([
      [4, 32, 32],
      [8, 32, 32],
      [12, 32, 32],
      [32, 32],
    ]);
    const next = Array.from({ length: 20 }, (_, i) => [WINDOW_MS + i, i] as const);
    rig.append(1, ...next);
    expect(lengths(1), 'and in each window again').toEqual([8, 32, 32, 8, 8]);
  });

  test('leaves its window whole behind when it enters the next', () => {
    const rig = new Rig();
    rig.append(1, [10, 1], [20, 2], [WINDOW_MS, 3]);
    expect(rig.emitted).toMatchObject([{ startMs: 0, times: [10, 20], values: [1, 2] }]);
    expect(rig.held(1)).toEqual([[WINDOW_MS, 3]]);
  });

  test('sorts what is overtaken inside the slot, and counts what comes twice or changes', () => {
    const rig = new Rig();
    rig.append(1, [10, 1], [30, 3], [20, 2], [20, 2], [30, 4]);
    expect(rig.held(1)).toEqual([
      [10, 1],
      [20, 2],
      [30, 4],
    ]);
    expect(rig.counts).toMatchObject({ samples: 3, outOfOrder: 1, duplicates: 1, conflicts: 1 });
  });

  test('what is behind the stream waits aside and is drained in order, the last of equals standing', () => {
    const rig = new Rig();
    rig.append(7, ...points(100, 120));
    rig.append(7, [50, 5], [40, 4], [50, 6], [WINDOW_MS * -1 + 5, 9]);
    expect(rig.head.outOfOrder.count).toBe(4);
    expect(rig.head.drainOutOfOrder()).toBe(1);
    expect(rig.emitted).toMatchObject([
      { startMs: -WINDOW_MS, times: [-WINDOW_MS + 5], inOrder: false },
      { startMs: 0, times: [40, 50], values: [4, 6], inOrder: false },
    ]);
  });

  test('of a frozen window takes nothing in order any more', () => {
    const rig = new Rig();
    rig.append(1, [10, 1]);
    rig.head.freezeThrough(WINDOW_MS, 8);
    expect(rig.emitted).toMatchObject([{ startMs: 0, times: [10] }]);
    rig.append(1, [20, 2]);
    rig.append(2, [30, 3]);
    expect(rig.head.outOfOrder.count).toBe(2);
    rig.append(1, [WINDOW_MS, 4]);
    expect(rig.held(1)).toEqual([[WINDOW_MS, 4]]);
  });
});

test('impossible times and unknown series are counted and left out', () => {
  const rig = new Rig();
  rig.append(1, [0.5, 1], [Number.NaN, 1], [Number.POSITIVE_INFINITY, 1], [2 ** 53, 1]);
  rig.append(0xffff_ffff, [1, 1]);
  expect(rig.counts).toMatchObject({ samples: 0, timeInvalid: 4, unknownSeries: 1 });
});
