import type { NoticeGroup, Receiver } from '../receiver/receiver.ts';
import { Delivery, type DeliverySignals, type DeliverySurroundings } from './delivery.ts';
import { NotifyGroup } from './group.ts';
import type { HeldAlert } from './held-alert.ts';
import type { LedgerEntry } from './ledger.ts';
import { groupOf } from './route.ts';

// All groups that are held, and which alert is in which. Bounded: beyond the limits alerts are turned away, and the caller
// counts them; what is held already goes on.

export interface BookLimits {
  readonly groupsMax: number;
  readonly alertsMax: number;
}

export class AlertBook {
  readonly #groups = new Map<string, NotifyGroup>();
  #alertsAtMost = 0;
  readonly #receivers: readonly Receiver[];
  readonly #around: DeliverySurroundings;
  readonly #limits: BookLimits;
  readonly #signals: DeliverySignals;

  constructor(
    receivers: readonly Receiver[],
    around: DeliverySurroundings,
    limits: BookLimits,
    signals: DeliverySignals,
  ) {
    this.#receivers = receivers;
    this.#around = around;
    this.#limits = limits;
    this.#signals = signals;
  }

  get groups(): Iterable<NotifyGroup> {
    return this.#groups.values();
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  get alertCount(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.alerts.size;
    return count;
  }

  /** The group that an alert with these labels belongs to, if it is held. */
  find(tenant: string, alert: Pick<HeldAlert, 'labels'>): NotifyGroup | undefined {
    return this.#groups.get(keyOf(groupOf(this.#around.route, tenant, alert.labels)));
  }

  /** The group for an alert, made if new; undefined when no more fits. */
  groupFor(
    tenant: string,
    alert: HeldAlert,
    entries: ReadonlyMap<string, LedgerEntry> = new Map(),
  ): NotifyGroup | undefined {
    const group = groupOf(this.#around.route, tenant, alert.labels);
    const known = this.#groups.get(keyOf(group));
    if (!known && this.#groups.size >= this.#limits.groupsMax) return undefined;
    if (!known?.alerts.has(alert.fingerprint) && this.#isFull()) return undefined;
    return known ?? this.#make(group, entries);
  }

  start(group: NotifyGroup): void {
    group.start(() => this.#groups.delete(keyOf(group.group)));
  }

  stop(): void {
    for (const group of this.#groups.values()) group.stop();
  }

  /** Counts only when it may be: between counts every alert let in is taken as one more. */
  #isFull(): boolean {
    this.#alertsAtMost++;
    if (this.#alertsAtMost <= this.#limits.alertsMax) return false;
    this.#alertsAtMost = this.alertCount + 1;
    return this.#alertsAtMost > this.#limits.alertsMax;
  }

  #make(group: NoticeGroup, entries: ReadonlyMap<string, LedgerEntry>): NotifyGroup {
    const deliveries = this.#receivers.map(
      (receiver) =>
        new Delivery(receiver, group, entries.get(entryKey(group.tenant, receiver.name, group.groupKey)), this.#around),
    );
    const made = new NotifyGroup(group, deliveries, {
      clock: this.#around.clock,
      route: this.#around.route,
      signals: this.#signals,
    });
    this.#groups.set(keyOf(group), made);
    return made;
  }
}

export function entryKey(tenant: string, receiver: string, groupKey: string): string {
  return JSON.stringify([tenant, receiver, groupKey]);
}

function keyOf({ tenant, groupKey }: NoticeGroup): string {
  return JSON.stringify([tenant, groupKey]);
}
