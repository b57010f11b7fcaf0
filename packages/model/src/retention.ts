import type { Resolution } from './batch/row-batch.ts';
import { METRIC_NAME } from './labels.ts';
import { type Matcher, matcher } from './matcher.ts';

// How long what is stored is kept: a length a tier, and rules for tenants and metrics that want another.
//
//   rules   { metric: debug_.*           raw 1d          }   the first that means a series and names the tier decides
//           { tenant: archive            raw 30d  1m 1y  }
//   else      the defaults               raw 7d   1m 30d  1h 1y
//
// A rule that names some tiers leaves the others to those after it.

export type KeptTier = 'raw' | Resolution;
export const KEPT_TIERS: readonly KeptTier[] = ['raw', '1m', '1h'];

/** By tier, ms. */
export type KeptMs = Readonly<Record<KeptTier, number>>;

export interface RetentionRule {
  /** Absent: every tenant. */
  readonly tenant?: string | undefined;
  /** A metric's whole name has to match (RE2); absent: every metric. */
  readonly metric?: string | undefined;
  readonly keepMs: Partial<KeptMs>;
}

/** What series of several metrics are kept: all as long where both are the same. */
export interface KeptBetween {
  readonly leastMs: number;
  readonly mostMs: number;
}

interface Compiled {
  readonly tenant: string | undefined;
  readonly metric: Matcher | undefined;
  readonly keepMs: Partial<KeptMs>;
}

// Metrics whose lengths are remembered: 200 B each. When there are more, all are asked anew.
const REMEMBERED_MAX = 100_000;
// More names than that in one matcher are not asked one by one.
const NAMES_MAX = 100;

export class Retention {
  #defaults: KeptMs;
  #rules: readonly Compiled[] = [];
  readonly #known = new Map<string, KeptMs>();
  #longest: KeptMs;
  /** Rises with every change. */
  version = 0;

  /** Throws `MATCHER_REGEX_INVALID`. */
  constructor(defaults: KeptMs, rules: readonly RetentionRule[] = []) {
    this.#defaults = defaults;
    this.#longest = defaults;
    this.replace(defaults, rules);
  }

  /** From now on. Throws `MATCHER_REGEX_INVALID`; then nothing has changed. */
  replace(defaults: KeptMs, rules: readonly RetentionRule[]): void {
    this.#rules = rules.map(({ tenant, metric, keepMs }) => ({
      tenant,
      metric: metric === undefined ? undefined : matcher('=~', METRIC_NAME, metric),
      keepMs,
    }));
    this.#defaults = defaults;
    const longest = (tier: KeptTier) => Math.max(defaults[tier], ...rules.map(({ keepMs }) => keepMs[tier] ?? 0));
    this.#longest = { raw: longest('raw'), '1m': longest('1m'), '1h': longest('1h') };
    this.#known.clear();
    this.version++;
  }

  get defaults(): KeptMs {
    return this.#defaults;
  }

  /** Of the series of one metric; '' is that of series without a name. */
  of(tenant: string, metric: string, tier: KeptTier): number {
    if (this.#rules.length === 0) return this.#defaults[tier];
    const key = `${tenant}\0${metric}`;
    let kept = this.#known.get(key);
    if (kept === undefined) {
      kept = this.#decide(tenant, metric);
      if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
      this.#known.set(key, kept);
    }
    return kept[tier];
  }

  /** Of all that a tenant may have. */
  ofTenant(tenant: string, tier: KeptTier): KeptBetween {
    return this.#between(tier, (rule) => rule.tenant === undefined || rule.tenant === tenant);
  }

  /** Of the series that matchers may find: as near as the names in them tell. */
  ofMatchers(tenant: string, matchers: readonly Matcher[], tier: KeptTier): KeptBetween {
    const names = matchers.find(({ name, literals }) => name === METRIC_NAME && literals !== undefined)?.literals;
    if (names === undefined || names.length === 0 || names.length > NAMES_MAX) return this.ofTenant(tenant, tier);
    const lengths = names.map((name) => this.of(tenant, name, tier));
    return { leastMs: Math.min(...lengths), mostMs: Math.max(...lengths) };
  }

  /** The longest of all: nothing older than that is of any use. */
  longestMs(tier: KeptTier): number {
    return this.#longest[tier];
  }

  #decide(tenant: string, metric: string): KeptMs {
    const kept = { ...this.#defaults };
    for (const tier of KEPT_TIERS) {
      const rule = this.#rules.find(
        (one) =>
          one.keepMs[tier] !== undefined &&
          (one.tenant === undefined || one.tenant === tenant) &&
          (one.metric === undefined || one.metric.matches(metric)),
      );
      kept[tier] = rule?.keepMs[tier] ?? kept[tier];
    }
    return kept;
  }

  #between(tier: KeptTier, concerns: (rule: Compiled) => boolean): KeptBetween {
    let leastMs = Number.POSITIVE_INFINITY;
    let mostMs = Number.NEGATIVE_INFINITY;
    const take = (keptMs: number) => {
      leastMs = Math.min(leastMs, keptMs);
      mostMs = Math.max(mostMs, keptMs);
    };
    for (const rule of this.#rules) {
      const keptMs = rule.keepMs[tier];
      if (keptMs === undefined || !concerns(rule)) continue;
      take(keptMs);
      // It means all of them: nothing is left for those after it.
      if (rule.metric === undefined) return { leastMs, mostMs };
    }
    take(this.#defaults[tier]);
    return { leastMs, mostMs };
  }
}
