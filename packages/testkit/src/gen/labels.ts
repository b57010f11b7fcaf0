import { type Labels, labelsOf } from '@tidemark/model';

// What one host exposes, in the shape node_exporter gives it: about a hundred series whose labels repeat from host to
// host, as they do in a fleet. The shape decides what batches, dictionaries and codecs are good at, so it is kept close
// to the real thing: many counters, few of them busy; gauges that are whole pages or two decimals; buckets that add up.

/** How the values of a series move; gen/samples.ts says what each does. */
export type Motion =
  /** Grows by whole numbers around `perScrape`; many grow by nothing at all. */
  | { readonly kind: 'counter'; readonly perScrape: number }
  /** Seconds that grow with two decimals, at most `perScrape` of them. */
  | { readonly kind: 'seconds'; readonly perScrape: number }
  /** Walks around `around` in steps of `grain`. */
  | { readonly kind: 'gauge'; readonly around: number; readonly grain: number }
  | { readonly kind: 'constant'; readonly value: number }
  /** One part of a classic histogram: bucket number, or its count or sum. All parts with one `family` move together. */
  | { readonly kind: 'histogram'; readonly family: number; readonly part: number | 'count' | 'sum' };

export interface SeriesTemplate {
  /** Without the target's labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly motion: Motion;
}

export const BUCKET_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

const CPU_MODES = ['idle', 'iowait', 'irq', 'nice', 'softirq', 'steal', 'system', 'user'];
const CPU_SHARE = [0.9, 0.01, 0, 0.001, 0.005, 0, 0.03, 0.05];
const MEMORY = ['MemTotal', 'MemFree', 'MemAvailable', 'Buffers', 'Cached', 'Active', 'Inactive', 'Dirty', 'Slab'];
const DISK_COUNTERS = ['reads_completed_total', 'writes_completed_total', 'read_bytes_total', 'written_bytes_total'];
const NET_COUNTERS = ['bytes_total', 'packets_total', 'errs_total', 'drop_total'];
const MOUNTS = ['/', '/boot', '/var/lib'];
const GIB = 1024 ** 3;

/** The series of one host, in the order it exposes them. */
export function hostTemplates(options: { cpus: number; handlers: number }): SeriesTemplate[] {
  return [
    ...cpu(options.cpus),
    ...memory(),
    ...disks(['sda', 'sdb']),
    ...filesystems(),
    ...network(['eth0', 'lo']),
    ...loads(),
    ...constants(),
    ...histograms(options.handlers),
  ];
}

/** Full labels of a template on a host. */
export function targetLabels(template: SeriesTemplate, host: number): Labels {
  const instance = `node-${String(host).padStart(5, '0')}.example:9100`;
  return labelsOf({ ...template.labels, instance, job: 'node' });
}

function one(name: string, labels: Record<string, string>, motion: Motion): SeriesTemplate {
  return { labels: { __name__: name, ...labels }, motion };
}

function cpu(cpus: number): SeriesTemplate[] {
  return Array.from({ length: cpus }, (_, core) =>
    CPU_MODES.map((mode, i) =>
      one(
        'node_cpu_seconds_total',
        { cpu: String(core), mode },
        { kind: 'seconds', perScrape: 10 * (CPU_SHARE[i] ?? 0) },
      ),
    ),
  ).flat();
}

function memory(): SeriesTemplate[] {
  return MEMORY.map((what, i) =>
    one(
      `node_memory_${what}_bytes`,
      {},
      what === 'MemTotal'
        ? { kind: 'constant', value: 16 * GIB }
        : { kind: 'gauge', around: (GIB * 4) / (i + 1), grain: 4096 },
    ),
  );
}

function disks(devices: readonly string[]): SeriesTemplate[] {
  return devices.flatMap((device, i) => [
    ...DISK_COUNTERS.map((what) =>
      one(
        `node_disk_${what}`,
        { device },
        { kind: 'counter', perScrape: (what.endsWith('bytes_total') ? 400_000 : 30) / (1 + 10 * i) },
      ),
    ),
    one('node_disk_io_time_seconds_total', { device }, { kind: 'seconds', perScrape: 0.4 }),
    one('node_disk_io_now', { device }, { kind: 'gauge', around: 1, grain: 1 }),
  ]);
}

function filesystems(): SeriesTemplate[] {
  return MOUNTS.flatMap((mountpoint, i) => {
    const labels = { device: `/dev/sda${i + 1}`, fstype: 'ext4', mountpoint };
    return [
      one('node_filesystem_size_bytes', labels, { kind: 'constant', value: 100 * GIB }),
      one('node_filesystem_avail_bytes', labels, { kind: 'gauge', around: 60 * GIB, grain: 4096 }),
      one('node_filesystem_files_free', labels, { kind: 'gauge', around: 6_000_000, grain: 1 }),
      one('node_filesystem_readonly', labels, { kind: 'constant', value: 0 }),
    ];
  });
}

function network(devices: readonly string[]): SeriesTemplate[] {
  return devices.flatMap((device) =>
    ['receive', 'transmit'].flatMap((way) =>
      NET_COUNTERS.map((what) =>
        one(
          `node_network_${way}_${what}`,
          { device },
          { kind: 'counter', perScrape: { bytes_total: 250_000, packets_total: 900 }[what] ?? 0 },
        ),
      ),
    ),
  );
}

function loads(): SeriesTemplate[] {
  return ['node_load1', 'node_load5', 'node_load15'].map((name) =>
    one(name, {}, { kind: 'gauge', around: 0.8, grain: 0.01 }),
  );
}

function constants(): SeriesTemplate[] {
  return [
    one('node_boot_time_seconds', {}, { kind: 'constant', value: 1_760_000_000 }),
    one(
      'node_uname_info',
      { machine: 'x86_64', release: '6.1.0-18-amd64', sysname: 'Linux' },
      { kind: 'constant', value: 1 },
    ),
    one('up', {}, { kind: 'constant', value: 1 }),
  ];
}

function histograms(handlers: number): SeriesTemplate[] {
  const name = 'http_request_duration_seconds';
  return Array.from({ length: handlers }, (_, family) => {
    const labels = { handler: `/api/v1/handler-${family}`, method: 'GET' };
    const bounds = [...BUCKET_BOUNDS.map(String), '+Inf'];
    return [
      ...bounds.map((le, part) => one(`${name}_bucket`, { ...labels, le }, { kind: 'histogram', family, part })),
      one(`${name}_count`, labels, { kind: 'histogram', family, part: 'count' }),
      one(`${name}_sum`, labels, { kind: 'histogram', family, part: 'sum' }),
    ];
  }).flat();
}
