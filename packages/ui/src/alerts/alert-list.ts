import type { ApiAlert, RuleGroup } from '../api/types.ts';

// Alerts in the order a person on call wants them: what fires before what may, newest first within each.

const urgency: Readonly<Record<string, number>> = { firing: 0, pending: 1, inactive: 2 };

function since(alert: ApiAlert): number {
  const ms = Date.parse(alert.activeAt ?? '');
  return Number.isNaN(ms) ? 0 : ms / 1000;
}

export function sortAlerts(alerts: readonly ApiAlert[]): ApiAlert[] {
  return [...alerts].sort((a, b) => (urgency[a.state] ?? 3) - (urgency[b.state] ?? 3) || since(b) - since(a));
}

/** Seconds since the alert's condition began to hold, or undefined when the server doesn't say. */
export function activeSeconds(alert: ApiAlert, now: number): number | undefined {
  const at = since(alert);
  return at === 0 ? undefined : Math.max(0, Math.round(now - at));
}

/** An age in the two largest units: `3 min`, `2 h 5 min`, `4 d 1 h`. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

export interface RuleCounts {
  readonly alerting: number;
  readonly recording: number;
  /** Rules whose last evaluation failed, with the reason. */
  readonly broken: readonly { readonly name: string; readonly reason: string }[];
}

export function countRules(groups: readonly RuleGroup[]): RuleCounts {
  const rules = groups.flatMap((group) => group.rules);
  return {
    alerting: rules.filter((rule) => rule.type === 'alerting').length,
    recording: rules.filter((rule) => rule.type === 'recording').length,
    broken: rules
      .filter((rule) => rule.health === 'err')
      .map((rule) => ({ name: rule.name, reason: rule.lastError ?? 'no reason given' })),
  };
}
