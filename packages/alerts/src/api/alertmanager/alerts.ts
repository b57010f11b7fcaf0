import type { Matcher } from '@tidemark/model';
import { compareAlerts, compareLabelSets } from '../../notifier/alert-order.ts';
import type { ShownAlert, ShownGroup } from '../../notifier/notifier-view.ts';
import { textRecord } from '../alerts.ts';
import { passes } from './label-filter.ts';

// What `GET /api/v2/alerts` and `/alerts/groups` answer. Pure: the server reads parameters and writes JSON.

export interface AlertsQuestion {
  readonly active: boolean;
  readonly silenced: boolean;
  readonly inhibited: boolean;
  readonly muted: boolean;
  readonly filter: readonly Matcher[];
  readonly receiver: (name: string) => boolean;
}

export interface GettableAlert {
  readonly annotations: Readonly<Record<string, string>>;
  readonly endsAt: string;
  readonly fingerprint: string;
  readonly receivers: readonly { readonly name: string }[];
  readonly startsAt: string;
  readonly status: {
    readonly inhibitedBy: readonly string[];
    readonly mutedBy: readonly string[];
    readonly silencedBy: readonly string[];
    readonly state: 'active' | 'suppressed';
  };
  readonly updatedAt: string;
  readonly generatorURL?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface GettableGroup {
  readonly alerts: readonly GettableAlert[];
  readonly labels: Readonly<Record<string, string>>;
  readonly receiver: { readonly name: string };
}

/** By fingerprint. */
export function alertList(alerts: readonly ShownAlert[], asked: AlertsQuestion): readonly GettableAlert[] {
  return alerts
    .filter((shown) => isWanted(shown, asked) && shown.receivers.some(asked.receiver))
    .map((shown) => gettable(shown, shown.receivers, []))
    .sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : a.fingerprint > b.fingerprint ? 1 : 0));
}

/** By labels, then receiver. An alert names the receivers of all groups that it is shown in. */
export function groupList(
  groups: readonly ShownGroup[],
  alerts: readonly ShownAlert[],
  asked: AlertsQuestion,
): readonly GettableGroup[] {
  const byFingerprint = new Map(alerts.map((shown) => [shown.alert.fingerprint, shown]));
  const asks = groups.filter(
    ({ receiver, mutedBy }) => asked.receiver(receiver) && (asked.muted || mutedBy.length === 0),
  );
  const shownIn = new Map<string, string[]>();
  const chosen = asks.map((group) => ({
    ...group,
    alerts: group.alerts.flatMap(({ fingerprint }) => {
      const shown = byFingerprint.get(fingerprint);
      if (!shown || !isWanted(shown, asked)) return [];
      shownIn.set(fingerprint, [...(shownIn.get(fingerprint) ?? []), group.receiver]);
      return [shown];
    }),
  }));
  return chosen
    .filter((group) => group.alerts.length > 0)
    .sort((a, b) => compareLabelSets(a.labels, b.labels) || (a.receiver < b.receiver ? -1 : 1))
    .map((group) => ({
      alerts: [...group.alerts]
        .sort((a, b) => compareAlerts(a.alert, b.alert))
        .map((shown) => gettable(shown, [...(shownIn.get(shown.alert.fingerprint) ?? [])].sort(), group.mutedBy)),
      labels: textRecord(group.labels),
      receiver: { name: group.receiver },
    }));
}

function isWanted({ alert, silencedBy, inhibitedBy }: ShownAlert, asked: AlertsQuestion): boolean {
  if (!asked.silenced && silencedBy.length > 0) return false;
  if (!asked.inhibited && inhibitedBy.length > 0) return false;
  if (!asked.active && silencedBy.length === 0 && inhibitedBy.length === 0) return false;
  return passes(asked.filter, new Map(alert.labels.map(({ name, value }) => [name, value])));
}

function gettable(shown: ShownAlert, receivers: readonly string[], mutedBy: readonly string[]): GettableAlert {
  const { alert, silencedBy, inhibitedBy } = shown;
  const isSuppressed = silencedBy.length > 0 || inhibitedBy.length > 0 || mutedBy.length > 0;
  return {
    annotations: textRecord(alert.annotations),
    endsAt: timeText(alert.expiresAtMs ?? alert.endsAt),
    fingerprint: alert.fingerprint,
    receivers: receivers.map((name) => ({ name })),
    startsAt: timeText(alert.startsAt),
    status: { inhibitedBy, mutedBy, silencedBy, state: isSuppressed ? 'suppressed' : 'active' },
    updatedAt: timeText(alert.updatedAtMs),
    ...(alert.generatorURL === '' ? {} : { generatorURL: alert.generatorURL }),
    labels: textRecord(alert.labels),
  };
}

export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
