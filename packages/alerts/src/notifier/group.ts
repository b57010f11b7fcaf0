import type { Clock } from '@tidemark/base';
import type { NoticeGroup } from '../receiver/receiver.ts';
import type { AlertStore, StoredAlert } from './alert-store.ts';
import type { RouteSpec } from './config/plan.ts';
import type { Delivery, DeliverySignals, Flush } from './delivery.ts';
import type { HeldAlert } from './held-alert.ts';
import type { Suppression, SuppressionReason } from './suppression.ts';

// Alerts told together: those of one route with the same values of its `group_by`.
//
//   first alert --group wait--> flush --group interval--> flush --group interval--> flush ... until nothing is held
//            \--at once, when it began longer ago than the group wait
//
// A flush lets every integration compare (delivery.ts) with what nothing suppresses. An alert that has resolved is held until
// every integration that was told it fires was told that it does not any more.

export interface GroupSurroundings {
  readonly clock: Clock;
  readonly store: AlertStore;
  readonly suppression: Suppression;
  readonly signals: DeliverySignals;
  readonly onSuppressed: (reason: SuppressionReason, count: number) => void;
}

export class NotifyGroup {
  readonly group: NoticeGroup;
  readonly route: RouteSpec;
  readonly deliveries: readonly Delivery[];
  readonly #around: GroupSurroundings;
  readonly #alerts = new Map<string, StoredAlert>();
  #cancelTimer: (() => void) | undefined;
  #onEmpty: () => void = () => undefined;
  #hasFlushed = false;

  constructor(group: NoticeGroup, route: RouteSpec, deliveries: readonly Delivery[], around: GroupSurroundings) {
    this.group = group;
    this.route = route;
    this.deliveries = deliveries;
    this.#around = around;
  }

  get alerts(): ReadonlyMap<string, StoredAlert> {
    return this.#alerts;
  }

  get isEmpty(): boolean {
    return this.#alerts.size === 0 && this.deliveries.every((delivery) => delivery.isAtRest);
  }

  /** Whether some integration has to hear of this alert's end. */
  isToBeEnded(fingerprint: string): boolean {
    return this.deliveries.some((delivery) => delivery.mayKnowOf(fingerprint));
  }

  put(stored: StoredAlert): void {
    this.#alerts.set(stored.alert.fingerprint, stored);
    stored.groups.add(this);
  }

  /** Flushes after the group wait, then every group interval, until `onEmpty`. */
  start(onEmpty: () => void): void {
    this.#onEmpty = onEmpty;
    this.#flushAfter(this.route.groupWaitMs);
  }

  /** An alert that has been firing for long has waited for others already. */
  hurryFor(alert: HeldAlert): void {
    if (this.#hasFlushed || alert.startsAt + this.route.groupWaitMs >= this.#around.clock.nowMs()) return;
    this.stop();
    this.#flushAfter(0);
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  #flushAfter(ms: number): void {
    this.#cancelTimer = this.#around.clock.after(ms, () => this.#flush());
  }

  #flush(): void {
    const { clock, store, signals, onSuppressed } = this.#around;
    for (const stored of this.#alerts.values()) store.expire(stored, clock.nowMs());
    this.#forgetTold();
    if (this.isEmpty) {
      this.#onEmpty();
      return;
    }
    this.#hasFlushed = true;
    const reasons = new Map<SuppressionReason, number>();
    for (const { alert } of this.#alerts.values()) {
      const reason = this.#suppressed(alert);
      if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    for (const [reason, count] of reasons) onSuppressed(reason, count);
    const flush: Flush = {
      alerts: () => this.#unsuppressed(),
      held: (fingerprint) => this.#alerts.get(fingerprint)?.alert,
      isWanted: (alert) => this.#suppressed(alert) === undefined,
    };
    for (const delivery of this.deliveries) delivery.flush(flush, signals);
    this.#flushAfter(this.route.groupIntervalMs);
  }

  *#unsuppressed(): Iterable<HeldAlert> {
    for (const { alert } of this.#alerts.values()) if (!this.#suppressed(alert)) yield alert;
  }

  #suppressed({ labels }: { readonly labels: HeldAlert['labels'] }): SuppressionReason | undefined {
    return this.#around.suppression.reasonFor(this.group.tenant, this.route, labels, this.#around.clock.nowMs());
  }

  #forgetTold(): void {
    // While a notice is under way it may be about to tell that the alert fires.
    if (this.deliveries.some((delivery) => delivery.running !== undefined)) return;
    for (const [fingerprint, stored] of this.#alerts) {
      if (stored.alert.status !== 'resolved' || this.isToBeEnded(fingerprint)) continue;
      this.#alerts.delete(fingerprint);
      this.#around.store.release(stored, this);
    }
  }
}
