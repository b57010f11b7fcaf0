import { describe, expect, test } from 'vitest';
import { METRIC_NAME } from './labels.ts';
import { matcher } from './matcher.ts';
import { Retention, type RetentionRule } from './retention.ts';

const DAY = 86_400_000;
const DEFAULTS = { raw: 7 * DAY, '1m': 30 * DAY, '1h': 365 * DAY };
const RULES: RetentionRule[] = [
  { metric: 'debug_.*', keepMs: { raw: DAY } },
  { tenant: 'archive', metric: 'slo_.*', keepMs: { raw: 90 * DAY, '1m': 400 * DAY } },
  { tenant: 'archive', keepMs: { raw: 30 * DAY } },
  { tenant: 'short', keepMs: { raw: 2 * DAY, '1m': 2 * DAY, '1h': 2 * DAY } },
  { metric: '.*_total', keepMs: { '1h': 730 * DAY } },
];
const it = new Retention(DEFAULTS, RULES);

test.each([
  ['default', 'up', 7, 30, 365],
  ['default', 'debug_x', 1, 30, 365],
  ['default', 'not_debug_x', 7, 30, 365],
  ['default', 'a_total', 7, 30, 730],
  ['default', 'debug_total', 1, 30, 730],
  ['archive', 'up', 30, 30, 365],
  ['archive', 'slo_x', 90, 400, 365],
  ['archive', 'slo_total', 90, 400, 730],
  ['archive', 'debug_x', 1, 30, 365],
  ['short', 'a_total', 2, 2, 2],
  ['short', '', 2, 2, 2],
])('%s %s: raw %d days, minutes %d, hours %d', (tenant, metric, raw, minutes, hours) => {
  for (let again = 0; again < 2; again++) {
    expect(it.of(tenant, metric, 'raw')).toBe(raw * DAY);
    expect(it.of(tenant, metric, '1m')).toBe(minutes * DAY);
    expect(it.of(tenant, metric, '1h')).toBe(hours * DAY);
  }
});

describe('what several metrics are kept', () => {
  test.each([
    ['default', 'raw', 1, 7],
    ['archive', 'raw', 1, 90],
    ['archive', '1m', 30, 400],
    ['short', 'raw', 1, 2],
    ['short', '1h', 2, 2],
    ['default', '1m', 30, 30],
  ] as const)('of %s in %s: between %d and %d days', (tenant, tier, least, most) => {
    expect(it.ofTenant(tenant, tier)).toEqual({ leastMs: least * DAY, mostMs: most * DAY });
  });

  test('matchers that name metrics narrow it', () => {
    const named = (value: string, type: '=' | '=~' = '=') =>
      it.ofMatchers('archive', [matcher('=', 'job', 'x'), matcher(type, METRIC_NAME, value)], 'raw');
    expect(named('up')).toEqual({ leastMs: 30 * DAY, mostMs: 30 * DAY });
    expect(named('up|slo_x', '=~')).toEqual({ leastMs: 30 * DAY, mostMs: 90 * DAY });
    expect(named('slo_.+', '=~')).toEqual(it.ofTenant('archive', 'raw'));
  });

  test('of all there is, the longest', () => {
    expect(it.longestMs('raw')).toBe(90 * DAY);
    expect(it.longestMs('1h')).toBe(730 * DAY);
    expect(new Retention(DEFAULTS, [{ metric: 'a', keepMs: { raw: 1 } }]).longestMs('raw')).toBe(7 * DAY);
  });
});

test('rules are replaced whole; a wrong one changes nothing', () => {
  const one = new Retention(DEFAULTS, RULES);
  expect(one.of('default', 'debug_x', 'raw')).toBe(DAY);
  expect(() => one.replace(DEFAULTS, [{ metric: '(', keepMs: { raw: 1 } }])).toThrow('invalid');
  expect(one.of('default', 'debug_x', 'raw')).toBe(DAY);
  const { version } = one;
  one.replace({ ...DEFAULTS, raw: 5 }, []);
  expect(one.of('default', 'debug_x', 'raw')).toBe(5);
  expect(one.version).toBeGreaterThan(version);
});
