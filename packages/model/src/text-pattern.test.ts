import { expect, test } from 'vitest';
import { textPattern } from './text-pattern.ts';

test.each([
  ['(.*):\\d+', 'host:9100', '$1', 'host'],
  ['(?P<first>\\w)\\w*', 'ab cd', '<$first>', '<a> <c>'],
  ['a', 'banana', '$$', 'b$n$n$'],
  ['', 'ab', '-', '-a-b-'],
  ['a*', 'baac', 'x', 'xbxcx'],
  ['(a)(b)?', 'ac', '[$1$2]', '[a]c'],
  // `$1x` is the group of that name, and there is none.
  ['(a)', 'a', '$1x', ''],
  ['a.b', 'a\nb', 'x', 'a\nb'],
])('%s in %j by %s is %j', (regex, text, template, expected) => {
  expect(textPattern(regex).replaceAll(text, template, 100)).toBe(expected);
});

test('it is found anywhere', () => {
  expect(textPattern('b+').test('abc')).toBe(true);
  expect(textPattern('^b').test('abc')).toBe(false);
});

test('what is no regex, and what grows too long, is refused', () => {
  expect(() => textPattern('(')).toThrow(expect.objectContaining({ code: 'PATTERN_INVALID' }));
  expect(() => textPattern('a').replaceAll('aaaa', 'b'.repeat(50), 100)).toThrow(
    expect.objectContaining({ code: 'PATTERN_RESULT_TOO_LONG' }),
  );
});
