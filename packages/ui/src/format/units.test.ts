import { expect, test } from 'vitest';
import { formatTicks, formatValue, tickDistances, type Unit } from './units.ts';

test.each<[number, Unit, string]>([
  [0, 'number', '0'],
  [0.42, 'number', '0.42'],
  [0.0421, 'number', '0.042'],
  [12.34, 'number', '12.3'],
  [1234, 'number', '1.23 k'],
  [-1234, 'number', '-1.23 k'],
  [5.5e6, 'number', '5.5 M'],
  [3e24, 'number', '3.00e6 E'],
  [0.0000012, 'number', '1.20e-6'],
  [1023, 'bytes', '1023 B'],
  [1024, 'bytes', '1 KiB'],
  [16 * 2 ** 30, 'bytes', '16 GiB'],
  [1500, 'bytes/s', '1.5 kB/s'],
  [2.5e9, 'bits/s', '2.5 Gb/s'],
  [37.456, 'percent', '37.5 %'],
  [0.374, 'ratio', '37.4 %'],
  [0.0121, 'seconds', '12.1 ms'],
  [90, 'seconds', '1.5 min'],
  [86_400, 'seconds', '1 d'],
  [0, 'seconds', '0 s'],
  [12_000, 'per second', '12 k/s'],
])('%d in %s is told as %s', (value, unit, text) => {
  expect(formatValue(value, unit)).toBe(text);
});

test('what is not a number is told as the server tells it', () => {
  expect([Number.NaN, Infinity, -Infinity].map((value) => formatValue(value, 'bytes'))).toEqual([
    'NaN',
    '+Inf',
    '-Inf',
  ]);
});

test('the ticks of an axis share one rung, the greatest', () => {
  expect(formatTicks([0, 512 * 2 ** 20, 2 ** 30], 'bytes')).toEqual(['0 GiB', '0.5 GiB', '1 GiB']);
});

test('ticks are told as they are, never rounded', () => {
  expect(formatTicks([0, 2.5e6, 5e6, 7.5e6], 'bytes/s')).toEqual(['0 MB/s', '2.5 MB/s', '5 MB/s', '7.5 MB/s']);
  expect(formatTicks([0.1, 0.15, 0.2], 'number')).toEqual(['0.1', '0.15', '0.2']);
  expect(formatTicks([10, 20, 30], 'percent')).toEqual(['10 %', '20 %', '30 %']);
});

test('ticks of a single value, of equal values and of none do not fail', () => {
  expect([formatTicks([5], 'number'), formatTicks([5, 5], 'number'), formatTicks([], 'bytes')]).toEqual([
    ['5'],
    ['5', '5'],
    [],
  ]);
});

test('bytes are divided by powers of two, plain numbers as the chart likes', () => {
  expect(tickDistances('bytes')?.slice(8, 12)).toEqual([256, 512, 1024, 2048]);
  expect(tickDistances('number')).toBeUndefined();
});

test('tick distances of time rise, from a nanosecond to a week', () => {
  const distances = tickDistances('seconds') ?? [];
  expect([...distances].sort((a, b) => a - b)).toEqual(distances);
  expect([distances[0], distances.at(-1)]).toEqual([1e-9, 604_800]);
});
