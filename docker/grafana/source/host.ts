import { type DashboardDraft, gauge, lines, rows, stat } from './model.ts';

// A host at a glance: node_exporter's names, which Tidemark's own collector uses too.

const HERE = 'instance="$instance"';
const REAL_FILESYSTEM = `${HERE}, fstype!~"tmpfs|ramfs|squashfs|devtmpfs"`;
const BUSY = [
  ['green', null],
  ['orange', 0.75],
  ['red', 0.9],
] as const;

export const host: DashboardDraft = {
  uid: 'tidemark-host',
  title: 'Host overview',
  description: 'CPU, memory, disks, filesystems and network of one host.',
  variables: [{ name: 'instance', label: 'host', metric: 'node_load1', of: 'instance' }],
  rows: [
    [
      stat(
        'CPU in use',
        {
          about: 'Share of all cores that is not idle.',
          unit: 'percentunit',
          width: 6,
          max: 1,
          decimals: 1,
          thresholds: BUSY,
        },
        [`1 - avg(rate(node_cpu_seconds_total{${HERE}, mode="idle"}[$__rate_interval]))`],
      ),
      stat(
        'Memory in use',
        {
          about: 'What is not available to programs.',
          unit: 'percentunit',
          width: 6,
          max: 1,
          decimals: 1,
          thresholds: BUSY,
        },
        [`1 - node_memory_MemAvailable_bytes{${HERE}} / node_memory_MemTotal_bytes{${HERE}}`],
      ),
      stat(
        'Load per core',
        { about: 'One-minute load average by the number of cores.', unit: 'none', width: 6, decimals: 2 },
        [
          `node_load1{${HERE}} / on (instance, job) count by (instance, job) (node_cpu_seconds_total{${HERE}, mode="idle"})`,
        ],
      ),
      stat('Memory', { about: 'All there is.', unit: 'bytes', width: 6 }, [`node_memory_MemTotal_bytes{${HERE}}`]),
    ],
    [
      lines('CPU by mode', { about: 'Cores in each mode, idle left out.', unit: 'none', width: 12, stacked: true }, [
        `sum by (mode) (rate(node_cpu_seconds_total{${HERE}, mode!="idle"}[$__rate_interval]))`,
        '{{mode}}',
      ]),
      lines(
        'Load',
        { about: 'Programs that run or wait, on average.', unit: 'none', width: 12 },
        [`node_load1{${HERE}}`, '1 min'],
        [`node_load5{${HERE}}`, '5 min'],
        [`node_load15{${HERE}}`, '15 min'],
      ),
    ],
    [
      lines(
        'Memory',
        { about: 'In use by programs, as cache, and free.', unit: 'bytes', width: 12, stacked: true },
        [
          `node_memory_MemTotal_bytes{${HERE}} - node_memory_MemFree_bytes{${HERE}} - node_memory_Cached_bytes{${HERE}} - node_memory_Buffers_bytes{${HERE}}`,
          'programs',
        ],
        [`node_memory_Cached_bytes{${HERE}} + node_memory_Buffers_bytes{${HERE}}`, 'cache'],
        [`node_memory_MemFree_bytes{${HERE}}`, 'free'],
      ),
      gauge(
        'Filesystems',
        {
          about: 'Share in use, by where it is mounted.',
          unit: 'percentunit',
          width: 12,
          max: 1,
          decimals: 0,
          thresholds: BUSY,
        },
        [
          `1 - max by (mountpoint) (node_filesystem_avail_bytes{${REAL_FILESYSTEM}} / node_filesystem_size_bytes{${REAL_FILESYSTEM}})`,
          '{{mountpoint}}',
        ],
      ),
    ],
    [
      lines(
        'Disk traffic',
        { about: 'Bytes read and written a second, by device.', unit: 'Bps', width: 12 },
        [`sum by (device) (rate(node_disk_read_bytes_total{${HERE}}[$__rate_interval]))`, '{{device}} read'],
        [`sum by (device) (rate(node_disk_written_bytes_total{${HERE}}[$__rate_interval]))`, '{{device}} written'],
      ),
      lines('Disk busy', { about: 'Share of the time a device had work.', unit: 'percentunit', width: 12, max: 1 }, [
        `sum by (device) (rate(node_disk_io_time_seconds_total{${HERE}}[$__rate_interval]))`,
        '{{device}}',
      ]),
    ],
    [
      lines(
        'Network',
        { about: 'Bytes a second, by interface.', unit: 'Bps', width: 12 },
        [`sum by (device) (rate(node_network_receive_bytes_total{${HERE}}[$__rate_interval]))`, '{{device}} in'],
        [`sum by (device) (rate(node_network_transmit_bytes_total{${HERE}}[$__rate_interval]))`, '{{device}} out'],
      ),
      rows(
        'Filesystem sizes',
        { about: 'Bytes left. Of what is mounted where.', unit: 'bytes', width: 12 },
        ['instance', 'job'],
        [`node_filesystem_avail_bytes{${REAL_FILESYSTEM}}`],
      ),
    ],
  ],
};
