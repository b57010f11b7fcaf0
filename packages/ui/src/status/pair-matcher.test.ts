import { expect, test } from 'vitest';
import { matcherOfPair, metricSelector } from './pair-matcher.ts';

test.each([
  ['job=node', 'job="node"'],
  ['path=/a?b=c', 'path="/a?b=c"'],
  ['quote=a"b\\', 'quote="a\\"b\\\\"'],
  ['my.label=x', '"my.label"="x"'],
  ['empty=', 'empty=""'],
])('%s becomes %s', (pair, matcher) => expect(matcherOfPair(pair)).toBe(matcher));

test.each([
  ['node_load1', 'node_load1'],
  ['job:x:rate5m', 'job:x:rate5m'],
  ['CPU.load', '{"CPU.load"}'],
])('%s is selected by %s', (name, selector) => expect(metricSelector(name)).toBe(selector));
