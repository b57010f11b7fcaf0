import { readValue } from '../api/number.ts';
import type { InstantSeries, QueryResult } from '../api/types.ts';
import { oncePerDevice } from './mounts.ts';

export interface FilesystemRow {
  readonly mountpoint: string;
  readonly device: string;
  readonly fstype: string;
  readonly sizeBytes: number;
  readonly availBytes: number;
  /** 0 to 100, of what users may fill. */
  readonly usedPercent: number;
}

function vector(result: QueryResult): readonly InstantSeries[] {
  return result.resultType === 'vector' ? result.result : [];
}

function identity(series: InstantSeries): string {
  return JSON.stringify([series.metric['device'], series.metric['mountpoint']]);
}

/** Sizes and free space joined by device and mount point; file systems of no size are left out. */
export function filesystemRows(size: QueryResult, avail: QueryResult): FilesystemRow[] {
  const free = new Map(vector(avail).map((series) => [identity(series), readValue(series.value?.[1] ?? 'NaN')]));
  return oncePerDevice(vector(size)).flatMap((series) => {
    const sizeBytes = readValue(series.value?.[1] ?? 'NaN');
    const availBytes = free.get(identity(series)) ?? Number.NaN;
    if (!(sizeBytes > 0) || Number.isNaN(availBytes)) return [];
    const { mountpoint = '', device = '', fstype = '' } = series.metric;
    return [{ mountpoint, device, fstype, sizeBytes, availBytes, usedPercent: 100 * (1 - availBytes / sizeBytes) }];
  });
}
