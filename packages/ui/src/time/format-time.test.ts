import { expect, test } from 'vitest';
import { formatMoment, formatWindow, timeTicks } from './format-time.ts';

/** Seconds of a local time, so that the cases read the same in every zone. */
const at = (day: number, hour: number, minute = 0, second = 0) =>
  new Date(2026, 10, day, hour, minute, second).getTime() / 1000;

test('ticks tell seconds only when they are closer than a minute', () => {
  expect(timeTicks([at(22, 14, 5, 30)], 30)).toEqual(['14:05:30']);
  expect(timeTicks([at(22, 14, 5)], 60)).toEqual(['14:05']);
});

test('midnight is told as its day, and so are days', () => {
  expect(timeTicks([at(21, 23), at(22, 0), at(22, 1)], 3600)).toEqual(['23:00', '22 Nov', '01:00']);
  expect(timeTicks([at(21, 0), at(22, 0)], 86_400)).toEqual(['21 Nov', '22 Nov']);
});

test('a window of one day names the day once', () => {
  expect(formatMoment(at(22, 14, 5, 10))).toBe('22 Nov, 14:05:10');
  expect(formatWindow(at(22, 14), at(22, 15))).toBe('22 Nov, 14:00:00 – 15:00:00');
  expect(formatWindow(at(21, 14), at(22, 15))).toBe('21 Nov, 14:00:00 – 22 Nov, 15:00:00');
});
