import { TidemarkError } from '@tidemark/base';
import { parseDuration } from '@tidemark/model';

// What a capacity sum starts from. Each has a name, an option of the command, a default, and after a question to a running
// server where it came from.
//
//   default ── preset ── a server's own figures ── option        whoever comes later wins

export interface Assumptions {
  readonly pools: number;
  /** In each pool. */
  readonly hosts: number;
  readonly seriesPerHost: number;
  /** Counted, instead of pools × hosts × series. */
  readonly series?: number;
  readonly intervalMs: number;
  /** Counted, instead of series ÷ interval. */
  readonly samplesPerSecond?: number;
  /** As a sample arrives with its labels spelled out. */
  readonly wireBytes: number;
  readonly wireDays: number;
  /** By what factor the wire's bytes shrink. */
  readonly compression: number;
  /** As stored: one sample, one row of a rollup. */
  readonly rawBytes: number;
  readonly minuteRowBytes: number;
  readonly hourRowBytes: number;
  readonly rawRetentionMs: number;
  readonly minuteRetentionMs: number;
  readonly hourRetentionMs: number;
  readonly replication: number;
  /** What most questions are about. */
  readonly hotMs: number;
  readonly machineBytes: number;
  /** Unknown until a server has been asked, or it is given. */
  readonly seriesBytes?: number;
}

export type Quantity = keyof Assumptions;

interface QuantitySpec {
  readonly option: string;
  readonly kind: 'count' | 'number' | 'duration';
  readonly about: string;
}

export const QUANTITIES: Readonly<Record<Quantity, QuantitySpec>> = {
  pools: { option: 'pools', kind: 'count', about: 'pools of hosts' },
  hosts: { option: 'hosts', kind: 'count', about: 'hosts, in each pool' },
  seriesPerHost: { option: 'series-per-host', kind: 'count', about: 'series a host' },
  series: { option: 'series', kind: 'count', about: 'series, instead of pools x hosts x series a host' },
  intervalMs: { option: 'interval', kind: 'duration', about: 'time between samples of a series' },
  samplesPerSecond: { option: 'samples-per-second', kind: 'number', about: 'instead of series / interval' },
  wireBytes: { option: 'wire-bytes', kind: 'number', about: 'bytes of a sample as it arrives, labels spelled out' },
  wireDays: { option: 'days', kind: 'number', about: "days of the wire's bytes" },
  compression: { option: 'compression', kind: 'number', about: "factor by which the wire's bytes shrink" },
  rawBytes: { option: 'bytes-per-sample', kind: 'number', about: 'stored bytes of a raw sample' },
  minuteRowBytes: { option: 'bytes-per-1m-row', kind: 'number', about: 'stored bytes of a 1-minute row' },
  hourRowBytes: { option: 'bytes-per-1h-row', kind: 'number', about: 'stored bytes of a 1-hour row' },
  rawRetentionMs: { option: 'retention-raw', kind: 'duration', about: 'how long raw samples are kept' },
  minuteRetentionMs: { option: 'retention-1m', kind: 'duration', about: 'how long 1-minute rows are kept' },
  hourRetentionMs: { option: 'retention-1h', kind: 'duration', about: 'how long 1-hour rows are kept' },
  replication: { option: 'replication', kind: 'count', about: 'copies of everything stored' },
  hotMs: { option: 'hot', kind: 'duration', about: 'the window most questions are about' },
  machineBytes: { option: 'machine-memory', kind: 'number', about: 'bytes of memory of a machine' },
  seriesBytes: { option: 'memory-per-series', kind: 'number', about: 'bytes of memory of a series' },
};

// A sample in Gorilla's coding takes 1.37 B on average, says its paper; a server asked with --url has its own figure.
const GORILLA_BYTES = 1.37;
// count, sum, min, max, first, last, increase: each a column that packs about as a sample does.
const ROW_COLUMNS = 7;

const SHARED: Omit<Assumptions, 'pools' | 'hosts' | 'seriesPerHost'> = {
  intervalMs: 10_000,
  wireBytes: 512,
  wireDays: 30,
  compression: 5,
  rawBytes: GORILLA_BYTES,
  minuteRowBytes: ROW_COLUMNS * GORILLA_BYTES,
  hourRowBytes: ROW_COLUMNS * GORILLA_BYTES,
  rawRetentionMs: parseDuration('7d'),
  minuteRetentionMs: parseDuration('30d'),
  hourRetentionMs: parseDuration('1y'),
  replication: 1,
  hotMs: parseDuration('26h'),
  machineBytes: 64 * 1024 ** 3,
};

export const PRESETS = {
  /** 10,000 hosts of 100 series. */
  fleet: { ...SHARED, pools: 1, hosts: 10_000, seriesPerHost: 100 },
  /** A service for 100 million people a day: 1,000 pools of 100 machines with 100 metrics. */
  platform: { ...SHARED, pools: 1000, hosts: 100, seriesPerHost: 100 },
} as const satisfies Readonly<Record<string, Assumptions>>;

/** An option's text. Throws `ARGUMENT_INVALID`. */
export function readQuantity(quantity: Quantity, text: string): number {
  const { option, kind } = QUANTITIES[quantity];
  const refuse = (wanted: string) =>
    new TidemarkError('ARGUMENT_INVALID', `--${option}: ${JSON.stringify(text)} is no ${wanted}`, { option });
  if (kind === 'duration') {
    let ms = 0;
    try {
      ms = parseDuration(text);
    } catch {
      throw refuse('duration; write it like 10s, 26h, 7d');
    }
    if (ms <= 0) throw refuse('duration above zero');
    return ms;
  }
  const value = text.trim() === '' ? Number.NaN : Number(text.replace(/[_,]/g, ''));
  if (!Number.isFinite(value) || value <= 0) throw refuse('number above zero');
  if (kind === 'count' && !Number.isInteger(value)) throw refuse('whole number');
  return value;
}
