// Synthetic metrics for working on the page without a server: every value is a function of the time asked for, so any range
// has data, equal questions get equal answers, and what is "now" moves.

export type Labels = Record<string, string>;

export interface FakeSeries {
  readonly labels: Labels;
  /** The value at a time in seconds, or null where the series has a gap. */
  readonly at: (seconds: number) => number | null;
}

const hosts = ['web-1:9470', 'db-1:9470'];
const GiB = 2 ** 30;

/** A smooth wander between 0 and 1, different for each seed: three sines of unrelated periods. */
export function wander(seed: number, seconds: number, periodSeconds = 600): number {
  const phase = seconds / periodSeconds;
  const sum =
    Math.sin(phase * 2.1 + seed * 1.7) +
    Math.sin(phase * 5.3 + seed * 4.1) / 2 +
    Math.sin(phase * 17.9 + seed * 9.3) / 4;
  return (sum + 1.75) / 3.5;
}

/** Now and then a burst, as backups and builds make. */
function burst(seed: number, seconds: number): number {
  const w = wander(seed + 31, seconds, 1500);
  return w > 0.72 ? (w - 0.72) * 6 : 0;
}

function perHost(make: (host: string, seed: number) => FakeSeries[]): FakeSeries[] {
  return hosts.flatMap((host, i) => make(host, i * 10 + 1));
}

const modeShares: readonly (readonly [string, number])[] = [
  ['user', 24],
  ['system', 9],
  ['iowait', 4],
  ['softirq', 1.2],
  ['nice', 0],
  ['irq', 0],
  ['steal', 0],
];

/** Percent of the machine a mode takes. */
export function cpuPercent(mode: string, share: number, seed: number, seconds: number): number {
  if (share === 0) return 0;
  return share * (0.25 + wander(seed + mode.length, seconds)) + (mode === 'user' ? 18 * burst(seed, seconds) : 0);
}

export function cpuModes(seed: number, seconds: number): number {
  return modeShares.reduce((sum, [mode, share]) => sum + cpuPercent(mode, share, seed, seconds), 0);
}

function cpu(): FakeSeries[] {
  return perHost((instance, seed) =>
    modeShares.map(([mode, share]) => ({
      labels: { instance, mode },
      at: (seconds) => cpuPercent(mode, share, seed, seconds),
    })),
  );
}

function gauge(name: string, value: (seed: number, seconds: number) => number): FakeSeries[] {
  return perHost((instance, seed) => [
    { labels: { __name__: name, instance, job: 'host' }, at: (seconds) => value(seed, seconds) },
  ]);
}

function byDevice(names: readonly string[], size: number): FakeSeries[] {
  return perHost((instance, seed) =>
    names.map((device, i) => ({
      labels: { instance, device },
      at: (seconds) =>
        (size / (1 + 4 * i)) * (wander(seed + 3 * i + size, seconds, 240) ** 3 + burst(seed + i, seconds) / 3),
    })),
  );
}

const mounts: readonly (readonly [string, string, string, number, number])[] = [
  ['/dev/nvme0n1p2', '/', 'ext4', 118 * GiB, 0.47],
  ['/dev/nvme0n1p2', '/var/lib/containers', 'ext4', 118 * GiB, 0.47],
  ['/dev/nvme0n1p1', '/boot/efi', 'vfat', 0.5 * GiB, 0.07],
  ['/dev/sda1', '/srv/archive', 'xfs', 3.6 * 1024 * GiB, 0.86],
  ['/dev/sdb1', '/var/log', 'ext4', 40 * GiB, 0.97],
];

function filesystems(name: string, value: (size: number, used: number) => number): FakeSeries[] {
  return perHost((instance, seed) =>
    mounts.map(([device, mountpoint, fstype, size, used]) => ({
      labels: { __name__: name, instance, device, mountpoint, fstype },
      at: (seconds) => value(size, Math.min(0.995, used + 0.01 * wander(seed, seconds, 40_000))),
    })),
  );
}

function used(): FakeSeries[] {
  return filesystems('', (_, share) => 100 * share).map(({ labels: { __name__: _, ...labels }, at }) => ({
    labels,
    at,
  }));
}

function many(count: number, name = 'demo_many'): FakeSeries[] {
  return Array.from({ length: count }, (_, i) => ({
    labels: {
      __name__: name,
      instance: hosts[0] ?? '',
      pod: `checkout-${(i * 7919).toString(16)}`,
      zone: `z${i % 3}`,
    },
    at: (seconds) => 10 * wander(i, seconds) + i / 20,
  }));
}

const memoryTotal = 16 * GiB;

/** Metric name -> its series, as the plain metric or the rate of it answers. The first name found in an expression decides. */
export const fakeMetrics: Record<string, () => FakeSeries[]> = {
  node_cpu_seconds_total: cpu,
  node_memory_MemAvailable_bytes: () =>
    gauge('node_memory_MemAvailable_bytes', (s, t) => memoryTotal * (0.35 + 0.3 * wander(s, t, 2000))),
  node_memory_MemTotal_bytes: () => gauge('node_memory_MemTotal_bytes', () => memoryTotal),
  node_memory_Cached_bytes: () =>
    gauge('node_memory_Cached_bytes', (s, t) => memoryTotal * (0.2 + 0.1 * wander(s + 2, t, 3000))),
  node_memory_Buffers_bytes: () =>
    gauge('node_memory_Buffers_bytes', (s, t) => memoryTotal * (0.02 + 0.01 * wander(s + 3, t, 3000))),
  node_load1: () => gauge('node_load1', (s, t) => 0.3 + 2 * wander(s, t) + burst(s, t)),
  node_load5: () => gauge('node_load5', (s, t) => 0.5 + 1.6 * wander(s, t - 120, 900)),
  node_load15: () => gauge('node_load15', (s, t) => 0.8 + wander(s, t - 300, 2000)),
  node_disk_read_bytes_total: () => byDevice(['nvme0n1', 'sda'], 26e6),
  node_disk_written_bytes_total: () => byDevice(['nvme0n1', 'sda'], 41e6),
  node_network_receive_bytes_total: () => byDevice(['eth0', 'wg0'], 5.2e6),
  node_network_transmit_bytes_total: () => byDevice(['eth0', 'wg0'], 2.1e6),
  node_filesystem_avail_bytes: () => filesystems('node_filesystem_avail_bytes', (size, share) => size * (1 - share)),
  node_filesystem_size_bytes: () => filesystems('node_filesystem_size_bytes', (size) => size),
  demo_gaps: () =>
    gauge('demo_gaps', (s, t) => 5 * wander(s, t)).map(({ labels, at }) => ({
      labels,
      at: (t) => (t % 300 < 90 ? null : at(t)),
    })),
  demo_many: () => many(240),
  demo_huge: () => many(6000, 'demo_huge'),
  up: () => gauge('up', () => 1),
};

/** The shapes of expression the overview asks that are not simply one metric's series. */
export const fakeShapes: readonly (readonly [RegExp, () => FakeSeries[]])[] = [
  [/^count.*node_cpu/, () => perHost((instance) => [{ labels: { instance }, at: () => 8 }])],
  [
    /^avg\(rate\(node_cpu/,
    () => perHost((instance, seed) => [{ labels: { instance }, at: (t) => 1 - cpuModes(seed, t) / 100 }]),
  ],
  [/MemTotal.* - .*MemAvailable/, () => gauge('', (s, t) => memoryTotal * (0.65 - 0.3 * wander(s, t, 2000)))],
  [/100 - 100 \* node_filesystem/, used],
];
