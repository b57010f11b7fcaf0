import type { Labels } from '@tidemark/model';
import type { Alert } from '../rules/alert.ts';
import { goExponent } from '../template/go-float.ts';

// What `/api/v1/alerts` answers, in Prometheus' shape. Pure: the server writes the envelope.

export interface ApiAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
  readonly activeAt: string;
  readonly keepFiringSince?: string;
  readonly value: string;
}

/** `alerts` as `Rules.alerts()` returns them: pending and firing. */
export function alertsAnswer(alerts: readonly Readonly<Alert>[]): { readonly alerts: readonly ApiAlert[] } {
  return { alerts: alerts.map(apiAlert) };
}

/** Requires one that is pending or firing. */
export function apiAlert(alert: Readonly<Alert>): ApiAlert {
  return {
    labels: textRecord(alert.labels),
    annotations: textRecord(alert.annotations),
    state: alert.phase === 'pending' ? 'pending' : 'firing',
    activeAt: new Date(alert.activeAtMs).toISOString(),
    ...(alert.keepFiringSinceMs === undefined
      ? {}
      : { keepFiringSince: new Date(alert.keepFiringSinceMs).toISOString() }),
    value: goExponent(alert.value),
  };
}

/** `fromEntries` defines own properties, so that even a label called `__proto__` is shown. */
export function textRecord(pairs: Labels): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}
