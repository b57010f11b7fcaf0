import type { Tier } from './head/resolve.ts';
import type { ShardCounts } from './shard/counts.ts';
import type { Shard } from './shard/shard.ts';

/** What there is, for status pages and metrics. Numbers of samples count rows in the rollup tiers. */
export interface StorageStats {
  readonly tiers: Readonly<Record<Tier, TierStats>>;
  /** Series in memory by tenant, all tiers. */
  readonly seriesByTenant: ReadonlyMap<string, number>;
  readonly shards: readonly ShardStats[];
  /** Deletes, of each partition, that are not reclaimed yet. */
  readonly deletes: number;
}

export interface TierStats {
  readonly windows: number;
  readonly windowBytes: number;
  readonly windowSamples: number;
  readonly segments: number;
  readonly segmentBytes: number;
  readonly segmentSamples: number;
  readonly headBytes: number;
  readonly series: number;
  /** Beginning of the oldest and end of the newest window or segment; undefined when there is none. */
  readonly range: { readonly startMs: number; readonly endMs: number } | undefined;
}

export interface ShardStats {
  readonly topic: string;
  readonly partition: number;
  readonly tier: Tier;
  readonly position: number;
  readonly durablePosition: number;
  readonly series: number;
  readonly pendingBytes: number;
  readonly outOfOrderWaiting: number;
  readonly damagedWindows: number;
  readonly counts: Readonly<ShardCounts>;
}

export function collectStats(shards: Iterable<Shard>): Omit<StorageStats, 'deletes'> {
  const tiers: Record<Tier, TierStats> = { raw: emptyTier(), '1m': emptyTier(), '1h': emptyTier() };
  const seriesByTenant = new Map<string, number>();
  const list: ShardStats[] = [];
  for (const shard of shards) {
    const windows = [...shard.allWindows()];
    const before = tiers[shard.tier];
    const sum = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((total, item) => total + of(item), 0);
    const sealed = shard.sealed ?? [];
    tiers[shard.tier] = {
      windows: before.windows + windows.length,
      windowBytes: before.windowBytes + sum(windows, (window) => window.flushedBytes),
      windowSamples: before.windowSamples + sum(windows, (window) => window.samples),
      segments: before.segments + sealed.length,
      segmentBytes: before.segmentBytes + sum(sealed, (entry) => entry.bytes),
      segmentSamples: before.segmentSamples + sum(sealed, (entry) => sum(entry.tenants, ({ samples }) => samples)),
      headBytes: before.headBytes + shard.head.bytes + shard.registry.labelPoolBytes,
      series: before.series + shard.registry.count,
      range: [...windows, ...sealed].reduce(widened, before.range),
    };
    for (const tenant of shard.registry.tenants()) {
      seriesByTenant.set(tenant.name, (seriesByTenant.get(tenant.name) ?? 0) + tenant.count);
    }
    list.push({
      ...shard.name,
      tier: shard.tier,
      position: shard.position,
      durablePosition: shard.durablePosition,
      series: shard.registry.count,
      pendingBytes: shard.pendingBytes,
      outOfOrderWaiting: shard.head.outOfOrder.count,
      damagedWindows: windows.filter((window) => window.damage.length > 0).length,
      counts: shard.counts,
    });
  }
  return { tiers, seriesByTenant, shards: list };
}

function emptyTier(): TierStats {
  return {
    windows: 0,
    windowBytes: 0,
    windowSamples: 0,
    segments: 0,
    segmentBytes: 0,
    segmentSamples: 0,
    headBytes: 0,
    series: 0,
    range: undefined,
  };
}

function widened(range: TierStats['range'], { startMs, endMs }: NonNullable<TierStats['range']>): TierStats['range'] {
  if (range === undefined) return { startMs, endMs };
  return { startMs: Math.min(range.startMs, startMs), endMs: Math.max(range.endMs, endMs) };
}
