import { expect, test } from 'vitest';
import { durationParam, limitParam, paramsOf, timeParam } from './params.ts';

const one = (name: string, value: string) => paramsOf({ [name]: value });

test.each([
  ['1435781430.781', 1435781430781],
  ['0', 0],
  ['-1.5', -1500],
  ['-1.0194', -1019],
  ['1.0005', 1000],
  ['1.0015', 1002],
  ['1795871000.1239', 1795871000124],
  ['1e3', 1_000_000],
  ['2015-07-01T20:10:30.781Z', 1435781430781],
  ['2015-07-01T22:10:30.781+02:00', 1435781430781],
])('time %s', (text, ms) => expect(timeParam(one('time', text), 'time')).toBe(ms));

test.each(['', 'now', '2015-07-01', '1e99', 'NaN', '0x10', '--1'])('no time: %j', (text) => {
  expect(() => timeParam(one('time', text), 'time')).toThrow(/invalid parameter "time"/);
});

test.each([
  ['15', 15_000],
  ['0.25', 250],
  ['33.3', 33_299],
  ['0.0019', 1],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
])('duration %s', (text, ms) => expect(durationParam(one('step', text), 'step')).toBe(ms));

test('a form adds to the address and goes before it; the first of a repeated one counts', () => {
  const params = paramsOf({ 'match[]': ['a', 'b'], limit: '7' }, { 'match[]': 'c', limit: ['5', '6'] });
  expect(params.get('match[]')).toEqual(['c', 'a', 'b']);
  expect(limitParam(params)).toBe(5);
  expect(limitParam(paramsOf({ limit: ['1', '2'] }))).toBe(1);
  expect(() => limitParam(one('limit', '-1'))).toThrow(/limit must be non-negative/);
});
