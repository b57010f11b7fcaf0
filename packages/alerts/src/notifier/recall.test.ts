import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import type { AlertEvent } from '../event/alert-event.ts';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import { recall } from './recall.ts';

// One alert `a`, and what the three topics say of it at the start; what is held of it then.

const NOW = 1_000_000;
const labels = labelsOf({ alertname: 'a' });
const common = { labels, annotations: [], generatorURL: '', fingerprint: 'a' };
const at = {
  tenant: 't',
  file: 'f',
  group: 'g',
  rule: 'a',
  expression: 'a',
  value: 1,
  activeAt: 0,
  revision: 1,
  fresh: true,
};

const entry = (side: 'done' | 'intent', status: 'firing' | 'resolved') => {
  const notice = { id: 'n', at: 0, alerts: [{ ...common, status, startsAt: 5, endsAt: 6 }] };
  return { tenant: 't', receiver: 'r', groupKey: 'k', done: null, intent: null, [side]: notice };
};
const event = (status: 'firing' | 'resolved'): AlertEvent => ({
  ...at,
  ...common,
  status,
  startsAt: 5,
  endsAt: 70,
  evaluatedAt: 60,
});
const state = (phase: AlertStateRecord['state'], validUntil = 0): AlertStateRecord => ({
  ...at,
  ...common,
  ruleIdentity: 'a',
  state: phase,
  firedAt: 5,
  resolvedAt: phase === 'resolved' ? 80 : null,
  keepFiringSince: null,
  validUntil,
  evaluatedAt: validUntil - 300_000,
});

test.each([
  ['nothing known', [], [], [], undefined],
  ['told, still firing', [entry('done', 'firing')], [], [state('firing', 10)], 'firing'],
  [
    'told, about to be told of its end, still firing after all',
    [entry('intent', 'firing')],
    [],
    [state('firing')],
    'firing',
  ],
  ['told, resolved since', [entry('done', 'firing')], [], [state('resolved')], 'resolved 80'],
  ['told, gone since', [entry('done', 'firing')], [], [], `resolved ${NOW}`],
  ['told, gone since, its last event was missed', [entry('done', 'firing')], [event('resolved')], [], 'resolved 70'],
  ['told, pending again', [entry('done', 'firing')], [], [state('pending')], `resolved ${NOW}`],
  ['its end was told', [entry('done', 'resolved')], [], [state('resolved')], undefined],
  ['missed, still firing', [], [event('firing')], [state('firing', 10)], 'firing'],
  ['missed, over since', [], [event('firing')], [state('resolved')], undefined],
  ['missed, gone since', [], [event('firing')], [], undefined],
  ['neither told nor missed, said not long ago', [], [], [state('firing', NOW + 1)], 'firing'],
  ['neither told nor missed, old', [], [], [state('firing', NOW)], undefined],
  ['never told, resolved', [], [event('resolved')], [state('resolved')], undefined],
])('%s', (_, entries, missed, states, expected) => {
  const [held] = recall({ entries, missed, states }, NOW);
  const shown = held && (held.alert.status === 'firing' ? 'firing' : `resolved ${held.alert.endsAt}`);
  expect(shown).toBe(expected);
});

test('how long it counts as firing begins anew: nobody could say it again meanwhile', () => {
  const [held] = recall({ entries: [entry('done', 'firing')], missed: [], states: [state('firing', 500)] }, NOW);
  expect(held?.alert.expiresAtMs).toBe(NOW + 300_000);
  const short = { ...state('firing', 500), evaluatedAt: 900 };
  expect(recall({ entries: [entry('done', 'firing')], missed: [], states: [short] }, NOW)[0]?.alert.expiresAtMs).toBe(
    NOW + 240_000,
  );
});

test('tenants do not know of each other’s alerts', () => {
  const other = { ...state('firing', NOW + 1), tenant: 'other' };
  const held = recall({ entries: [entry('done', 'firing')], missed: [], states: [other] }, NOW);
  expect(held.map(({ tenant, alert }) => `${tenant} ${alert.status}`)).toEqual(['t resolved', 'other firing']);
});
