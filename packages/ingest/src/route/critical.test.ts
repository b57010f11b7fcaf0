import { expect, test } from 'vitest';
import { CriticalMetrics } from './critical.ts';

const ALWAYS = Number.NEGATIVE_INFINITY;

/** One letter a time: c critical, - not. */
function shown(critical: CriticalMetrics, metric: string, timesMs: readonly number[]): string {
  const mask = critical.maskOf(metric);
  return timesMs.map((timeMs) => (critical.isCriticalAt(mask, timeMs) ? 'c' : '-')).join('');
}

test.each([
  ['up', 'up', true],
  ['up', 'upper', false],
  ['up', 'backup', false],
  ['http_.*', 'http_requests_total', true],
  ['a|b', 'b', true],
  ['a|b', 'ab', false],
  ['.*', '', true],
])('the expression %s and the metric %s', (pattern, metric, isCritical) => {
  const critical = new CriticalMetrics([{ fromMs: ALWAYS, metrics: ['nothing', pattern] }]);
  expect(critical.maskOf(metric)).toBe(isCritical ? 1 : 0);
});

test('a change holds for samples after it, not for one at that very moment', () => {
  const critical = new CriticalMetrics([
    { fromMs: ALWAYS, metrics: ['a'] },
    { fromMs: 100, metrics: ['a', 'b'] },
    { fromMs: 200, metrics: ['b'] },
  ]);
  const times = [-1e15, 99, 100, 101, 200, 201, 1e15];
  expect(shown(critical, 'a', times)).toBe('ccccc--');
  expect(shown(critical, 'b', times)).toBe('---cccc');
  expect(shown(critical, 'c', times)).toBe('-------');
  expect(critical.isAlways(critical.maskOf('b'))).toBe(false);
  expect(critical.isEmpty).toBe(false);
});

test('what is no expression is refused', () => {
  expect(() => new CriticalMetrics([{ fromMs: ALWAYS, metrics: ['a('] }])).toThrow(/missing closing/);
});
