// What retention keeps, by rules of which the first that says anything of a point counts. No product code here.

export interface KeptPoint {
  readonly tenant: string;
  readonly metric: string;
  readonly atMs: number;
  readonly value: number;
}

export interface KeptRule {
  readonly tenant?: string | undefined;
  /** A regex, anchored; absent: all metrics. */
  readonly metric?: string | undefined;
  readonly keepMs: Readonly<Record<string, number | undefined>>;
}

/** How long a point is kept in a tier. */
export function keptMs(
  { tenant, metric }: Pick<KeptPoint, 'tenant' | 'metric'>,
  tier: string,
  rules: readonly KeptRule[],
  defaultMs: number,
): number {
  for (const rule of rules) {
    if (rule.tenant !== undefined && rule.tenant !== tenant) continue;
    if (rule.metric !== undefined && !new RegExp(`^(?:${rule.metric})$`).test(metric)) continue;
    const kept = rule.keepMs[tier];
    if (kept !== undefined) return kept;
  }
  return defaultMs;
}

/** What there is to be had of these metrics of a tenant: `metric time` -> value. */
export function kept(
  log: readonly KeptPoint[],
  { tenant, metrics }: { tenant: string; metrics: readonly string[] },
  tier: string,
  rules: readonly KeptRule[],
  defaultMs: number,
  nowMs: number,
): Map<string, number> {
  const points = new Map<string, number>();
  for (const point of log) {
    if (point.tenant !== tenant || !metrics.includes(point.metric)) continue;
    if (point.atMs < nowMs - keptMs(point, tier, rules, defaultMs)) continue;
    points.set(`${point.metric} ${point.atMs}`, point.value);
  }
  return new Map([...points].sort());
}
