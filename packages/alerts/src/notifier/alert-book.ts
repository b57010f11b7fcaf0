import type { Clock, Logger, Random } from '@tidemark/base';
import type { Integration, NoticeGroup } from '../receiver/receiver.ts';
import type { AlertStore, StoredAlert } from './alert-store.ts';
import type { NotifierPlan, RouteSpec } from './config/plan.ts';
import { Delivery, type DeliverySignals } from './delivery.ts';
import { NotifyGroup } from './group.ts';
import type { Ledger } from './ledger.ts';
import type { NotifierMetrics } from './notifier-metrics.ts';
import { groupOf, routesOf } from './route.ts';
import { SendSlots } from './send-slots.ts';
import type { Suppression } from './suppression.ts';

// All groups of one plan. An alert is put into the group of every route it takes. Bounded: beyond the limit alerts are turned
// away, and the caller counts them; what is held already goes on. When the plan changes a new book is made: what was told
// stands on the ledger, and the alerts are in the store.

export interface BookParts {
  readonly plan: NotifierPlan;
  readonly integrations: readonly Integration[];
  readonly ledger: Ledger;
  readonly store: AlertStore;
  readonly suppression: Suppression;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: NotifierMetrics;
  readonly groupsMax: number;
  /** Attempts of one integration at once. */
  readonly sendingMax: number;
}

export class AlertBook {
  readonly #parts: BookParts;
  readonly #groups = new Map<string, NotifyGroup>();
  readonly #slots: ReadonlyMap<string, SendSlots>;
  readonly #signals: DeliverySignals;

  constructor(parts: BookParts, signals: DeliverySignals) {
    this.#parts = parts;
    this.#signals = signals;
    this.#slots = new Map(parts.integrations.map(({ id }) => [id, new SendSlots(parts.sendingMax)]));
  }

  get groups(): Iterable<NotifyGroup> {
    return this.#groups.values();
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  routesOf(stored: Pick<StoredAlert, 'alert'>): readonly RouteSpec[] {
    return routesOf(this.#parts.plan.route, stored.alert.labels);
  }

  /**
   * Puts an alert into its groups and returns them; groups that are new do not run yet. Undefined for a route: no more groups
   * fit.
   */
  put(stored: StoredAlert): readonly { readonly group: NotifyGroup | undefined; readonly isNew: boolean }[] {
    return this.routesOf(stored).map((route) => {
      const wanted = groupOf(route, stored.tenant, stored.alert.labels);
      const key = JSON.stringify([stored.tenant, route.id, wanted.groupKey]);
      const known = this.#groups.get(key);
      if (!known && this.#groups.size >= this.#parts.groupsMax) return { group: undefined, isNew: true };
      const group = known ?? this.#make(key, wanted, route);
      group.put(stored);
      return { group, isNew: known === undefined };
    });
  }

  start(group: NotifyGroup): void {
    const key = JSON.stringify([group.group.tenant, group.route.id, group.group.groupKey]);
    group.start(() => this.#groups.delete(key));
  }

  stop(): void {
    for (const group of this.#groups.values()) group.stop();
  }

  #make(key: string, of: NoticeGroup, route: RouteSpec): NotifyGroup {
    const { ledger, integrations, metrics } = this.#parts;
    const deliveries = integrations
      .filter(({ receiver }) => receiver === route.receiver)
      .map((integration) => {
        const { id } = integration;
        const entry = ledger.get({ tenant: of.tenant, receiver: id, groupKey: of.groupKey });
        const slots = this.#slots.get(id) as SendSlots;
        return new Delivery(integration, of, entry, {
          ...this.#parts,
          repeatIntervalMs: route.repeatIntervalMs,
          slots,
        });
      });
    const made = new NotifyGroup(of, route, deliveries, {
      ...this.#parts,
      signals: this.#signals,
      onSuppressed: (reason, count) => metrics.suppressed.with(reason).add(count),
    });
    this.#groups.set(key, made);
    return made;
  }
}
