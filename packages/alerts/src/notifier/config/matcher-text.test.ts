import { expect, test } from 'vitest';
import { matcherText, parseMatchers } from './matcher-text.ts';

const shown = (text: string) => parseMatchers(text).map(matcherText).join(' ');

test.each([
  ['a=b', 'a="b"'],
  ['a="b"', 'a="b"'],
  [' a = b ', 'a="b"'],
  ['a!="b"', 'a!="b"'],
  ['a=~"b|c"', 'a=~"b|c"'],
  ['a!~b.*', 'a!~"b.*"'],
  ['{a=b,c="d,e"}', 'a="b" c="d,e"'],
  ['a=b,', 'a="b"'],
  ['a=', 'a=""'],
  ['a=""', 'a=""'],
  ['a="b c"', 'a="b c"'],
  ['a=b c', 'a="b c"'],
  [String.raw`a="say \"hi\""`, String.raw`a="say \"hi\""`],
  [String.raw`a="x\ny"`, String.raw`a="x\ny"`],
  [String.raw`a=~"\d+"`, String.raw`a=~"\\d+"`],
  ['a=b=c', 'a="b=c"'],
  ['a={', 'a="{"'],
  // What only the younger reading knows.
  ['"a name"="ü"', '"a name"="ü"'],
  ['ünï=x', '"ünï"="x"'],
  ['a-b=c', '"a-b"="c"'],
  ['{"a"="b", c-d=~"e"}', 'a="b" "c-d"=~"e"'],
  [String.raw`"a"="\u00fc\x41"`, 'a="üA"'],
  ['', ''],
  ['{}', ''],
])('%j is %s', (text, expected) => {
  expect(shown(text)).toBe(expected);
});

test.each(['a', '=b', 'a="b', 'a=b"', 'a~b', '"a=b', '{"a"="b"', 'ü="x"y', '"a" "b"', String.raw`"ü"="\q"`])(
  '%j is refused',
  (text) => {
    expect(() => parseMatchers(text)).toThrow(expect.objectContaining({ code: 'MATCHER_INVALID' }));
  },
);

test('a regex that is none is refused', () => {
  expect(() => parseMatchers('a=~"("')).toThrow(expect.objectContaining({ code: 'MATCHER_REGEX_INVALID' }));
});
