import { expect, test } from 'vitest';
import { differingLabels, fullName, shortNames } from './names.ts';

test('a full name is PromQL', () => {
  expect(fullName({ __name__: 'up', job: 'a "b"' })).toBe('up{job="a \\"b\\""}');
  expect(fullName({ __name__: 'up' })).toBe('up');
  expect(fullName({})).toBe('{}');
});

test('a label that some series lack differs', () => {
  expect(differingLabels([{ a: '1', b: '2' }, { a: '1' }])).toEqual(['b']);
});

test('a lone series is told in full', () => {
  expect(shortNames([{ __name__: 'up', job: 'x' }])).toEqual(['up{job="x"}']);
});

test('series that differ in one label are told by its value', () => {
  expect(shortNames([{ __name__: 'up', job: 'x' }, { __name__: 'up', job: 'y' }, { __name__: 'up' }])).toEqual([
    'x',
    'y',
    'none',
  ]);
});

test('series that differ in several are told by those', () => {
  const names = shortNames([
    { __name__: 'up', job: 'x', zone: '1', host: 'h' },
    { __name__: 'up', job: 'y', zone: '2', host: 'h' },
  ]);
  expect(names).toEqual(['{job="x", zone="1"}', '{job="y", zone="2"}']);
});
