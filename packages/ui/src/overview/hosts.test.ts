import { expect, test } from 'vitest';
import { ofHost } from './host-matchers.ts';
import { chosenHost, hostsOf } from './hosts.ts';

test('hosts are the distinct instances, sorted', () => {
  expect(hostsOf([{ instance: 'b' }, { instance: 'a' }, { instance: 'b' }, {}, { instance: '' }])).toEqual(['a', 'b']);
});

test('the host asked for is shown as long as it is known, or none is', () => {
  expect(chosenHost(['a', 'b'], 'b')).toBe('b');
  expect(chosenHost(['a', 'b'], 'gone')).toBe('a');
  expect(chosenHost([], 'b')).toBe('b');
  expect(chosenHost([], null)).toBeUndefined();
});

test('a host name cannot leave its quotes', () => {
  expect(ofHost('a"} or up{x="')).toBe('{instance="a\\"} or up{x=\\""}');
  expect(ofHost('a', 'mode="idle"')).toBe('{instance="a",mode="idle"}');
});
