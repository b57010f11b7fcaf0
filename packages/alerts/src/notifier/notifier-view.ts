import type { Labels } from '@tidemark/model';
import type { AlertBook } from './alert-book.ts';
import type { AlertStore } from './alert-store.ts';
import type { HeldAlert } from './held-alert.ts';
import type { Suppression } from './suppression.ts';

// What a notifier shows of what it holds.

/** An alert that fires, as the API shows it. */
export interface ShownAlert {
  readonly alert: HeldAlert;
  readonly receivers: readonly string[];
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
}

export interface ShownGroup {
  readonly labels: Labels;
  readonly receiver: string;
  /** Names of time intervals that keep it quiet now. */
  readonly mutedBy: readonly string[];
  readonly alerts: readonly HeldAlert[];
}

export interface ReceiverStatus {
  /** The integration: `ops/webhook[0]`. */
  readonly name: string;
  /** Groups that this receiver is being told about now, attempts that failed included. */
  readonly underWay: number;
  /** Why the last attempt failed; '' when none does. */
  readonly lastError: string;
  readonly lastDeliveredMs: number | undefined;
}

interface Held {
  readonly store: AlertStore;
  readonly book: AlertBook;
  readonly suppression: Suppression;
}

/** Alerts of a tenant that fire. */
export function shownAlerts({ store, book, suppression }: Held, tenant: string, nowMs: number): readonly ShownAlert[] {
  return [...store.of(tenant)]
    .filter(({ alert }) => fires(alert, nowMs))
    .map((stored) => ({
      alert: stored.alert,
      receivers: book.routesOf(stored).map(({ receiver }) => receiver),
      silencedBy: suppression.silencedBy(tenant, stored.alert.labels, nowMs),
      inhibitedBy: suppression.inhibitedBy(tenant, stored.alert.labels, nowMs),
    }));
}

export function shownGroups({ book, suppression }: Held, tenant: string, nowMs: number): readonly ShownGroup[] {
  return [...book.groups]
    .filter(({ group }) => group.tenant === tenant)
    .map(({ group, route, alerts }) => ({
      labels: group.groupLabels,
      receiver: route.receiver,
      mutedBy: suppression.mutedBy(route, nowMs)?.names ?? [],
      alerts: [...alerts.values()].map(({ alert }) => alert).filter((alert) => fires(alert, nowMs)),
    }));
}

export function receiverStatus(book: AlertBook, id: string): ReceiverStatus {
  const deliveries = [...book.groups].flatMap((group) =>
    group.deliveries.filter((delivery) => delivery.integration.id === id),
  );
  const delivered = deliveries.flatMap(({ lastDeliveredMs }) =>
    lastDeliveredMs === undefined ? [] : [lastDeliveredMs],
  );
  return {
    name: id,
    underWay: deliveries.filter((delivery) => delivery.running !== undefined).length,
    lastError: deliveries.find((delivery) => delivery.lastError !== '')?.lastError ?? '',
    lastDeliveredMs: delivered.length === 0 ? undefined : Math.max(...delivered),
  };
}

function fires(alert: HeldAlert, nowMs: number): boolean {
  return alert.status === 'firing' && (alert.expiresAtMs === undefined || alert.expiresAtMs > nowMs);
}
