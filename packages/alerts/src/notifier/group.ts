import type { Clock } from '@tidemark/base';
import type { NoticeGroup } from '../receiver/receiver.ts';
import { firingIn } from './dedup.ts';
import type { Delivery, DeliverySignals } from './delivery.ts';
import { ended, type HeldAlert } from './held-alert.ts';
import type { RouteSpec } from './route.ts';

// Alerts told together.
//
//   first alert --group wait--> flush --group interval--> flush --group interval--> flush ... until nothing is held
//
// A flush lets every receiver compare (delivery.ts). An alert that has resolved is held until every receiver that was told it
// fires was told that it does not any more.

export class NotifyGroup {
  readonly group: NoticeGroup;
  readonly deliveries: readonly Delivery[];
  readonly #clock: Clock;
  readonly #route: RouteSpec;
  readonly #alerts = new Map<string, HeldAlert>();
  readonly #signals: DeliverySignals;
  #cancelTimer: (() => void) | undefined;

  constructor(
    group: NoticeGroup,
    deliveries: readonly Delivery[],
    around: { readonly clock: Clock; readonly route: RouteSpec; readonly signals: DeliverySignals },
  ) {
    this.group = group;
    this.deliveries = deliveries;
    this.#clock = around.clock;
    this.#route = around.route;
    this.#signals = around.signals;
  }

  get alerts(): ReadonlyMap<string, HeldAlert> {
    return this.#alerts;
  }

  get isEmpty(): boolean {
    return this.#alerts.size === 0 && this.deliveries.every((delivery) => delivery.isAtRest);
  }

  /** Whether some receiver was told that this alert fires. */
  wasTold(fingerprint: string): boolean {
    return this.deliveries.some((delivery) => firingIn(delivery.told).has(fingerprint));
  }

  /** Returns whether anything about it is new. */
  put(alert: HeldAlert): boolean {
    const before = this.#alerts.get(alert.fingerprint);
    this.#alerts.set(alert.fingerprint, alert);
    return before?.status !== alert.status;
  }

  /** Flushes after the group wait, then every group interval, until `onEmpty`. */
  start(onEmpty: () => void): void {
    this.#flushAfter(this.#route.groupWaitMs, onEmpty);
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  #flushAfter(ms: number, onEmpty: () => void): void {
    this.#cancelTimer = this.#clock.after(ms, () => {
      this.#expire();
      this.#forgetTold();
      if (this.isEmpty) return onEmpty();
      for (const delivery of this.deliveries) delivery.flush(() => this.#alerts.values(), this.#signals);
      this.#flushAfter(this.#route.groupIntervalMs, onEmpty);
    });
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs();
    for (const alert of this.#alerts.values()) {
      if (alert.expiresAtMs !== undefined && alert.expiresAtMs <= nowMs) {
        this.#alerts.set(alert.fingerprint, ended(alert, alert.expiresAtMs));
      }
    }
  }

  #forgetTold(): void {
    // While a notice is under way it may be about to tell that the alert fires.
    if (this.deliveries.some((delivery) => delivery.running !== undefined)) return;
    for (const { fingerprint, status } of this.#alerts.values()) {
      if (status === 'resolved' && !this.wasTold(fingerprint)) this.#alerts.delete(fingerprint);
    }
  }
}
