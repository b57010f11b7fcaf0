// The overview's charts as data: what to ask, what to call the series, how to draw them.

import type { Labels } from '../api/types.ts';
import { hue } from '../chart/palette.ts';
import type { YBounds } from '../chart/y-range.ts';
import type { Unit } from '../format/units.ts';
import { ofHost, realDisks, realFileSystems, realInterfaces } from './host-matchers.ts';

export interface PanelContext {
  readonly host: string;
  /** The window of `rate`, as a duration. */
  readonly window: string;
}

export interface PanelQuery {
  readonly expr: (context: PanelContext) => string;
  readonly name: (labels: Labels) => string;
  /** A palette index; without it, series are coloured in the order of their names. */
  readonly color?: (labels: Labels) => number | undefined;
  readonly filled?: boolean;
  readonly dashed?: boolean;
  readonly below?: boolean;
}

export interface PanelSpec {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly unit: Unit;
  readonly queries: readonly PanelQuery[];
  readonly stacked?: boolean;
  readonly bounds?: YBounds;
  /** Names in the order they stack; others follow by name. */
  readonly order?: readonly string[];
  /** Leave out series that are zero throughout, as most CPU modes and many interfaces are. */
  readonly dropZero?: boolean;
  /** Several mounts of one device count as one. */
  readonly oncePerDevice?: boolean;
}

const modeColors: Readonly<Record<string, number>> = {
  user: hue.blue,
  nice: hue.teal,
  system: hue.orange,
  irq: hue.purple,
  softirq: hue.violet,
  iowait: hue.amber,
  steal: hue.pink,
};

function rateOf(metric: string, matchers: string, by: string): PanelQuery['expr'] {
  return ({ host, window }) => `sum by (${by}) (rate(${metric}${ofHost(host, matchers)}[${window}]))`;
}

function gauge(metric: string): PanelQuery['expr'] {
  return ({ host }) => metric + ofHost(host);
}

const cpu: PanelSpec = {
  id: 'cpu',
  title: 'CPU',
  note: 'share of all cores, by mode',
  unit: 'percent',
  stacked: true,
  bounds: { zero: true, atLeast: 4, limit: 100 },
  order: ['user', 'nice', 'system', 'irq', 'softirq', 'iowait', 'steal'],
  dropZero: true,
  queries: [
    {
      expr: ({ host, window }) =>
        `100 * avg by (mode) (rate(node_cpu_seconds_total${ofHost(host, 'mode!="idle"')}[${window}]))`,
      name: (labels) => labels['mode'] ?? '',
      color: (labels) => modeColors[labels['mode'] ?? ''],
    },
  ],
};

const memory: PanelSpec = {
  id: 'memory',
  title: 'Memory',
  unit: 'bytes',
  bounds: { zero: true },
  order: ['used', 'cached', 'buffers', 'total'],
  queries: [
    {
      expr: ({ host }) => `node_memory_MemTotal_bytes${ofHost(host)} - node_memory_MemAvailable_bytes${ofHost(host)}`,
      name: () => 'used',
      color: () => hue.blue,
      filled: true,
    },
    { expr: gauge('node_memory_Cached_bytes'), name: () => 'cached', color: () => hue.green },
    { expr: gauge('node_memory_Buffers_bytes'), name: () => 'buffers', color: () => hue.amber },
    { expr: gauge('node_memory_MemTotal_bytes'), name: () => 'total', color: () => hue.gray, dashed: true },
  ],
};

const load: PanelSpec = {
  id: 'load',
  title: 'Load',
  note: 'tasks running or waiting, averaged over 1, 5, 15 min',
  unit: 'number',
  bounds: { zero: true, atLeast: 1 },
  order: ['1 min', '5 min', '15 min', 'cores'],
  queries: [
    { expr: gauge('node_load1'), name: () => '1 min', color: () => hue.blue, filled: true },
    { expr: gauge('node_load5'), name: () => '5 min', color: () => hue.orange },
    { expr: gauge('node_load15'), name: () => '15 min', color: () => hue.purple },
    {
      expr: ({ host }) => `count by (instance) (node_cpu_seconds_total${ofHost(host, 'mode="idle"')})`,
      name: () => 'cores',
      color: () => hue.gray,
      dashed: true,
    },
  ],
};

const network: PanelSpec = {
  id: 'network',
  title: 'Network',
  note: 'received above, sent below',
  unit: 'bytes/s',
  dropZero: true,
  bounds: { zero: true },
  queries: [
    {
      expr: rateOf('node_network_receive_bytes_total', realInterfaces, 'device'),
      name: (l) => `${l['device'] ?? ''} in`,
      filled: true,
    },
    {
      expr: rateOf('node_network_transmit_bytes_total', realInterfaces, 'device'),
      name: (l) => `${l['device'] ?? ''} out`,
      filled: true,
      below: true,
    },
  ],
};

const disk: PanelSpec = {
  id: 'disk',
  title: 'Disk I/O',
  note: 'read above, written below',
  unit: 'bytes/s',
  dropZero: true,
  bounds: { zero: true },
  queries: [
    {
      expr: rateOf('node_disk_read_bytes_total', realDisks, 'device'),
      name: (l) => `${l['device'] ?? ''} read`,
      filled: true,
    },
    {
      expr: rateOf('node_disk_written_bytes_total', realDisks, 'device'),
      name: (l) => `${l['device'] ?? ''} written`,
      filled: true,
      below: true,
    },
  ],
};

const filesystem: PanelSpec = {
  id: 'filesystem',
  title: 'Filesystem usage',
  note: 'share of each in use',
  unit: 'percent',
  bounds: { zero: true, atLeast: 100, limit: 100 },
  oncePerDevice: true,
  queries: [
    {
      expr: ({ host }) => {
        const matchers = ofHost(host, realFileSystems);
        return `100 - 100 * node_filesystem_avail_bytes${matchers} / node_filesystem_size_bytes${matchers}`;
      },
      name: (labels) => labels['mountpoint'] ?? '',
    },
  ],
};

export const panels: readonly PanelSpec[] = [cpu, memory, load, network, disk, filesystem];
