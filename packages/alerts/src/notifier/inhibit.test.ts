import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { AlertStore } from './alert-store.ts';
import { parseMatchers } from './config/matcher-text.ts';
import type { HeldAlert } from './held-alert.ts';
import { Inhibitor } from './inhibit.ts';

// Which alert is inhibited by which, by fingerprint.

type Pairs = Readonly<Record<string, string>>;

function world(rules: readonly { source: string; target: string; equal: readonly string[] }[]) {
  const inhibitor = new Inhibitor(
    rules.map(({ source, target, equal }) => ({
      sources: parseMatchers(source),
      targets: parseMatchers(target),
      equal,
    })),
  );
  const store = new AlertStore(100, inhibitor);
  const held = (fingerprint: string, labels: Pairs, over: Partial<HeldAlert> = {}): HeldAlert => ({
    fingerprint,
    status: 'firing',
    labels: labelsOf(labels),
    annotations: [],
    startsAt: 0,
    endsAt: 0,
    generatorURL: '',
    expiresAtMs: undefined,
    updatedAtMs: 0,
    isPosted: false,
    ...over,
  });
  return {
    store,
    put: (fingerprint: string, labels: Pairs, over?: Partial<HeldAlert>) =>
      store.put('t', held(fingerprint, labels, over)),
    by: (labels: Pairs, nowMs = 0, tenant = 't') => inhibitor.inhibitedBy(tenant, labelsOf(labels), nowMs),
  };
}

const RULE = { source: 'severity="page"', target: 'severity="warn"', equal: ['instance', 'cluster'] };

test.each<[string, Pairs, string | undefined]>([
  ['the same instance', { severity: 'warn', instance: '1' }, 's'],
  ['another instance', { severity: 'warn', instance: '2' }, undefined],
  ['no instance', { severity: 'warn' }, undefined],
  ['no target', { severity: 'info', instance: '1' }, undefined],
  ['one more label of equal', { severity: 'warn', instance: '1', cluster: 'x' }, undefined],
])('%s', (_, labels, expected) => {
  const { put, by } = world([RULE]);
  put('s', { severity: 'page', instance: '1' });
  expect(by(labels)).toBe(expected);
});

test('labels that both miss are equal', () => {
  const { put, by } = world([RULE]);
  put('s', { severity: 'page' });
  expect(by({ severity: 'warn' })).toBe('s');
});

test('as long as the source fires and is valid', () => {
  const { put, by, store } = world([RULE]);
  const stored = put('s', { severity: 'page', instance: '1' }, { expiresAtMs: 1000 });
  const target = { severity: 'warn', instance: '1' };
  expect([by(target, 999), by(target, 1000)]).toEqual(['s', undefined]);
  put('s', { severity: 'page', instance: '1' }, { status: 'resolved' });
  expect(by(target)).toBeUndefined();
  put('s', { severity: 'page', instance: '1' });
  expect(by(target)).toBe('s');
  store.drop(stored);
  expect(by(target)).toBeUndefined();
});

test('an alert on both sides inhibits neither itself nor others like it, but those that are targets alone', () => {
  const { put, by } = world([{ source: 'a="1"', target: 'b="1"', equal: [] }]);
  put('both', { a: '1', b: '1' });
  expect(by({ a: '1', b: '1' })).toBeUndefined();
  expect(by({ b: '1' })).toBe('both');
  put('source', { a: '1' });
  expect(by({ a: '1', b: '1' })).toBe('source');
});

test('any rule is enough, and tenants do not know of each other', () => {
  const { put, by } = world([RULE, { source: 'alertname="Down"', target: 'alertname=~".+"', equal: ['cluster'] }]);
  put('down', { alertname: 'Down', cluster: 'x' });
  expect(by({ alertname: 'Slow', cluster: 'x' })).toBe('down');
  expect(by({ alertname: 'Slow', cluster: 'x' }, 0, 'other')).toBeUndefined();
});
