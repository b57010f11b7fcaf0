import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import type { Notice } from '../receiver/receiver.ts';
import { alertsToTell } from './dedup.ts';
import type { HeldAlert } from './held-alert.ts';

// Alerts are letters; a minus before one says it has resolved.

const HOUR = 3_600_000;

function held(names: string): HeldAlert[] {
  return names
    .split(' ')
    .filter((name) => name !== '')
    .map((name) => ({
      fingerprint: name.replace('-', ''),
      status: name.startsWith('-') ? 'resolved' : 'firing',
      labels: labelsOf({ name: name.replace('-', '') }),
      annotations: [],
      startsAt: 0,
      endsAt: 0,
      generatorURL: '',
      expiresAtMs: undefined,
      updatedAtMs: 0,
      isPosted: false,
    }));
}

function told(names: string | undefined): Notice | null {
  return names === undefined ? null : { id: 'x', at: 0, alerts: held(names) };
}

function tell(last: string | undefined, now: string, options: { sendResolved?: boolean; nowMs?: number } = {}): string {
  const rules = { sendResolved: options.sendResolved ?? true, repeatIntervalMs: 4 * HOUR };
  const alerts = alertsToTell(held(now), told(last), rules, options.nowMs ?? HOUR);
  if (alerts === undefined) return 'nothing';
  return alerts.map((alert) => `${alert.status === 'resolved' ? '-' : ''}${alert.fingerprint}`).join(' ');
}

test.each([
  [undefined, 'a', 'a'],
  [undefined, '-a', 'nothing'],
  [undefined, 'b -a', 'b'],
  ['a', 'a', 'nothing'],
  ['a', 'a b', 'a b'],
  ['a b', 'a', 'nothing'],
  ['a b', 'a -b', 'a -b'],
  ['a', '-a', '-a'],
  ['a', '-a -b', '-a'],
  ['a -b', 'a -b', 'nothing'],
  ['a -b', 'a b', 'a b'],
  ['-a', '-a', 'nothing'],
  ['-a', 'a', 'a'],
  // All of them are silenced: nothing is over.
  ['a', '', 'nothing'],
  ['a b', '-a', '-a'],
])('told %s, now %s: tell %s', (last, now, expected) => {
  expect(tell(last, now)).toBe(expected);
});

test('the same is told again when the repeat interval is over, as long as something fires', () => {
  expect(tell('a', 'a', { nowMs: 4 * HOUR - 1 })).toBe('nothing');
  expect(tell('a', 'a', { nowMs: 4 * HOUR })).toBe('a');
  expect(tell('-a', '-a', { nowMs: 9 * HOUR })).toBe('nothing');
});

test('a receiver that does not want resolved ones: all over is an empty notice, which nobody sends', () => {
  expect(tell('a', '-a', { sendResolved: false })).toBe('');
  expect(tell('a b', 'a -b', { sendResolved: false })).toBe('nothing');
  expect(tell('a', 'b -a', { sendResolved: false })).toBe('b');
});

test('in order of their labels', () => {
  expect(tell(undefined, 'c a b')).toBe('a b c');
});
