import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { fingerprintOf } from './fingerprint.ts';

test.each([
  [{}, 14695981039346656037n],
  // From the tests of Prometheus' own signature function: what its clients compute for these labels.
  [{ name: 'garland, briggs', fear: 'love is not enough' }, 5799056148416392346n],
])('%j has the fingerprint that Prometheus gives it', (labels, expected) => {
  expect(fingerprintOf(labelsOf(labels))).toBe(expected.toString(16).padStart(16, '0'));
});

test('names and values cannot be shifted into one another', () => {
  const prints = [{ a: 'bc' }, { ab: 'c' }, { a: 'b', c: 'd' }, { a: 'bcd' }].map((labels) =>
    fingerprintOf(labelsOf(labels)),
  );
  expect(new Set(prints).size).toBe(4);
});
