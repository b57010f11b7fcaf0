import { formatDuration } from '@tidemark/model';
import type { Assumptions } from './assumptions.ts';

// The capacity sum, step by step: what is asked for, how it is worked out with the numbers in it, and what comes out.

export type Unit = 'series' | 'samples/s' | 'samples' | 'rows' | 'B/s' | 'B' | 'machines';

export interface Step {
  readonly id: string;
  readonly part: 'load' | 'on the wire' | 'stored' | 'in memory';
  readonly what: string;
  readonly formula: string;
  readonly value: number;
  readonly unit: Unit;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_SECONDS = 86_400;
// 8 B of time and 8 B of value, before any packing.
const UNPACKED_BYTES = 16;

/** All steps, each built on those before it. */
export function capacitySteps(a: Assumptions): Step[] {
  const series = a.series ?? a.pools * a.hosts * a.seriesPerHost;
  const perSecond = a.samplesPerSecond ?? series / (a.intervalMs / 1000);
  return [
    ...load(a, series, perSecond),
    ...wire(a, perSecond),
    ...stored(a, series, perSecond),
    ...memory(a, series, perSecond),
  ];
}

function load(a: Assumptions, series: number, perSecond: number): Step[] {
  const part = 'load';
  const pools = a.pools === 1 ? '' : `${count(a.pools)} pools × `;
  const fleet = `${pools}${count(a.hosts)} hosts × ${count(a.seriesPerHost)} series`;
  const rate = a.samplesPerSecond === undefined ? `${count(series)} ÷ ${formatDuration(a.intervalMs)}` : 'as counted';
  return [
    {
      id: 'series',
      part,
      what: 'series',
      formula: a.series === undefined ? fleet : 'as counted',
      value: series,
      unit: 'series',
    },
    { id: 'samplesPerSecond', part, what: 'samples a second', formula: rate, value: perSecond, unit: 'samples/s' },
    {
      id: 'samplesPerDay',
      part,
      what: 'samples a day',
      formula: `${count(perSecond)} × ${count(DAY_SECONDS)} s`,
      value: perSecond * DAY_SECONDS,
      unit: 'samples',
    },
  ];
}

function wire(a: Assumptions, perSecond: number): Step[] {
  const part = 'on the wire';
  const bytesPerSecond = perSecond * a.wireBytes;
  const perDay = bytesPerSecond * DAY_SECONDS;
  const all = perDay * a.wireDays;
  return [
    {
      id: 'wireBytesPerSecond',
      part,
      what: 'bytes a second, labels spelled out',
      formula: `${count(perSecond)} × ${count(a.wireBytes)} B`,
      value: bytesPerSecond,
      unit: 'B/s',
    },
    {
      id: 'wireBytesPerDay',
      part,
      what: 'bytes a day',
      formula: `${bytes(bytesPerSecond)}/s × ${count(DAY_SECONDS)} s`,
      value: perDay,
      unit: 'B',
    },
    {
      id: 'wireBytes',
      part,
      what: `bytes in ${count(a.wireDays)} days`,
      formula: `${bytes(perDay)} × ${count(a.wireDays)}`,
      value: all,
      unit: 'B',
    },
    {
      id: 'wireBytesCompressed',
      part,
      what: 'the same, compressed',
      formula: `${bytes(all)} ÷ ${count(a.compression)}`,
      value: all / a.compression,
      unit: 'B',
    },
  ];
}

function stored(a: Assumptions, series: number, perSecond: number): Step[] {
  const part = 'stored';
  const rawSamples = (perSecond * a.rawRetentionMs) / 1000;
  const raw = rawSamples * a.rawBytes;
  const minutes = rowSteps('minute', '1m', series, MINUTE_MS, a.minuteRetentionMs, a.rawRetentionMs, a.minuteRowBytes);
  const hours = rowSteps('hour', '1h', series, HOUR_MS, a.hourRetentionMs, a.minuteRetentionMs, a.hourRowBytes);
  const all = raw + minutes.bytes + hours.bytes;
  return [
    {
      id: 'rawSamples',
      part,
      what: 'raw samples kept',
      formula: `${count(perSecond)}/s × ${formatDuration(a.rawRetentionMs)}`,
      value: rawSamples,
      unit: 'samples',
    },
    {
      id: 'rawBytesUnpacked',
      part,
      what: 'raw, not packed',
      formula: `${count(rawSamples)} × ${UNPACKED_BYTES} B`,
      value: rawSamples * UNPACKED_BYTES,
      unit: 'B',
    },
    {
      id: 'rawBytes',
      part,
      what: 'raw, packed',
      formula: `${count(rawSamples)} × ${count(a.rawBytes)} B`,
      value: raw,
      unit: 'B',
    },
    ...minutes.steps,
    ...hours.steps,
    {
      id: 'storedBytes',
      part,
      what: 'all tiers',
      formula: `${bytes(raw)} + ${bytes(minutes.bytes)} + ${bytes(hours.bytes)}`,
      value: all,
      unit: 'B',
    },
    {
      id: 'storedBytesReplicated',
      part,
      what: 'with its copies',
      formula: `${bytes(all)} × ${count(a.replication)}`,
      value: all * a.replication,
      unit: 'B',
    },
  ];
}

/** Rows exist from the first minute on; those `beyond` the finer tier's retention are all there is of that time. */
function rowSteps(
  id: 'minute' | 'hour',
  name: string,
  series: number,
  windowMs: number,
  retentionMs: number,
  finerMs: number,
  rowBytes: number,
): { readonly steps: readonly Step[]; readonly bytes: number } {
  const part = 'stored';
  const kept = Math.floor(retentionMs / windowMs);
  const beyond = Math.max(0, kept - Math.floor(finerMs / windowMs));
  const rows = series * kept;
  const packed = rows * rowBytes;
  const between = `from ${formatDuration(finerMs)} to ${formatDuration(retentionMs)}`;
  const steps: Step[] = [
    {
      id: `${id}Rows`,
      part,
      what: `${name} rows kept`,
      formula: `${count(series)} × ${count(kept)} in ${formatDuration(retentionMs)}`,
      value: rows,
      unit: 'rows',
    },
    {
      id: `${id}RowsBeyond`,
      part,
      what: `${name} rows older than finer data`,
      formula: `${count(series)} × ${count(beyond)} ${between}`,
      value: series * beyond,
      unit: 'rows',
    },
    {
      id: `${id}Bytes`,
      part,
      what: `${name}, packed`,
      formula: `${count(rows)} × ${count(rowBytes)} B`,
      value: packed,
      unit: 'B',
    },
  ];
  return { steps, bytes: packed };
}

function memory(a: Assumptions, series: number, perSecond: number): Step[] {
  const part = 'in memory';
  const hotSamples = (perSecond * a.hotMs) / 1000;
  const hot = hotSamples * a.rawBytes;
  const steps: Step[] = [
    {
      id: 'hotSamples',
      part,
      what: 'samples of the hot window',
      formula: `${count(perSecond)}/s × ${formatDuration(a.hotMs)}`,
      value: hotSamples,
      unit: 'samples',
    },
    {
      id: 'hotBytes',
      part,
      what: 'hot window, packed',
      formula: `${count(hotSamples)} × ${count(a.rawBytes)} B`,
      value: hot,
      unit: 'B',
    },
    {
      id: 'hotMachines',
      part,
      what: 'machines to hold it in memory',
      formula: `${bytes(hot)} ÷ ${bytes(a.machineBytes)}, rounded up`,
      value: Math.ceil(hot / a.machineBytes),
      unit: 'machines',
    },
  ];
  if (a.seriesBytes === undefined) return steps;
  const head = series * a.seriesBytes;
  return [
    ...steps,
    {
      id: 'seriesMemory',
      part,
      what: 'series being written',
      formula: `${count(series)} × ${count(a.seriesBytes)} B`,
      value: head,
      unit: 'B',
    },
  ];
}

/** Digits that matter, with separators: 604,800,000,000; 1.37. */
export function count(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** Powers of a thousand: 4.424 TB. */
export function bytes(value: number): string {
  let unit = 0;
  while (value >= 1000 && unit < SIZES.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(4))} ${SIZES[unit]}`;
}

/** A step's number as one says it: 1 M, 604.8 G, 26.54 TB. */
export function spoken({ value, unit }: Pick<Step, 'value' | 'unit'>): string {
  if (unit === 'B') return bytes(value);
  if (unit === 'B/s') return `${bytes(value)}/s`;
  const SCALES = ['', ' k', ' M', ' G', ' T'];
  let scale = 0;
  while (value >= 1000 && scale < SCALES.length - 1) {
    value /= 1000;
    scale++;
  }
  return `${Number(value.toPrecision(4))}${SCALES[scale]} ${value === 1 && scale === 0 && unit === 'machines' ? 'machine' : unit}`;
}
