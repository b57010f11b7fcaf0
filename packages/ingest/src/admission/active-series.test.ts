import { withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { ActiveSeries } from './active-series.ts';

const OPTIONS = { activeSeriesMax: 3, activeSeriesWindowMs: 100 };

function count(options = OPTIONS) {
  const active = new ActiveSeries(options);
  return {
    active,
    at(nowMs: number, ...series: number[]) {
      active.turn(nowMs);
      return series.map((one) => active.admit(one));
    },
    size(nowMs: number) {
      active.turn(nowMs);
      return active.size;
    },
  };
}

test('a series counts once, until one to two windows after its last sample', () => {
  const run = count();
  run.at(0, 1, 2, 1);
  expect(run.size(0)).toBe(2);
  run.at(150, 2);
  expect(run.size(150)).toBe(2); // 1 was here in the window before
  expect(run.size(260)).toBe(1); // only 2 was
  expect(run.size(400)).toBe(0);
});

test('a new series over the limit is refused, known ones go on, and one that fell silent makes room', () => {
  const run = count();
  expect(run.at(0, 1, 2, 3, 4)).toEqual([true, true, true, false]);
  expect(run.at(150, 1, 4, 2)).toEqual([true, false, true]);
  expect(run.at(260, 1, 4, 5)).toEqual([true, true, false]);
});

test('a long silence forgets both windows', () => {
  const run = count();
  run.at(0, 1, 2, 3);
  expect(run.size(1_000)).toBe(0);
});

test('the stamp changes with each window, so that tables count anew', () => {
  const run = count();
  run.at(0);
  const first = run.active.stamp;
  run.at(50);
  expect(run.active.stamp).toBe(first);
  run.at(100);
  expect(run.active.stamp).not.toBe(first);
});

test('sizes agree with two JS sets', () =>
  withSeed('active series', (random) => {
    const run = count({ activeSeriesMax: 1e9, activeSeriesWindowMs: 100 });
    let before = new Set<number>();
    let current = new Set<number>();
    for (let window = 0; window < 6; window++) {
      for (let i = 0; i < 3_000; i++) {
        const one = 1 + random.below(5_000) * 4_294_967_296;
        run.at(window * 100, one);
        current.add(one);
      }
      expect(run.active.size).toBe(before.union(current).size);
      before = current;
      current = new Set();
    }
  }));
