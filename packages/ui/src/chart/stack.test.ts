import { expect, test } from 'vitest';
import { stackBands, stackColumns } from './stack.ts';

const none = () => false;

test('each column rests on those before it', () => {
  expect(
    stackColumns(
      [
        [1, 2],
        [10, 20],
        [100, 200],
      ],
      none,
    ),
  ).toEqual([
    [1, 2],
    [11, 22],
    [111, 222],
  ]);
});

test('a gap in one column has no height; a gap in all of them stays a gap', () => {
  expect(
    stackColumns(
      [
        [1, 2, null],
        [3, null, null],
      ],
      none,
    ),
  ).toEqual([
    [1, 2, null],
    [4, 2, null],
  ]);
});

test('a hidden column raises nothing', () => {
  expect(stackColumns([[1], [10], [100]], (i) => i === 1)).toEqual([[1], [10], [101]]);
});

test('bands lie between visible neighbours', () => {
  expect(stackBands(3, none)).toEqual([
    [1, 0],
    [2, 1],
  ]);
  expect(stackBands(3, (i) => i === 1)).toEqual([[2, 0]]);
  expect(stackBands(1, none)).toEqual([]);
});

test('nothing stacks to nothing', () => {
  expect([stackColumns([], none), stackBands(0, none)]).toEqual([[], []]);
});
