import { matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { mayMatch } from './metric-range.ts';

const range = { first: 'b', last: 'd' };

test.each([
  ['its first', [matcher('=', '__name__', 'b')], true],
  ['its last', [matcher('=', '__name__', 'd')], true],
  ['one between', [matcher('=', '__name__', 'bb')], true],
  ['one before', [matcher('=', '__name__', 'a')], false],
  ['one behind', [matcher('=', '__name__', 'da')], false],
  ['one of several', [matcher('=~', '__name__', 'a|c')], true],
  ['none of several', [matcher('=~', '__name__', 'a|z')], false],
  ['what is not a name', [matcher('=~', '__name__', 'x.*')], true],
  ['all but one', [matcher('!=', '__name__', 'c')], true],
  ['another label', [matcher('=', 'job', 'a')], true],
  ['a name and another label', [matcher('=', 'job', 'a'), matcher('=', '__name__', 'z')], false],
  ['no name', [matcher('=', '__name__', '')], false],
])('a part from b to d may hold %s', (_, matchers, may) => {
  expect(mayMatch(range, matchers)).toBe(may);
});

test('names go by their bytes, and a part that says nothing may hold anything', () => {
  // U+FF5E sorts before U+1F600 by bytes, and behind it by UTF-16.
  expect(mayMatch({ first: 'a', last: '\u{1f600}' }, [matcher('=', '__name__', '\uff5e')])).toBe(true);
  expect(mayMatch({ first: '', last: '' }, [matcher('=', '__name__', '')])).toBe(true);
  expect(mayMatch(undefined, [matcher('=', '__name__', 'z')])).toBe(true);
});
