import { expect, test } from 'vitest';
import type { ApiAlert } from '../api/types.ts';
import { activeSeconds, countRules, formatAge, sortAlerts } from './alert-list.ts';

function alert(name: string, state: ApiAlert['state'], activeAt?: string): ApiAlert {
  return { labels: { alertname: name }, state, ...(activeAt !== undefined && { activeAt }) };
}

test('what fires comes first, the newest of it first', () => {
  const alerts = [
    alert('waiting', 'pending', '2026-01-01T00:03:00Z'),
    alert('old', 'firing', '2026-01-01T00:00:00Z'),
    alert('new', 'firing', '2026-01-01T00:02:00Z'),
  ];
  expect(sortAlerts(alerts).map((one) => one.labels['alertname'])).toEqual(['new', 'old', 'waiting']);
});

test('an age is known when its beginning is', () => {
  const now = Date.parse('2026-01-01T01:00:00Z') / 1000;
  expect(activeSeconds(alert('a', 'firing', '2026-01-01T00:58:30Z'), now)).toBe(90);
  expect(activeSeconds(alert('a', 'firing', '2026-01-01T01:00:09Z'), now)).toBe(0);
  expect(activeSeconds(alert('a', 'firing'), now)).toBeUndefined();
  expect(activeSeconds(alert('a', 'firing', 'recently'), now)).toBeUndefined();
});

test.each<[number, string]>([
  [0, '0 s'],
  [59, '59 s'],
  [60, '1 min'],
  [3600, '1 h'],
  [7500, '2 h 5 min'],
  [86_400, '1 d'],
  [352_800, '4 d 2 h'],
])('%d s is %s', (seconds, text) => {
  expect(formatAge(seconds)).toBe(text);
});

test('rules are counted by type, and broken ones with their reason', () => {
  const rule = { name: 'r', query: 'up', type: 'alerting' } as const;
  const groups = [
    {
      name: 'g',
      rules: [rule, { ...rule, name: 'bad', health: 'err', lastError: 'no' }, { ...rule, type: 'recording' as const }],
    },
  ];
  expect(countRules(groups)).toEqual({ alerting: 2, recording: 1, broken: [{ name: 'bad', reason: 'no' }] });
});
