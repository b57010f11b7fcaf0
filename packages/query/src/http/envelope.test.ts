import { expect, test } from 'vitest';
import { formatTime, formatValue, labelsJson } from './envelope.ts';
import { unescapeName } from './label-name.ts';

test.each([
  [1, '1'],
  [0.1, '0.1'],
  [-0, '-0'],
  [1e21, '1e+21'],
  [1e-7, '1e-07'],
  [-2.5e-10, '-2.5e-10'],
  [0.000001, '0.000001'],
  [123456789012345680000, '123456789012345680000'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
])('value %d is written %s', (value, text) => expect(formatValue(value)).toBe(text));

test('times are seconds with milliseconds', () => {
  expect(formatTime(1435781430781)).toBe('1435781430.781');
  expect(formatTime(1435781430000)).toBe('1435781430');
});

test('labels are an object in their order, __proto__ included', () => {
  const json = labelsJson([
    { name: '__name__', value: 'up' },
    { name: '__proto__', value: 'a"b' },
  ]);
  expect(json).toBe('{"__name__":"up","__proto__":"a\\"b"}');
});

test.each([
  ['job', 'job'],
  ['U__my_2e_name', 'my.name'],
  ['U__a__b', 'a_b'],
  ['U___1F600_', '\u{1f600}'],
  ['U__bad_zz_', 'U__bad_zz_'],
  ['U__bad_d800_', 'U__bad_d800_'],
])('%s in an address is %s', (escaped, name) => expect(unescapeName(escaped)).toBe(name));
