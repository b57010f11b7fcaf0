import type { SelfMetrics } from '@tidemark/base';
import type { Tombstones } from './deletes/tombstones.ts';
import type { Exemplars } from './exemplars/exemplars.ts';
import type { Metadata } from './metadata/metadata.ts';
import type { DiskCacheCounts } from './object-store/disk-cache.ts';
import type { Window } from './partition/window.ts';
import type { Shard } from './shard/shard.ts';
import { collectStats, type TierStats } from './stats.ts';
import type { TenantTotals } from './tiering/manifest.ts';

/** The engine's own metrics, prefix `tidemark_storage_`. */
export interface EngineMetrics {
  readonly checkpointSeconds: { observe(value: number): void };
  readonly sealSeconds: { observe(value: number): void };
  readonly checkpointBytes: { add(amount?: number): void };
  readonly quarantined: { with(what: string): { add(amount?: number): void } };
  readonly retentionSegments: { add(amount?: number): void };
  readonly seriesForgotten: { add(amount?: number): void };
  readonly retentionWindows: { add(amount?: number): void };
  readonly retentionHeld: { set(value: number): void };
  readonly compactions: { add(amount?: number): void };
  readonly compactedSegments: { add(amount?: number): void };
  readonly compactSeconds: { observe(value: number): void };
  readonly reclaimedBytes: { with(reason: string): { add(amount?: number): void } };
  readonly rowsRefused: { add(amount?: number): void };
  readonly histogramsRefused: { add(amount?: number): void };
}

export interface MetricSources {
  readonly shards: () => Iterable<Shard>;
  readonly metadata: Metadata;
  readonly exemplars: Exemplars;
  readonly tombstones: Tombstones;
  /** Active series by tenant. */
  readonly active: () => ReadonlyMap<string, number>;
  /** Bytes in each cache, by what it is of. */
  readonly caches: () => Readonly<Record<string, number>>;
  /** Undefined: there is none. */
  readonly diskCache: DiskCacheCounts | undefined;
  /** Windows that end by then are to be sealed, wall ms. */
  readonly overMs: () => number;
}

export function makeMetrics(metrics: SelfMetrics, sources: MetricSources): EngineMetrics {
  const { shards, metadata, exemplars, tombstones, active, caches, diskCache, overMs } = sources;
  metrics.gaugeFrom(
    'tidemark_storage_metadata_metrics',
    'Metrics of which type, unit or help is known.',
    () => metadata.metrics,
  );
  metrics.gaugeFrom('tidemark_storage_metadata_bytes', 'Memory of what is known of metrics.', () => metadata.bytes);
  metrics.counterFrom('tidemark_storage_metadata_evicted_total', 'Entries removed by a bound.', () => metadata.evicted);
  metrics.gaugeFrom('tidemark_storage_exemplars', 'Exemplars that are kept.', () => exemplars.count);
  metrics.gaugeFrom('tidemark_storage_exemplar_bytes', 'Memory of exemplars.', () => exemplars.bytes);
  metrics.countersFrom(
    'tidemark_storage_exemplars_total',
    'Exemplars that reached storage, by what became of them; and those that went, past their time (expired) or for room (evicted).',
    ['outcome'],
    () => Object.entries(exemplars.counts).map(([outcome, count]) => [[outcome], count] as const),
  );
  const tierGauge = (name: string, help: string, of: (stats: TierStats) => number) =>
    metrics.gaugesFrom(name, help, ['tier'], () =>
      Object.entries(collectStats(shards()).tiers).map(([tier, stats]) => [[tier], of(stats)] as const),
    );
  tierGauge('tidemark_storage_windows', 'Local time windows.', (tier) => tier.windows);
  tierGauge('tidemark_storage_window_bytes', 'Bytes of chunks in local windows.', (tier) => tier.windowBytes);
  const waitingGauge = (name: string, help: string, of: (window: Window) => number) =>
    metrics.gaugesFrom(name, help, ['tier'], () => sumByTier(shards(), overMs(), of));
  waitingGauge(
    'tidemark_storage_waiting_windows',
    'Local windows that are over and not sealed yet: those of late samples for a while, all of them while the object store is away.',
    () => 1,
  );
  waitingGauge(
    'tidemark_storage_waiting_bytes',
    'Bytes of chunks in local windows that are over and not sealed yet.',
    (window) => window.flushedBytes,
  );
  tierGauge('tidemark_storage_segments', 'Sealed segments.', (tier) => tier.segments);
  tierGauge('tidemark_storage_segment_bytes', 'Bytes of sealed segments.', (tier) => tier.segmentBytes);
  tierGauge('tidemark_storage_segment_samples', 'Samples (rows) in segments.', (tier) => tier.segmentSamples);
  tierGauge('tidemark_storage_head_bytes', 'Memory of heads and labels.', (tier) => tier.headBytes);
  metrics.gaugesFrom(
    'tidemark_storage_cache_bytes',
    'Memory of what was read from disk or objects of late: blocks of local windows, ranges of segments, their indexes.',
    ['of'],
    () => Object.entries(caches()).map(([of, bytes]) => [[of], bytes] as const),
  );
  metrics.gaugeFrom(
    'tidemark_storage_disk_cache_bytes',
    'Bytes of pieces of segments that are kept on the disk, where objects are in a bucket.',
    () => diskCache?.bytes ?? 0,
  );
  metrics.countersFrom(
    'tidemark_storage_disk_cache_pieces_total',
    'Pieces of segments, by what became of them: found on the disk, fetched, found damaged, removed for others, not written.',
    ['outcome'],
    () => {
      const { hits = 0, misses = 0, damaged = 0, evicted = 0, unwritten = 0 } = diskCache ?? {};
      return Object.entries({ hit: hits, miss: misses, damaged, evicted, unwritten }).map(
        ([outcome, count]) => [[outcome], count] as const,
      );
    },
  );
  metrics.gaugesFrom(
    'tidemark_storage_active_series',
    'Raw series by tenant that had a sample in the last ten minutes.',
    ['tenant'],
    () => [...active()].map(([tenant, count]) => [[tenant], count] as const),
  );
  metrics.gaugesFrom(
    'tidemark_storage_tenant_segment_samples',
    'Samples (rows) in segments by tier and tenant.',
    ['tier', 'tenant'],
    () => sealedByTenant(shards(), ({ samples }) => samples),
  );
  metrics.gaugesFrom(
    'tidemark_storage_tenant_segment_bytes',
    'Bytes of segments by tier and tenant, indexes and all; of segments before version 2, which do not say it, none.',
    ['tier', 'tenant'],
    () => sealedByTenant(shards(), ({ bytes }) => bytes),
  );
  metrics.gaugesFrom('tidemark_storage_series', 'Series in memory by tenant, all tiers.', ['tenant'], () =>
    [...collectStats(shards()).seriesByTenant].map(([tenant, count]) => [[tenant], count] as const),
  );
  metrics.countersFrom(
    'tidemark_storage_entries_total',
    'Samples and rows that reached storage, by what became of them.',
    ['tier', 'outcome'],
    () => outcomes(shards()),
  );
  metrics.gaugeFrom(
    'tidemark_storage_tombstones',
    'Deletes, of each partition, that are honoured at reads and not reclaimed yet.',
    () => tombstones.count,
  );
  return {
    checkpointSeconds: metrics.histogram('tidemark_storage_checkpoint_seconds', 'Time of a checkpoint of all shards.'),
    sealSeconds: metrics.histogram('tidemark_storage_seal_seconds', 'Time of a seal of all shards.'),
    checkpointBytes: metrics.counter('tidemark_storage_checkpoint_bytes_total', 'Bytes of checkpoint files written.'),
    quarantined: metrics.counters('tidemark_storage_quarantined_total', 'Damaged things found, by kind.', ['what']),
    retentionSegments: metrics.counter('tidemark_storage_retention_segments_total', 'Segments removed by retention.'),
    seriesForgotten: metrics.counter(
      'tidemark_storage_series_forgotten_total',
      'Series that left memory because everything of them is sealed.',
    ),
    retentionWindows: metrics.counter(
      'tidemark_storage_retention_windows_total',
      'Local windows, never sealed, removed by retention.',
    ),
    retentionHeld: metrics.gauge(
      'tidemark_storage_retention_held_segments',
      'Raw segments past their time that stay because the rollup has not read them.',
    ),
    compactions: metrics.counter('tidemark_storage_compactions_total', 'Merges of segments.'),
    compactedSegments: metrics.counter('tidemark_storage_compacted_segments_total', 'Segments merged into others.'),
    compactSeconds: metrics.histogram(
      'tidemark_storage_compact_seconds',
      'Time of a run of compaction, if it did anything.',
    ),
    reclaimedBytes: metrics.counters(
      'tidemark_storage_reclaimed_bytes_total',
      'Bytes of objects removed: past their time, merged into others, or left by a crash.',
      ['reason'],
    ),
    rowsRefused: metrics.counter('tidemark_storage_rows_refused_total', 'Rows with impossible times.'),
    histogramsRefused: metrics.counter(
      'tidemark_storage_histograms_refused_total',
      'Native histograms in records that are none: malformed, or with counts that do not add up.',
    ),
  };
}

function sealedByTenant(
  shards: Iterable<Shard>,
  of: (totals: TenantTotals) => number,
): (readonly [readonly [string, string], number])[] {
  const sums = new Map<string, { tier: string; tenant: string; value: number }>();
  for (const { tier, sealed } of shards) {
    for (const { tenants } of sealed ?? []) {
      for (const totals of tenants) {
        const key = `${tier} ${totals.tenant}`;
        const sum = sums.get(key) ?? { tier, tenant: totals.tenant, value: 0 };
        sum.value += of(totals);
        sums.set(key, sum);
      }
    }
  }
  return [...sums.values()].map(({ tier, tenant, value }) => [[tier, tenant], value] as const);
}

function sumByTier(
  shards: Iterable<Shard>,
  overMs: number,
  of: (window: Window) => number,
): (readonly [readonly [string], number])[] {
  const tiers = { raw: 0, '1m': 0, '1h': 0 };
  for (const shard of shards) {
    for (const window of shard.allWindows()) if (window.endMs <= overMs) tiers[shard.tier] += of(window);
  }
  return Object.entries(tiers).map(([tier, sum]) => [[tier], sum] as const);
}

function outcomes(shards: Iterable<Shard>): (readonly [readonly string[], number])[] {
  const sums = new Map<string, { tier: string; outcome: string; value: number }>();
  const add = (tier: string, outcome: string, value: number) => {
    const key = `${tier} ${outcome}`;
    const sum = sums.get(key) ?? { tier, outcome, value: 0 };
    sum.value += value;
    sums.set(key, sum);
  };
  for (const { tier, counts } of shards) {
    add(tier, 'stored', counts.samples);
    add(tier, 'duplicate', counts.duplicates);
    add(tier, 'conflict', counts.conflicts);
    add(tier, 'out_of_order', counts.outOfOrder);
    add(tier, 'too_old', counts.tooOld);
    add(tier, 'time_invalid', counts.timeInvalid);
    add(tier, 'series_refused', counts.unknownSeries);
    add(tier, 'replayed', counts.replayed);
    add(tier, 'merged_away', counts.mergedAway);
    for (const [reason, count] of counts.refusedSeries) add(tier, `series_${reason}`, count);
  }
  return [...sums.values()].map(({ tier, outcome, value }) => [[tier, outcome], value] as const);
}
