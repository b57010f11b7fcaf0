import { expect, test } from 'vitest';
import type { ChartSeries } from './model.ts';
import { tooltipRows, tooltipRowsMax } from './tooltip-rows.ts';

function line(key: string, value: number | null): ChartSeries {
  return { key, label: key, title: key, color: 0, values: [value] };
}

const keysOf = (answer: ReturnType<typeof tooltipRows>) => answer.rows.map((row) => row.series.key);

test('few series are told from the top down; gaps and hidden ones are not', () => {
  const answer = tooltipRows(
    [line('low', 1), line('high', 9), line('gap', null), line('off', 5)],
    new Set(['off']),
    { index: 0, y: 0 },
    false,
  );
  expect(keysOf(answer)).toEqual(['high', 'low']);
});

test('of many, the ones nearest to the pointer are told, and how many are not', () => {
  const many = Array.from({ length: 50 }, (_, i) => line(`s${i}`, i));
  const answer = tooltipRows(many, new Set(), { index: 0, y: 30.1 }, false);
  expect(answer.rows.map((row) => row.value)).toEqual([35, 34, 33, 32, 31, 30, 29, 28, 27, 26]);
  expect(answer.more).toBe(50 - tooltipRowsMax);
});

test('a stack keeps its order', () => {
  const answer = tooltipRows([line('low', 1), line('high', 9)], new Set(), { index: 0, y: 0 }, true);
  expect(keysOf(answer)).toEqual(['low', 'high']);
});

test('there is nothing beyond the data', () => {
  expect(tooltipRows([line('a', 1)], new Set(), { index: 7, y: 0 }, false)).toEqual({ rows: [], more: 0 });
});
