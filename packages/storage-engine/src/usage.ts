import { metricNameOf } from '@tidemark/model';
import type { ChunkTable } from './head/chunk-table.ts';
import { NO_WINDOW } from './head/head.ts';
import { TIERS, type Tier } from './head/resolve.ts';
import type { Turns } from './read/turns.ts';
import type { MetricTotals } from './segment/metrics.ts';
import type { Segments } from './segment/segments.ts';
import type { Shard } from './shard/shard.ts';
import type { SegmentEntry } from './tiering/manifest.ts';

// What a tenant's metrics take.
//
//   segments   the manifest says what the tenant takes, as it is stored, index and all; the segment how its metrics share that: by
//              their chunks before compression. Of segments before version 2: chunks alone
//   windows    chunks, as the tables in memory name them
//
// Not counted is what is in memory alone, and LevelDB's own.

export interface UsageRequest {
  readonly tenant: string;
  /** Of the metrics that take most. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface Taken {
  readonly bytes: number;
  /** Rows, in the rollup tiers. */
  readonly samples: number;
}

export interface MetricUsage {
  readonly metric: string;
  readonly bytes: number;
  readonly tiers: Readonly<Record<Tier, Taken>>;
}

export interface Usage {
  /** Those that take most, first. */
  readonly metrics: readonly MetricUsage[];
  /** How many there are. */
  readonly count: number;
  /** Of all of them. */
  readonly tiers: Readonly<Record<Tier, Taken>>;
  /** What could not be counted. */
  readonly warnings: readonly string[];
}

/** Two numbers for each tier, bytes and samples. */
type Sums = Float64Array;

/** Requires: numbers of series stay as they are. Throws the signal's reason. */
export async function countUsage(
  shards: readonly Shard[],
  segments: Segments,
  { tenant, limit }: UsageRequest,
  turns: Turns,
): Promise<Usage> {
  const metrics = new Map<string, Sums>();
  const warnings = new Set<string>();
  const sumsOf = (metric: string): Sums => {
    let sums = metrics.get(metric);
    if (sums === undefined) {
      sums = new Float64Array(TIERS.length * 2);
      metrics.set(metric, sums);
    }
    return sums;
  };
  // Of one moment: what is sealed meanwhile is counted as the window it was.
  const parts = shards.map((shard) => ({ shard, tables: tablesOf(shard), sealed: shard.sealed ?? [] }));
  for (const { shard, tables, sealed } of parts) {
    const at = TIERS.indexOf(shard.tier) * 2;
    for (const ref of shard.registry.tenant(tenant)?.refs() ?? []) {
      if (turns.due()) await turns.take();
      addTables(sumsOf(metricNameOf(shard.registry.labelBytes(ref))), at, tables, ref);
    }
    for (const entry of sealed) {
      turns.check();
      const chunks = await segments.metrics(entry, tenant, warnings, turns);
      for (const { metric, bytes, samples } of chunks === undefined ? [] : asStored(entry, tenant, chunks)) {
        add(sumsOf(metric), at, bytes, samples);
      }
    }
  }
  const all = new Float64Array(TIERS.length * 2);
  const list: MetricUsage[] = [];
  for (const [metric, sums] of metrics) {
    const tiers = tiersOf(sums);
    const bytes = TIERS.reduce((sum, tier) => sum + tiers[tier].bytes, 0);
    if (bytes === 0) continue;
    for (let i = 0; i < sums.length; i++) all[i] = (all[i] as number) + (sums[i] as number);
    list.push({ metric, bytes, tiers });
  }
  list.sort((a, b) => b.bytes - a.bytes || (a.metric < b.metric ? -1 : 1));
  return { metrics: list.slice(0, limit), count: list.length, tiers: tiersOf(all), warnings: [...warnings] };
}

function tablesOf(shard: Shard): ChunkTable[] {
  return [...shard.allWindows()].flatMap((window) => [
    window.table,
    ...window.flushing.map(({ table }) => table),
    window.pending.table,
  ]);
}

function addTables(sums: Sums, at: number, tables: readonly ChunkTable[], ref: number): void {
  for (const table of tables) {
    for (let chunk = table.last(ref); chunk >= 0; chunk = table.previous(chunk)) {
      add(sums, at, table.length(chunk), table.samples(chunk));
    }
  }
}

/** The tenant's bytes, shared by its chunks. */
function asStored({ tenants }: SegmentEntry, tenant: string, metrics: readonly MetricTotals[]): MetricTotals[] {
  const stored = tenants.find((one) => one.tenant === tenant)?.bytes ?? 0;
  const chunks = metrics.reduce((sum, { bytes }) => sum + bytes, 0);
  if (stored === 0 || chunks === 0) return [...metrics];
  return metrics.map((one) => ({ ...one, bytes: Math.round((one.bytes / chunks) * stored) }));
}

function add(sums: Sums, at: number, bytes: number, samples: number): void {
  sums[at] = (sums[at] as number) + bytes;
  sums[at + 1] = (sums[at + 1] as number) + samples;
}

function tiersOf(sums: Sums): Record<Tier, Taken> {
  const taken = (tier: Tier): Taken => {
    const at = TIERS.indexOf(tier) * 2;
    return { bytes: sums[at] as number, samples: sums[at + 1] as number };
  };
  return { raw: taken('raw'), '1m': taken('1m'), '1h': taken('1h') };
}

/**
 * Raw series by tenant that have a sample at or after `sinceMs`. A metric that began to travel as critical a moment ago is in two
 * partitions of raw, and its series count twice until they are still in one.
 */
export function activeSeries(shards: Iterable<Shard>, sinceMs: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { tier, registry, head } of shards) {
    if (tier !== 'raw') continue;
    for (const tenant of registry.tenants()) counts.set(tenant.name, counts.get(tenant.name) ?? 0);
    const { windowOf, last } = head.state;
    for (let ref = 0; ref < Math.min(registry.count, last.length); ref++) {
      if (last[ref] === 0 || windowOf[ref] === NO_WINDOW || head.lastMs(ref) < sinceMs) continue;
      const { name } = registry.tenantOf(ref);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return counts;
}
