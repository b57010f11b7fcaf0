import { expect, test } from 'vitest';
import { readValue } from './number.ts';

test.each<[string, number]>([
  ['1.5', 1.5],
  ['-0', -0],
  ['1e+06', 1e6],
  ['NaN', Number.NaN],
  ['+Inf', Infinity],
  ['Inf', Infinity],
  ['-Inf', -Infinity],
  ['nonsense', Number.NaN],
])('%s', (text, value) => expect(readValue(text)).toBe(value));
