import { expect, test } from 'vitest';
import { historyExprLengthMax, historyMax, readHistory, remembered, searchHistory } from './history.ts';

test('the newest is first, and each is there once', () => {
  expect(remembered(['a', 'b'], ['b', 'c'])).toEqual(['b', 'c', 'a']);
});

test('nothing empty, nothing endless, and not more than there is room for', () => {
  expect(remembered([], ['', 'x'.repeat(historyExprLengthMax + 1)])).toEqual([]);
  const many = Array.from({ length: historyMax }, (_, i) => `q${i}`);
  const after = remembered(many, ['new']);
  expect([after.length, after[0], after.at(-1)]).toEqual([historyMax, 'new', `q${historyMax - 2}`]);
});

test.each([null, '', '{', '{"a":1}', '7'])('%s is an empty history', (text) => expect(readHistory(text)).toEqual([]));

test('what is no text is left out', () => expect(readHistory('["a",1,null,"b"]')).toEqual(['a', 'b']));

test('a search takes every word, in any order and case', () => {
  const history = ['rate(node_cpu[5m])', 'node_load1', 'sum(rate(x[1m]))'];
  expect(searchHistory(history, 'RATE node')).toEqual(['rate(node_cpu[5m])']);
  expect(searchHistory(history, ' ')).toEqual(history);
});
