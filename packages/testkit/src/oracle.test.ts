import { expect, test } from 'vitest';
import { Oracle, type OracleLabel, type OracleMatcher } from './oracle.ts';

function labels(text: string): OracleLabel[] {
  return text.split(' ').map((pair) => {
    const [name = '', value = ''] = pair.split('=');
    return { name, value };
  });
}

function oracle(...lines: [text: string, timestampMs: number, value: number][]): Oracle {
  const filled = new Oracle();
  for (const [text, timestampMs, value] of lines) filled.append(labels(text), timestampMs, value);
  return filled;
}

function names(from: Oracle, ...matchers: OracleMatcher[]): string[] {
  return from.select(matchers).map((series) => series.labels.map((label) => `${label.name}=${label.value}`).join(' '));
}

test('the last value at a time wins', () => {
  const samples = oracle(['a=1', 10, 1], ['a=1', 20, 2], ['a=1', 10, 3]).select([])[0]?.samples;
  expect(samples).toEqual([
    { timestampMs: 10, value: 3 },
    { timestampMs: 20, value: 2 },
  ]);
});

test('the order of labels and an empty value do not make another series', () => {
  const filled = oracle(['a=1 b=2', 10, 1], ['b=2 a=1 c=', 20, 2]);
  expect(filled.select([])).toHaveLength(1);
  expect(filled.size).toBe(2);
});

test('a range begins with its start and ends before its end', () => {
  const [series] = oracle(['a=1', 10, 1], ['a=1', 20, 2], ['a=1', 30, 3]).select([], 10, 30);
  expect(series?.samples.map(({ timestampMs }) => timestampMs)).toEqual([10, 20]);
});

test('a series without samples in the range is not there', () => {
  expect(oracle(['a=1', 10, 1]).select([], 11, 20)).toEqual([]);
});

test.each<[OracleMatcher, string[]]>([
  [{ type: '=', name: 'a', value: 'x' }, ['a=x']],
  [{ type: '!=', name: 'a', value: 'x' }, ['a=xy', 'b=z']],
  [{ type: '=~', name: 'a', value: 'x' }, ['a=x']],
  [{ type: '=~', name: 'a', value: 'x.*' }, ['a=x', 'a=xy']],
  [{ type: '!~', name: 'a', value: 'x|z' }, ['a=xy', 'b=z']],
  [{ type: '=', name: 'a', value: '' }, ['b=z']],
])('matcher %o', (matcher, expected) => {
  expect(names(oracle(['a=x', 1, 1], ['a=xy', 1, 1], ['b=z', 1, 1]), matcher)).toEqual(expected);
});
