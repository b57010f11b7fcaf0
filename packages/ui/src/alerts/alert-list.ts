import type { Matcher, NotifierAlert, Silence } from '../api/alertmanager.ts';
import type { ApiAlert, Labels } from '../api/types.ts';
import { type Filter, matchesAll, passes } from './matchers.ts';

// One list of alerts out of three answers:
//
//   /api/v1/alerts    what the rules of this server say: pending, firing, value
//   /api/v2/alerts    what the notifier holds, also from elsewhere: silenced by whom, inhibited by what
//   /api/v2/silences  tells of an alert the notifier doesn't hold yet whether it would be silenced
//
// Equal labels are one alert.

export const alertStates = ['firing', 'pending', 'silenced', 'inhibited'] as const;
export type AlertState = (typeof alertStates)[number];

export interface ListedAlert {
  readonly key: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: AlertState;
  /** RFC 3339. */
  readonly since: string | undefined;
  readonly value: string | undefined;
  readonly silencedBy: readonly string[];
  /** Sent by someone else: no rule of this server stands behind it. */
  readonly foreign: boolean;
  readonly generatorUrl: string | undefined;
}

export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function silencesOf(labels: Labels, silences: readonly Silence[]): string[] {
  return silences
    .filter(({ status, matchers }) => status.state === 'active' && matchesAll(matchers, labels))
    .map(({ id }) => id);
}

function stateOf(firing: boolean, silenced: boolean, inhibited: boolean): AlertState {
  if (!firing) return 'pending';
  if (silenced) return 'silenced';
  return inhibited ? 'inhibited' : 'firing';
}

export function listedAlerts(
  ruled: readonly ApiAlert[],
  held: readonly NotifierAlert[],
  silences: readonly Silence[],
): ListedAlert[] {
  const byKey = new Map(held.map((alert) => [labelsKey(alert.labels), alert]));
  const own = ruled
    .filter((alert) => alert.state !== 'inactive')
    .map((alert): ListedAlert => {
      const key = labelsKey(alert.labels);
      const known = byKey.get(key);
      byKey.delete(key);
      const silencedBy = silencesOf(alert.labels, silences);
      return {
        key,
        labels: alert.labels,
        annotations: alert.annotations ?? {},
        state: stateOf(alert.state === 'firing', silencedBy.length > 0, (known?.status.inhibitedBy.length ?? 0) > 0),
        since: alert.activeAt,
        value: alert.value,
        silencedBy,
        foreign: false,
        generatorUrl: known?.generatorURL,
      };
    });
  const foreign = [...byKey].map(([key, alert]): ListedAlert => {
    const { silencedBy, inhibitedBy } = alert.status;
    return {
      key,
      labels: alert.labels,
      annotations: alert.annotations,
      state: stateOf(true, silencedBy.length > 0, inhibitedBy.length > 0),
      since: alert.startsAt,
      value: undefined,
      silencedBy,
      foreign: true,
      generatorUrl: alert.generatorURL,
    };
  });
  return sortAlerts([...own, ...foreign]);
}

/** In the order a person on call wants them: what fires before what may, what is muted last, newest first within each. */
export function sortAlerts(alerts: readonly ListedAlert[]): ListedAlert[] {
  const at = (alert: ListedAlert) => Date.parse(alert.since ?? '') || 0;
  return [...alerts].sort((a, b) => alertStates.indexOf(a.state) - alertStates.indexOf(b.state) || at(b) - at(a));
}

export function countStates(alerts: readonly ListedAlert[]): Record<AlertState, number> {
  const counts = { firing: 0, pending: 0, silenced: 0, inhibited: 0 };
  for (const alert of alerts) counts[alert.state]++;
  return counts;
}

export function filterAlerts(alerts: readonly ListedAlert[], state: string, filter: Filter): ListedAlert[] {
  return alerts.filter(
    (alert) =>
      (state === '' || alert.state === state) && passes(filter, alert.labels, ...Object.values(alert.annotations)),
  );
}

/** The alerts a silence with `matchers` would mute. */
export function affected(alerts: readonly ListedAlert[], matchers: readonly Matcher[]): ListedAlert[] {
  return alerts.filter((alert) => matchesAll(matchers, alert.labels));
}
