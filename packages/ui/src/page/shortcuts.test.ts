import { expect, test } from 'vitest';
import { completed } from './shortcuts.ts';

const known = new Set(['?', 'n', 'g e', 'g a']);

test.each<[string | undefined, string, string | undefined]>([
  [undefined, '?', '?'],
  ['g', 'e', 'g e'],
  ['x', 'e', undefined],
  [undefined, 'e', undefined],
  ['g', 'n', 'n'],
  ['g', 'g', undefined],
])('after %s, %s means %s', (before, key, meaning) => expect(completed(known, before, key)).toBe(meaning));
