// The tiles over the charts: one number each, what it is made of, and its last quarter of an hour.
//
// A tile asks for its parts and computes the number here, point by point, so that the number, the line beneath the number
// and the words beside it come from the same samples.

import { formatValue, type Unit } from '../format/units.ts';
import { ofHost, realDisks, realInterfaces } from './host-matchers.ts';

export interface StatSpec {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly parts: (host: string) => readonly string[];
  readonly value: (parts: readonly number[]) => number;
  readonly detail: (parts: readonly number[]) => string;
  /** Percentages above these want attention, then action. */
  readonly levels?: { readonly warn: number; readonly bad: number };
}

const rateWindow = '30s';
const full = { warn: 80, bad: 95 };

function at(parts: readonly number[], index: number): number {
  return parts[index] ?? Number.NaN;
}

function summedRate(metric: string, host: string, matchers: string): string {
  return `sum(rate(${metric}${ofHost(host, matchers)}[${rateWindow}]))`;
}

function usedOf(free: number, total: number): string {
  return `${formatValue(total - free, 'bytes')} of ${formatValue(total, 'bytes')}`;
}

const cpu: StatSpec = {
  id: 'cpu',
  title: 'CPU',
  unit: 'percent',
  parts: (host) => [
    `avg(rate(node_cpu_seconds_total${ofHost(host, 'mode="idle"')}[${rateWindow}]))`,
    `count(node_cpu_seconds_total${ofHost(host, 'mode="idle"')})`,
  ],
  // Idle seconds are counted in ticks, so a rate may come out a little above one.
  value: (parts) => Math.max(0, 100 - 100 * at(parts, 0)),
  detail: (parts) => (at(parts, 1) === 1 ? '1 core' : `${at(parts, 1)} cores`),
  levels: full,
};

const memory: StatSpec = {
  id: 'memory',
  title: 'Memory',
  unit: 'percent',
  parts: (host) => [`node_memory_MemAvailable_bytes${ofHost(host)}`, `node_memory_MemTotal_bytes${ofHost(host)}`],
  value: (parts) => 100 - (100 * at(parts, 0)) / at(parts, 1),
  detail: (parts) => usedOf(at(parts, 0), at(parts, 1)),
  levels: full,
};

const load: StatSpec = {
  id: 'load',
  title: 'Load',
  unit: 'number',
  parts: (host) => [`node_load1${ofHost(host)}`, `node_load15${ofHost(host)}`],
  value: (parts) => at(parts, 0),
  detail: (parts) => `15 min: ${formatValue(at(parts, 1), 'number')}`,
};

const rootFilesystem: StatSpec = {
  id: 'root',
  title: 'Root filesystem',
  unit: 'percent',
  parts: (host) => [
    `max(node_filesystem_avail_bytes${ofHost(host, 'mountpoint="/"')})`,
    `max(node_filesystem_size_bytes${ofHost(host, 'mountpoint="/"')})`,
  ],
  value: (parts) => 100 - (100 * at(parts, 0)) / at(parts, 1),
  detail: (parts) => usedOf(at(parts, 0), at(parts, 1)),
  levels: full,
};

const network: StatSpec = {
  id: 'network',
  title: 'Network',
  unit: 'bytes/s',
  parts: (host) => [
    summedRate('node_network_receive_bytes_total', host, realInterfaces),
    summedRate('node_network_transmit_bytes_total', host, realInterfaces),
  ],
  value: (parts) => at(parts, 0) + at(parts, 1),
  detail: (parts) => `↓ ${formatValue(at(parts, 0), 'bytes/s')}  ↑ ${formatValue(at(parts, 1), 'bytes/s')}`,
};

const disk: StatSpec = {
  id: 'disk',
  title: 'Disk I/O',
  unit: 'bytes/s',
  parts: (host) => [
    summedRate('node_disk_read_bytes_total', host, realDisks),
    summedRate('node_disk_written_bytes_total', host, realDisks),
  ],
  value: (parts) => at(parts, 0) + at(parts, 1),
  detail: (parts) => `R ${formatValue(at(parts, 0), 'bytes/s')}  W ${formatValue(at(parts, 1), 'bytes/s')}`,
};

export const stats: readonly StatSpec[] = [cpu, memory, load, rootFilesystem, network, disk];
