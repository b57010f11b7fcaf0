import { expect, test } from 'vitest';
import { parseArgs } from './command.ts';
import { guessFormat } from './push.ts';
import { sparkline, squeeze } from './sparkline.ts';
import { table } from './table.ts';

test('words and options in any order; -- ends the options', () => {
  const { words, options } = parseArgs(['a', '--range', '1h', '--json', '--url=http://x', 'b', '--', '--c'], {
    range: 'text',
    json: 'flag',
    url: 'text',
  });
  expect(words).toEqual(['a', 'b', '--c']);
  expect(Object.fromEntries(options)).toEqual({ range: '1h', json: 'true', url: 'http://x' });
});

test('an unknown option names the nearest, or the known ones; a missing value is said', () => {
  expect(() => parseArgs(['--rnge', '1h'], { range: 'text' })).toThrow(
    'there is no option --rnge; did you mean --range?',
  );
  expect(() => parseArgs(['--verbose'], { range: 'text' })).toThrow('there is no option --verbose; there are --range');
  expect(() => parseArgs(['--range'], { range: 'text' })).toThrow('--range needs a value');
});

test('a sparkline from lowest to highest, gaps left open', () => {
  expect(sparkline([0, 1, 2, 3, Number.NaN, 7])).toBe('▁▂▃▄ █');
  expect(sparkline([5, 5])).toBe('▄▄');
  expect(squeeze([1, 3, 5, 7, Number.NaN, Number.NaN], 3)).toEqual([2, 6, Number.NaN]);
});

test('a table lines up, numbers to the right', () => {
  expect(
    table(
      ['series', 'value'],
      [
        ['up', '1'],
        ['node_load1', '0.25'],
      ],
      1,
    ),
  ).toBe('series      value\n----------  -----\nup              1\nnode_load1   0.25\n');
});

test('the first line tells text from line protocol', () => {
  expect(guessFormat('CPU.load host=webserver01,region=us-west 1613707265 50\n')).toBe('line');
  expect(guessFormat('# HELP a b\na{b="c"} 1 1613707265000\n')).toBe('text');
  expect(guessFormat('up 1\n')).toBe('text');
});
