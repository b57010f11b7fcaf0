import type { Assumptions, Quantity } from './assumptions.ts';

// A running server's own figures in place of assumptions. What it cannot say yet (nothing stored, nobody wrote) stays assumed,
// and is said.

/** Of /api/v1/status/storage. */
export interface StorageFigures {
  readonly tiers: Readonly<Record<string, TierFigures>>;
}

interface TierFigures {
  readonly windowBytes: number;
  readonly windowSamples: number;
  readonly segmentBytes: number;
  readonly segmentSamples: number;
  readonly headBytes: number;
  readonly series: number;
  readonly retentionMs: number | null;
}

export interface ServerFigures {
  readonly storage: StorageFigures;
  /** `numSeries` of /api/v1/status/tsdb. */
  readonly tsdbSeries: number;
  /** /metrics, as text. */
  readonly metrics: string;
  /** Of its own stored metrics, over some minutes, if it stores them. */
  readonly samplesPerSecond: number | undefined;
  readonly nowSeconds: number;
}

export interface Measured {
  readonly values: Partial<Assumptions>;
  /** What each was read from. */
  readonly origins: ReadonlyMap<Quantity, string>;
  /** What could not be told, for people. */
  readonly notes: readonly string[];
}

export function measuredAssumptions(figures: ServerFigures): Measured {
  const values: { -readonly [Q in Quantity]?: number } = {};
  const origins = new Map<Quantity, string>();
  const notes: string[] = [];
  const take = (quantity: Quantity, value: number | null | undefined, origin: string) => {
    if (value === null || value === undefined || !Number.isFinite(value) || value <= 0) return false;
    values[quantity] = value;
    origins.set(quantity, origin);
    return true;
  };
  const active = sumOf(figures.metrics, 'tidemark_ingest_active_series');
  const series =
    take('series', active, 'tidemark_ingest_active_series') ||
    take('series', figures.tsdbSeries, 'status/tsdb') ||
    take('series', figures.storage.tiers['raw']?.series, 'status/storage');
  if (!series) notes.push('the server has no series yet: the fleet is assumed');
  if (!take('samplesPerSecond', figures.samplesPerSecond, 'tidemark_ingest_samples_total, its rate over 5m')) {
    const upSeconds = figures.nowSeconds - (sumOf(figures.metrics, 'process_start_time_seconds') ?? Number.NaN);
    const taken = sumOf(figures.metrics, 'tidemark_ingest_samples_total') ?? 0;
    const mean = take('samplesPerSecond', taken / upSeconds, 'tidemark_ingest_samples_total, mean since its start');
    if (!mean) notes.push('no samples have come in since the server started: their rate is assumed');
  }
  if (values.series !== undefined && values.samplesPerSecond !== undefined) {
    // For a fleet that is asked about instead of the one there is.
    take('intervalMs', Math.round((values.series / values.samplesPerSecond) * 1000), 'series by samples a second');
  }
  const tiers = [
    ['raw', 'rawBytes', 'rawRetentionMs'],
    ['1m', 'minuteRowBytes', 'minuteRetentionMs'],
    ['1h', 'hourRowBytes', 'hourRetentionMs'],
  ] as const;
  for (const [name, size, retention] of tiers) {
    const tier = figures.storage.tiers[name];
    if (tier === undefined) continue;
    take(retention, tier.retentionMs, 'status/storage');
    const stored = bytesPerEntry(tier);
    if (!stored || !take(size, stored.bytes, `status/storage, ${stored.from}`)) {
      notes.push(`tier ${name} holds nothing but its head yet: its stored bytes are assumed`);
    }
  }
  const headBytes = Object.values(figures.storage.tiers).reduce((sum, tier) => sum + tier.headBytes, 0);
  const inMemory = figures.storage.tiers['raw']?.series ?? 0;
  if (take('seriesBytes', headBytes / inMemory, 'status/storage, heads of all tiers by series of raw')) {
    // Pages of a head are shared out whole.
    const FEW_SERIES = 10_000;
    if (inMemory < FEW_SERIES) notes.push(`with ${inMemory} series the memory of one is mostly room for more`);
  }
  return { values, origins, notes };
}

/** Sealed segments are what lasts; without any, the windows that wait for it. */
function bytesPerEntry(tier: TierFigures): { readonly bytes: number; readonly from: string } | undefined {
  if (tier.segmentSamples > 0) return { bytes: tier.segmentBytes / tier.segmentSamples, from: 'sealed segments' };
  if (tier.windowSamples > 0) return { bytes: tier.windowBytes / tier.windowSamples, from: 'windows not sealed yet' };
  return undefined;
}

/** The sum over all series of one metric of a text page; undefined when there is none. */
export function sumOf(metrics: string, name: string): number | undefined {
  let sum: number | undefined;
  for (const line of metrics.split('\n')) {
    if (!line.startsWith(name)) continue;
    const rest = line.slice(name.length);
    if (rest[0] !== ' ' && rest[0] !== '{') continue;
    sum = (sum ?? 0) + Number(rest.slice(rest.lastIndexOf(' ') + 1));
  }
  return sum;
}
