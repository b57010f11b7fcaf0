import { expect, test } from 'vitest';
import { filledWindow, firstSampleAt } from './filled-window.ts';

const window = { start: 1000, end: 1900 };

test('the first sample of an answer is the earliest of all series', () => {
  expect(
    firstSampleAt([
      {
        metric: {},
        values: [
          [30, '1'],
          [40, '1'],
        ],
      },
      { metric: {}, values: [[20, '1']] },
      { metric: {} },
    ]),
  ).toBe(20);
  expect(firstSampleAt([{ metric: {}, values: [] }])).toBeUndefined();
});

test('a window begins where the metrics begin', () => {
  expect(filledWindow(window, 1500)).toEqual({ start: 1500, end: 1900 });
});

test('metrics older than the window, or none, leave it as it is', () => {
  expect([filledWindow(window, 900), filledWindow(window, undefined)]).toEqual([window, window]);
});

test('it keeps a minute, but never more than was asked for', () => {
  expect(filledWindow(window, 1899)).toEqual({ start: 1840, end: 1900 });
  expect(filledWindow({ start: 1870, end: 1900 }, 1899)).toEqual({ start: 1870, end: 1900 });
});
