import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import type { AlertEvent } from '../event/alert-event.ts';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import { POSTED } from '../event/posted.ts';
import { heldFromEvent, heldFromState } from './held-alert.ts';
import { recall } from './recall.ts';

const EXTERNAL = labelsOf({ site: 'eu1', zone: 'z' });
const event: AlertEvent = {
  tenant: 't',
  file: 'rules.yaml',
  group: 'g',
  rule: 'a',
  fingerprint: 'f',
  status: 'firing',
  labels: labelsOf({ alertname: 'a', zone: 'own' }),
  annotations: [],
  expression: 'a',
  value: 1,
  activeAt: 0,
  startsAt: 0,
  endsAt: 10,
  evaluatedAt: 5,
  fresh: true,
  generatorURL: '',
  revision: 1,
};
const { status: _status, startsAt: _startsAt, endsAt: _endsAt, fresh: _fresh, ...common } = event;
const state: AlertStateRecord = {
  ...common,
  ruleIdentity: 'a',
  state: 'firing',
  firedAt: 5,
  resolvedAt: null,
  keepFiringSince: null,
  validUntil: 20,
};

test('an alert of a rule has the external labels it has none of itself, as heard and as remembered', () => {
  const wanted = { fingerprint: 'f', labels: labelsOf({ alertname: 'a', site: 'eu1', zone: 'own' }) };
  expect(heldFromEvent(event, 6, EXTERNAL)).toMatchObject(wanted);
  expect(heldFromState(state, 6, EXTERNAL)).toMatchObject(wanted);
  expect(recall({ entries: [], missed: [], states: [state] }, 6, EXTERNAL)).toMatchObject([{ alert: wanted }]);
});

test('one that was posted has its own labels alone', () => {
  expect(heldFromEvent({ ...event, file: POSTED }, 6, EXTERNAL).labels).toEqual(event.labels);
  expect(heldFromState({ ...state, file: POSTED }, 6, EXTERNAL).labels).toEqual(event.labels);
});
