// What one host of a noisy fleet exposes: five hundred series in the shape node_exporter gives them, none of them kinder than
// life. A quarter stands still (error counters, modes a CPU is never in, sizes of disks); what moves, moves in every scrape.

/** How the values of a series move; gen/noisy.ts says what each does. */
export type NoisyMotion =
  | { readonly kind: 'constant'; readonly value: number }
  /** Grows by whole numbers around `perScrape`, none like the one before. */
  | { readonly kind: 'counter'; readonly perScrape: number }
  /** Seconds that grow, with two decimals. */
  | { readonly kind: 'seconds'; readonly perScrape: number }
  /** Within `spread` of a level that moves slowly around `around`, in whole `grain`s; a grain below 1 is a decimal. */
  | { readonly kind: 'gauge'; readonly around: number; readonly spread: number; readonly grain: number }
  /** Part of a classic histogram: bucket number, count or sum. Parts stand in this order, buckets first. */
  | { readonly kind: 'histogram'; readonly part: number | 'count' | 'sum' };

export interface NoisyTemplate {
  readonly name: string;
  readonly device: string;
  readonly mode: string;
  readonly motion: NoisyMotion;
}

const GIB = 1024 ** 3;
const PAGE = 4096;
const BOUNDS = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'];
/** Observations a bucket gets by itself in a scrape, about. */
export const BUCKET_RATES: readonly number[] = [60, 40, 25, 12, 6, 3, 1.5, 0.6, 0.2, 0.1, 0.05, 0.02];

const CPU_MODES: readonly (readonly [string, number])[] = [
  ['idle', 7.5],
  ['iowait', 0.2],
  ['irq', 0],
  ['nice', 0],
  ['softirq', 0.15],
  ['steal', 0],
  ['system', 0.7],
  ['user', 1.4],
];
const DISK: readonly (readonly [string, NoisyMotion])[] = [
  ['reads_completed_total', counter(40)],
  ['writes_completed_total', counter(120)],
  ['read_bytes_total', counter(600_000)],
  ['written_bytes_total', counter(1_500_000)],
  ['reads_merged_total', counter(4)],
  ['writes_merged_total', counter(35)],
  ['read_time_seconds_total', { kind: 'seconds', perScrape: 0.4 }],
  ['write_time_seconds_total', { kind: 'seconds', perScrape: 1.3 }],
  ['io_time_seconds_total', { kind: 'seconds', perScrape: 0.9 }],
  ['io_time_weighted_seconds_total', { kind: 'seconds', perScrape: 2 }],
  ['discards_completed_total', constant(0)],
  ['io_now', { kind: 'gauge', around: 2, spread: 4, grain: 1 }],
];
const NETWORK: readonly (readonly [string, number])[] = [
  ['bytes_total', 900_000],
  ['packets_total', 2500],
  ['multicast_total', 2],
  ['errs_total', 0],
  ['drop_total', 0],
  ['fifo_total', 0],
  ['frame_total', 0],
  ['compressed_total', 0],
];

/** Five hundred series, in the order in which a host exposes them: metric by metric. */
export function noisyTemplates(): NoisyTemplate[] {
  return [
    ...CPU_MODES.flatMap(([mode, perScrape]) =>
      times(16, (cpu) => one('node_cpu_seconds_total', `cpu${cpu}`, mode, seconds(perScrape))),
    ),
    ...times(45, (i) => one(`node_memory_kind${i}_bytes`, 'ram', `kind${i}`, memory(i))),
    ...DISK.flatMap(([what, motion]) => times(4, (i) => one(`node_disk_${what}`, `sd${i}`, 'disk', motion))),
    ...NETWORK.flatMap(([what, perScrape]) =>
      ['receive', 'transmit'].flatMap((way) =>
        times(4, (i) => one(`node_network_${way}_${what}`, `eth${i}`, way, counter(perScrape / (i + 1)))),
      ),
    ),
    ...times(8, (i) => one('node_filesystem_size_bytes', `sda${i}`, 'ext4', constant((i + 1) * 50 * GIB))),
    ...times(8, (i) =>
      one('node_filesystem_avail_bytes', `sda${i}`, 'ext4', gauge((i + 1) * 20 * GIB, PAGE * 40, PAGE)),
    ),
    ...times(8, (i) => one('node_filesystem_files', `sda${i}`, 'ext4', constant((i + 1) * 3_276_800))),
    ...times(8, (i) => one('node_filesystem_files_free', `sda${i}`, 'ext4', gauge(3_000_000, 8, 1))),
    ...times(8, (i) => one('node_filesystem_readonly', `sda${i}`, 'ext4', constant(0))),
    ...times(40, (i) =>
      one(`node_netstat_counter${i}_total`, 'ip', `kind${i}`, counter(i % 4 === 0 ? 0 : 12 * (i + 1))),
    ),
    ...times(8, (i) => one('node_hwmon_temp_celsius', `chip${i >> 2}`, `temp${i & 3}`, gauge(52, 3, 0.1))),
    ...times(8, (i) => one('node_cpu_scaling_frequency_hertz', `cpu${i}`, 'scaling', gauge(2.6e9, 4e8, 1000))),
    ...['load1', 'load5', 'load15'].map((name, i) => one(`node_${name}`, 'host', name, gauge(6, 2 / (i + 1), 0.01))),
    ...times(9, (i) => one('node_power_supply_volts', `psu${i}`, 'volts', gauge(12, 0.4, 0.01))),
    ...times(6, (i) => one('node_pressure_seconds_total', `cgroup${i}`, 'waiting', seconds(0.3))),
    ...histograms(6),
    ...['node_boot_time_seconds', 'node_os_info', 'node_uname_info', 'up'].map((name, i) =>
      one(name, 'host', 'info', constant(i === 0 ? 1_760_000_000 : 1)),
    ),
    ...times(13, (i) => one(`process_kind${i}`, 'exporter', 'process', gauge(40 + 10 * i, 6, 1))),
  ];
}

function histograms(handlers: number): NoisyTemplate[] {
  const name = 'http_request_duration_seconds';
  return times(handlers, (handler) => [
    ...BOUNDS.map((le, part) => one(`${name}_bucket`, `handler${handler}`, le, { kind: 'histogram', part })),
    one(`${name}_count`, `handler${handler}`, 'GET', { kind: 'histogram', part: 'count' }),
    one(`${name}_sum`, `handler${handler}`, 'GET', { kind: 'histogram', part: 'sum' }),
  ]).flat();
}

function memory(i: number): NoisyMotion {
  if (i % 9 === 0) return constant(16 * GIB);
  return gauge((4 * GIB) / (i + 1), PAGE * (i % 3 === 0 ? 2000 : 60), PAGE);
}

function one(name: string, device: string, mode: string, motion: NoisyMotion): NoisyTemplate {
  return { name, device, mode, motion };
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function constant(value: number): NoisyMotion {
  return { kind: 'constant', value };
}

function counter(perScrape: number): NoisyMotion {
  return perScrape === 0 ? constant(0) : { kind: 'counter', perScrape };
}

function seconds(perScrape: number): NoisyMotion {
  return perScrape === 0 ? constant(0) : { kind: 'seconds', perScrape };
}

function gauge(around: number, spread: number, grain: number): NoisyMotion {
  return { kind: 'gauge', around, spread, grain };
}
