import type { NotifyGroup } from './group.ts';
import { ended, type HeldAlert } from './held-alert.ts';

// Every alert that is held, by tenant and fingerprint, with the groups it is in: one alert may be in several, and all see the
// same state of it. An alert that no group holds any more is dropped.

export interface StoredAlert {
  readonly tenant: string;
  alert: HeldAlert;
  readonly groups: Set<NotifyGroup>;
}

export interface StoreListener {
  /** A stored alert is new or changed. */
  changed(stored: StoredAlert): void;
  dropped(stored: StoredAlert): void;
}

export class AlertStore {
  readonly #byTenant = new Map<string, Map<string, StoredAlert>>();
  readonly #alertsMax: number;
  readonly #listener: StoreListener;
  #count = 0;

  constructor(alertsMax: number, listener: StoreListener) {
    this.#alertsMax = alertsMax;
    this.#listener = listener;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#alertsMax;
  }

  get(tenant: string, fingerprint: string): StoredAlert | undefined {
    return this.#byTenant.get(tenant)?.get(fingerprint);
  }

  of(tenant: string): Iterable<StoredAlert> {
    return this.#byTenant.get(tenant)?.values() ?? [];
  }

  *all(): Iterable<StoredAlert> {
    for (const alerts of this.#byTenant.values()) yield* alerts.values();
  }

  /** Requires that it is known, or that the store is not full. */
  put(tenant: string, alert: HeldAlert): StoredAlert {
    let alerts = this.#byTenant.get(tenant);
    if (!alerts) {
      alerts = new Map();
      this.#byTenant.set(tenant, alerts);
    }
    let stored = alerts.get(alert.fingerprint);
    // The same labels stay the same object: what is known of them is found by it.
    if (stored) stored.alert = { ...alert, labels: stored.alert.labels };
    else {
      stored = { tenant, alert, groups: new Set() };
      alerts.set(alert.fingerprint, stored);
      this.#count++;
    }
    this.#listener.changed(stored);
    return stored;
  }

  /** Whoever was to be heard of again until now, and was not, has ended. */
  expire(stored: StoredAlert, nowMs: number): void {
    const { expiresAtMs } = stored.alert;
    if (expiresAtMs === undefined || expiresAtMs > nowMs) return;
    stored.alert = ended(stored.alert, expiresAtMs);
    this.#listener.changed(stored);
  }

  /** A group lets go of it. */
  release(stored: StoredAlert, group: NotifyGroup): void {
    stored.groups.delete(group);
    if (stored.groups.size === 0) this.drop(stored);
  }

  drop(stored: StoredAlert): void {
    const alerts = this.#byTenant.get(stored.tenant);
    if (alerts?.get(stored.alert.fingerprint) !== stored) return;
    alerts.delete(stored.alert.fingerprint);
    if (alerts.size === 0) this.#byTenant.delete(stored.tenant);
    this.#count--;
    this.#listener.dropped(stored);
  }
}
