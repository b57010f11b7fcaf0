import type { Labels } from '@tidemark/model';
import type { Notice, NoticedAlert, NoticeGroup } from './receiver.ts';
import { commonPairs, statusOf } from './template-data.ts';

// The body of a webhook, version 4, as Alertmanager sends it:
//
//   { version, groupKey, truncatedAlerts, status, receiver, groupLabels, commonLabels, commonAnnotations, externalURL,
//     alerts: [{ status, labels, annotations, startsAt, endsAt, generatorURL, fingerprint }] }
//
// `status` is firing as long as one alert is; an alert that fires has no end, which is the year 1.

export interface WebhookPayload {
  readonly version: '4';
  readonly groupKey: string;
  readonly truncatedAlerts: number;
  readonly status: 'firing' | 'resolved';
  readonly receiver: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly commonLabels: Readonly<Record<string, string>>;
  readonly commonAnnotations: Readonly<Record<string, string>>;
  readonly externalURL: string;
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved';
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly startsAt: string;
    readonly endsAt: string;
    readonly generatorURL: string;
    readonly fingerprint: string;
  }[];
}

const NO_TIME = '0001-01-01T00:00:00Z';

export interface PayloadOptions {
  readonly receiver: string;
  readonly externalUrl: string;
  /** Alerts beyond this are counted in `truncatedAlerts`; 0: all. */
  readonly alertsMax: number;
}

export function webhookPayload(group: NoticeGroup, notice: Notice, options: PayloadOptions): WebhookPayload {
  const shown = options.alertsMax > 0 ? notice.alerts.slice(0, options.alertsMax) : notice.alerts;
  return {
    version: '4',
    groupKey: group.groupKey,
    truncatedAlerts: notice.alerts.length - shown.length,
    status: statusOf(shown),
    receiver: options.receiver,
    groupLabels: record(group.groupLabels),
    commonLabels: record(commonPairs(shown.map((alert) => alert.labels))),
    commonAnnotations: record(commonPairs(shown.map((alert) => alert.annotations))),
    externalURL: options.externalUrl,
    alerts: shown.map(payloadAlert),
  };
}

function payloadAlert(alert: NoticedAlert): WebhookPayload['alerts'][number] {
  return {
    status: alert.status,
    labels: record(alert.labels),
    annotations: record(alert.annotations),
    startsAt: new Date(alert.startsAt).toISOString(),
    endsAt: alert.status === 'firing' ? NO_TIME : new Date(alert.endsAt).toISOString(),
    generatorURL: alert.generatorURL,
    fingerprint: alert.fingerprint,
  };
}

/** `fromEntries` defines own properties, so that even a label called `__proto__` arrives. */
function record(pairs: Labels): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}
