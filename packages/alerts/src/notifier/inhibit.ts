import { type Labels, labelValue } from '@tidemark/model';
import type { StoredAlert } from './alert-store.ts';
import type { InhibitRule } from './config/plan.ts';

// An alert that matches a rule's target is suppressed while another that matches its source fires, and both have the same
// values of the labels in `equal` (missing ones count as equal when both miss them).
//
// An alert that matches both sides is no source for others that do: else two of them would silence each other, or one itself.
// The sources of a rule are kept by their values of `equal`, so asking costs one look-up a rule.

interface RuleIndex {
  readonly rule: InhibitRule;
  /** tenant and values -> sources by fingerprint. */
  readonly sources: Map<string, Map<string, StoredAlert>>;
}

export class Inhibitor {
  readonly #rules: readonly RuleIndex[];

  constructor(rules: readonly InhibitRule[]) {
    this.#rules = rules.map((rule) => ({ rule, sources: new Map() }));
  }

  /** A stored alert is new or changed. */
  changed(stored: StoredAlert): void {
    if (stored.alert.status === 'firing') this.#add(stored);
    else this.dropped(stored);
  }

  dropped(stored: StoredAlert): void {
    const { tenant, alert } = stored;
    for (const { rule, sources } of this.#rules) {
      const key = keyOf(rule, tenant, alert.labels);
      const same = sources.get(key);
      if (same?.delete(alert.fingerprint) && same.size === 0) sources.delete(key);
    }
  }

  /** The fingerprint of an alert that suppresses one with these labels; undefined: none does. */
  inhibitedBy(tenant: string, labels: Labels, nowMs: number): string | undefined {
    for (const { rule, sources } of this.#rules) {
      if (!matches(rule.targets, labels)) continue;
      const isSource = matches(rule.sources, labels);
      for (const { alert } of sources.get(keyOf(rule, tenant, labels))?.values() ?? []) {
        if (alert.expiresAtMs !== undefined && alert.expiresAtMs <= nowMs) continue;
        if (isSource && matches(rule.targets, alert.labels)) continue;
        return alert.fingerprint;
      }
    }
    return undefined;
  }

  #add(stored: StoredAlert): void {
    const { tenant, alert } = stored;
    for (const { rule, sources } of this.#rules) {
      if (!matches(rule.sources, alert.labels)) continue;
      const key = keyOf(rule, tenant, alert.labels);
      let same = sources.get(key);
      if (!same) {
        same = new Map();
        sources.set(key, same);
      }
      same.set(alert.fingerprint, stored);
    }
  }
}

function matches(matchers: InhibitRule['targets'], labels: Labels): boolean {
  return matchers.every((one) => one.matches(labelValue(labels, one.name)));
}

function keyOf(rule: InhibitRule, tenant: string, labels: Labels): string {
  return JSON.stringify([tenant, ...rule.equal.map((name) => labelValue(labels, name))]);
}
