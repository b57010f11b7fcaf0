import type { Labels } from '@tidemark/model';
import type { NotifierPlan, RouteSpec } from './config/plan.ts';
import { isWithin } from './config/time-interval.ts';
import type { Inhibitor } from './inhibit.ts';
import type { Silences } from './silences.ts';

// Why an alert is not told now. A route may be mute for a while, or active only at times; an alert may be inhibited by another,
// or silenced by a person.

export type SuppressionReason = 'inhibition' | 'mute_time_interval' | 'active_time_interval' | 'silence';

export class Suppression {
  readonly #plan: NotifierPlan;
  readonly #inhibitor: Inhibitor;
  readonly #silences: Silences;

  constructor(plan: NotifierPlan, inhibitor: Inhibitor, silences: Silences) {
    this.#plan = plan;
    this.#inhibitor = inhibitor;
    this.#silences = silences;
  }

  silencedBy(tenant: string, labels: Labels, nowMs: number): readonly string[] {
    return this.#silences.silencing(tenant, labels, nowMs);
  }

  inhibitedBy(tenant: string, labels: Labels, nowMs: number): readonly string[] {
    const by = this.#inhibitor.inhibitedBy(tenant, labels, nowMs);
    return by === undefined ? [] : [by];
  }

  /** The intervals that keep a route quiet now: those it is mute in, or, outside of those it is active in, all of these. */
  mutedBy(
    route: RouteSpec,
    nowMs: number,
  ): { readonly reason: SuppressionReason; readonly names: readonly string[] } | undefined {
    const isIn = (name: string) =>
      (this.#plan.timeIntervals.get(name) ?? []).some((interval) => isWithin(interval, nowMs));
    const mute = route.muteIn.filter(isIn);
    if (mute.length > 0) return { reason: 'mute_time_interval', names: mute };
    if (route.activeIn.length === 0 || route.activeIn.some(isIn)) return undefined;
    return { reason: 'active_time_interval', names: route.activeIn };
  }

  /** Of one alert on one route; undefined: it may be told. */
  reasonFor(tenant: string, route: RouteSpec, labels: Labels, nowMs: number): SuppressionReason | undefined {
    if (this.inhibitedBy(tenant, labels, nowMs).length > 0) return 'inhibition';
    return (
      this.mutedBy(route, nowMs)?.reason ?? (this.silencedBy(tenant, labels, nowMs).length > 0 ? 'silence' : undefined)
    );
  }
}
