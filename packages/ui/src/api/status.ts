import { absentAs, call, send } from './call.ts';
import { ApiError } from './error.ts';

// What the server says of itself. Each part may be absent: it then is undefined, and the page says so in its place.

export interface BuildInfo {
  readonly version: string;
  readonly revision?: string;
  /** Tidemark's own, where `version` says which Prometheus it answers like. */
  readonly tidemarkVersion?: string;
}

export interface Counted {
  readonly name: string;
  readonly value: number;
}

export interface TsdbStatus {
  readonly headStats: {
    readonly numSeries: number;
    readonly numLabelPairs?: number;
    readonly chunkCount?: number;
    /** Milliseconds since the epoch. */
    readonly minTime?: number;
    readonly maxTime?: number;
  };
  readonly seriesCountByMetricName: readonly Counted[];
  readonly labelValueCountByLabelName: readonly Counted[];
  readonly memoryInBytesByLabelName: readonly Counted[];
  readonly seriesCountByLabelValuePair: readonly Counted[];
}

async function part<T>(path: string, signal: AbortSignal): Promise<T | undefined> {
  const asked = call<T>(`status/${path}`, new URLSearchParams(), signal).then((answer) => answer.data);
  return absentAs<T | undefined>(undefined, asked);
}

export function buildInfo(signal: AbortSignal): Promise<BuildInfo | undefined> {
  return part<BuildInfo>('buildinfo', signal);
}

/** Keys and values as the server names them: start time, working folder, retention, ... */
export function runtimeInfo(signal: AbortSignal): Promise<Readonly<Record<string, unknown>> | undefined> {
  return part('runtimeinfo', signal);
}

export function flags(signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined> {
  return part('flags', signal);
}

export async function configYaml(signal: AbortSignal): Promise<string | undefined> {
  return (await part<{ yaml?: string }>('config', signal))?.yaml;
}

export async function tsdbStatus(limit: number, signal: AbortSignal): Promise<TsdbStatus | undefined> {
  const params = new URLSearchParams({ limit: String(limit) });
  const asked = call<TsdbStatus>('status/tsdb', params, signal).then((answer) => answer.data);
  return absentAs<TsdbStatus | undefined>(undefined, asked);
}

/** The exposition of the server's own metrics. */
export async function ownMetrics(signal: AbortSignal): Promise<string> {
  const { status, body } = await send('metrics', { signal });
  if (status !== 200) {
    throw new ApiError({ kind: 'not_prometheus', status, message: `/metrics answered with HTTP ${status}` });
  }
  return body;
}

export interface TierSizes {
  readonly windows: number;
  readonly windowBytes: number;
  readonly windowSamples: number;
  readonly segments: number;
  readonly segmentBytes: number;
  readonly segmentSamples: number;
  readonly headBytes: number;
  readonly series: number;
  /** Milliseconds since the epoch; null while there is nothing. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  readonly retentionMs: number | null;
}

export interface StoredPartition {
  readonly topic: string;
  readonly partition: number;
  readonly tier: string;
  readonly end: number;
  readonly position: number;
  readonly durablePosition: number;
  /** Records of the log that storage has not read yet. */
  readonly lag: number;
  readonly damagedWindows: number;
}

/** Tidemark's own: where the bytes are, and how far storage is behind the log. */
export interface StorageStatus {
  readonly tiers: Readonly<Record<string, TierSizes>>;
  readonly seriesByTenant: readonly { readonly tenant: string; readonly series: number }[];
  readonly partitions: readonly StoredPartition[];
}

export function storageStatus(signal: AbortSignal): Promise<StorageStatus | undefined> {
  return part<StorageStatus>('storage', signal);
}
