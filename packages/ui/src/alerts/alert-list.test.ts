import { expect, test } from 'vitest';
import type { NotifierAlert, Silence } from '../api/alertmanager.ts';
import type { ApiAlert } from '../api/types.ts';
import { affected, countStates, filterAlerts, labelsKey, listedAlerts } from './alert-list.ts';
import { matcherOf, parseFilter } from './matchers.ts';

function ruled(alertname: string, state: ApiAlert['state'], activeAt = '2026-01-01T00:00:00Z'): ApiAlert {
  return { labels: { alertname, severity: 'page' }, state, activeAt, annotations: { summary: `about ${alertname}` } };
}

function held(alertname: string, silencedBy: string[] = [], inhibitedBy: string[] = []): NotifierAlert {
  return {
    labels: { severity: 'page', alertname },
    annotations: {},
    startsAt: '2026-01-02T00:00:00Z',
    endsAt: '2026-01-03T00:00:00Z',
    fingerprint: alertname,
    receivers: [],
    status: { state: silencedBy.length + inhibitedBy.length > 0 ? 'suppressed' : 'active', silencedBy, inhibitedBy },
  };
}

function silence(id: string, alertname: string, state: Silence['status']['state']): Silence {
  return {
    id,
    matchers: [matcherOf('alertname', '=', alertname)],
    startsAt: '',
    endsAt: '',
    updatedAt: '',
    createdBy: '',
    comment: '',
    status: { state },
  };
}

test('the order of labels makes no other alert', () => {
  expect(labelsKey({ a: '1', b: '2' })).toBe(labelsKey({ b: '2', a: '1' }));
});

test('an alert that both know is one; one that only the notifier knows comes from elsewhere', () => {
  const alerts = listedAlerts([ruled('Mine', 'firing')], [held('Mine'), held('Theirs')], []);
  expect(alerts.map(({ labels, foreign }) => [labels['alertname'], foreign])).toEqual([
    ['Theirs', true],
    ['Mine', false],
  ]);
});

test('what fires comes before what may, and what is muted last; newest first within each', () => {
  const alerts = listedAlerts(
    [
      ruled('Pending', 'pending'),
      ruled('Silenced', 'firing'),
      ruled('Old', 'firing', '2025-01-01T00:00:00Z'),
      ruled('New', 'firing'),
      ruled('Gone', 'inactive'),
      ruled('Inhibited', 'firing'),
    ],
    [held('Inhibited', [], ['x'])],
    [silence('s1', 'Silenced', 'active'), silence('s2', 'New', 'expired'), silence('s3', 'Old', 'pending')],
  );
  expect(alerts.map(({ labels, state }) => `${labels['alertname']} ${state}`)).toEqual([
    'New firing',
    'Old firing',
    'Pending pending',
    'Silenced silenced',
    'Inhibited inhibited',
  ]);
  expect(alerts[3]?.silencedBy).toEqual(['s1']);
  expect(countStates(alerts)).toEqual({ firing: 2, pending: 1, silenced: 1, inhibited: 1 });
});

test('alerts are filtered by state, labels and words of their annotations', () => {
  const alerts = listedAlerts([ruled('A', 'firing'), ruled('B', 'pending')], [], []);
  expect(filterAlerts(alerts, 'pending', parseFilter(''))).toHaveLength(1);
  expect(filterAlerts(alerts, '', parseFilter('alertname="A"'))).toHaveLength(1);
  expect(filterAlerts(alerts, '', parseFilter('about'))).toHaveLength(2);
  expect(filterAlerts(alerts, 'firing', parseFilter('about severity="info"'))).toHaveLength(0);
});

test('a silence affects what its matchers match', () => {
  const alerts = listedAlerts([ruled('A', 'firing'), ruled('B', 'pending')], [], []);
  expect(affected(alerts, [matcherOf('alertname', '=~', 'A|B')])).toHaveLength(2);
  expect(affected(alerts, [matcherOf('alertname', '=', 'A'), matcherOf('severity', '=', 'x')])).toHaveLength(0);
});
