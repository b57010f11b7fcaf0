import { expect, test } from 'vitest';
import { heavyEverySeconds, heavySeries, isHeavy } from './ask.ts';
import { isDue } from './use-calm-turn.ts';

test('every turn is taken, but of heavy answers only one in a while', () => {
  expect([isDue(5, undefined, true), isDue(10, 5, false), isDue(10, 5, true)]).toEqual([true, true, false]);
  expect(isDue(5 + heavyEverySeconds, 5, true)).toBe(true);
  // A window moved back in time is another question, due at once.
  expect(isDue(5, 5000, true)).toBe(true);
});

test('a heavy answer is one of many series', () => {
  const remarks = { warnings: [], infos: [], source: undefined, tookMs: 1 };
  const series = Array.from({ length: heavySeries + 1 }, () => ({ metric: {}, values: [1] }));
  const graph = (n: number) =>
    ({ tab: 'graph', columns: { times: [1], series: series.slice(0, n), histogramSeries: 0 }, ...remarks }) as const;
  expect([isHeavy(undefined), isHeavy(graph(heavySeries)), isHeavy(graph(heavySeries + 1))]).toEqual([
    false,
    false,
    true,
  ]);
  expect(isHeavy({ tab: 'table', table: { resultType: 'scalar', result: [1, '2'] }, ...remarks })).toBe(false);
});
