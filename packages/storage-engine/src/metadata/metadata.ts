import type { MetadataRequest, MetricDescriptions, MetricMetadata } from '@tidemark/model';
import type { SeenMetadata, TenantMetadata } from './codec.ts';

// The latest that sources said of each metric, by tenant.
//
//   tenant -> metric -> entries (type, unit, help), each with when it was said last
//
// Sources repeat what they say (Prometheus every minute, scrapes every ten), so an entry that another of the same metric has
// outlived by an hour is what a source used to say, and goes. What nobody repeats stays for the retention: data outlives its
// source. Bounds: entries of a metric, metrics of a tenant, bytes of all; whatever was said longest ago goes first.

export interface MetadataLimits {
  readonly entriesPerMetric: number;
  readonly metricsPerTenant: number;
  readonly bytesMax: number;
  readonly retentionMs: number;
}

const HOUR_MS = 3_600_000;

export const METADATA_LIMITS: MetadataLimits = {
  entriesPerMetric: 10,
  metricsPerTenant: 50_000,
  // 64 MiB: some half a million entries of a line of help.
  bytesMax: 64 * 1024 * 1024,
  retentionMs: 30 * 24 * HOUR_MS,
};

// How long an entry lives beside one that is still repeated: several times the longest interval at which sources repeat.
const OUTLIVED_MS = HOUR_MS;
// Times alone are worth a new file only when they would be this wrong in the old one.
const STALE_FILE_MS = HOUR_MS / 2;
// Of an entry beside its texts: objects, a place in a map.
const ENTRY_BYTES = 120;

export class Metadata {
  readonly #limits: MetadataLimits;
  /** Entries of a metric: said last at the end. Metrics of a tenant: said last at the end. */
  readonly #tenants = new Map<string, Map<string, SeenMetadata[]>>();
  #bytes = 0;
  #changed = false;
  #savedMs = Number.NEGATIVE_INFINITY;
  #newestMs = Number.NEGATIVE_INFINITY;
  /** Entries that a bound removed. */
  evicted = 0;

  constructor(limits: Partial<MetadataLimits> = {}) {
    this.#limits = { ...METADATA_LIMITS, ...limits };
  }

  get bytes(): number {
    return this.#bytes;
  }

  get metrics(): number {
    let count = 0;
    for (const metrics of this.#tenants.values()) count += metrics.size;
    return count;
  }

  /** Takes what a source said at `seenMs`. The same again only moves its time. */
  apply(tenant: string, said: readonly MetricMetadata[], seenMs: number): void {
    if (said.length === 0) return;
    let metrics = this.#tenants.get(tenant);
    if (metrics === undefined) {
      metrics = new Map();
      this.#tenants.set(tenant, metrics);
    }
    for (const one of said) this.#applyOne(metrics, one, seenMs);
    this.#newestMs = Math.max(this.#newestMs, seenMs);
    while (this.#bytes > this.#limits.bytesMax && this.#evictOldest());
  }

  *list({ tenant, metrics: wanted }: MetadataRequest): Iterable<MetricDescriptions> {
    const metrics = this.#tenants.get(tenant);
    if (metrics === undefined) return;
    if (wanted !== undefined) {
      for (const metric of new Set(wanted)) {
        const entries = metrics.get(metric);
        if (entries !== undefined) yield { metric, entries: entries.toReversed() };
      }
      return;
    }
    for (const [name, entries] of metrics) yield { metric: name, entries: entries.toReversed() };
  }

  /** What a file should hold, if it should be written anew; `saved` says that it was. */
  toSave(): TenantMetadata[] | undefined {
    // Before anything is known both are -Infinity, and their difference is no number.
    if (!this.#changed && !(this.#newestMs - this.#savedMs >= STALE_FILE_MS)) return undefined;
    const oldestMs = this.#newestMs - this.#limits.retentionMs;
    return [...this.#tenants].map(([tenant, metrics]) => ({
      tenant,
      entries: [...metrics.values()].flat().filter(({ seenMs }) => seenMs >= oldestMs),
    }));
  }

  /** Before the file is written: what comes from now on asks for another. */
  saving(): void {
    this.#changed = false;
    this.#savedMs = this.#newestMs;
  }

  /** The file could not be written. */
  notSaved(): void {
    this.#changed = true;
  }

  restore(tenants: readonly TenantMetadata[]): void {
    for (const { tenant, entries } of tenants) {
      for (const { seenMs, ...one } of entries) this.apply(tenant, [one], seenMs);
    }
    this.saving();
  }

  /** Drops what is older than the retention. */
  expire(nowMs: number): void {
    for (const [tenant, metrics] of this.#tenants) {
      for (const [metric, entries] of metrics) {
        const oldestMs = nowMs - this.#limits.retentionMs;
        // Those said last stand at the end: the first that is young enough ends it.
        if ((entries.at(-1)?.seenMs ?? 0) >= oldestMs) break;
        this.#remove(metrics, metric, entries);
      }
      if (metrics.size === 0) this.#tenants.delete(tenant);
    }
  }

  #applyOne(metrics: Map<string, SeenMetadata[]>, one: MetricMetadata, seenMs: number): void {
    const { metric, type, unit, help } = one;
    const before = metrics.get(metric) ?? [];
    const known = before.find((entry) => entry.type === type && entry.unit === unit && entry.help === help);
    const kept = before.filter((entry) => entry !== known && entry.seenMs >= seenMs - OUTLIVED_MS);
    const atMs = Math.max(known?.seenMs ?? seenMs, seenMs);
    kept.push(known === undefined ? { metric, type, unit, help, seenMs: atMs } : { ...known, seenMs: atMs });
    if (kept.length > this.#limits.entriesPerMetric) {
      kept.shift();
      this.evicted++;
    }
    this.#changed ||= known === undefined || kept.length !== before.length;
    for (const entry of before) this.#bytes -= bytesOf(entry);
    for (const entry of kept) this.#bytes += bytesOf(entry);
    metrics.delete(metric);
    metrics.set(metric, kept);
    if (metrics.size > this.#limits.metricsPerTenant) this.#evictFrom(metrics);
  }

  /** Of the tenant that has most metrics: one that sends many names costs itself first. */
  #evictOldest(): boolean {
    let largest: Map<string, SeenMetadata[]> | undefined;
    for (const metrics of this.#tenants.values()) {
      if (metrics.size > (largest?.size ?? 0)) largest = metrics;
    }
    if (largest !== undefined) this.#evictFrom(largest);
    return largest !== undefined;
  }

  #evictFrom(metrics: Map<string, SeenMetadata[]>): void {
    for (const [metric, entries] of metrics) {
      this.evicted += entries.length;
      this.#remove(metrics, metric, entries);
      return;
    }
  }

  #remove(metrics: Map<string, SeenMetadata[]>, metric: string, entries: readonly SeenMetadata[]): void {
    for (const entry of entries) this.#bytes -= bytesOf(entry);
    metrics.delete(metric);
    this.#changed = true;
  }
}

function bytesOf({ metric, unit, help }: SeenMetadata): number {
  return ENTRY_BYTES + 2 * (metric.length + unit.length + help.length);
}
