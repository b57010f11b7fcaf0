import type { MetricMetadata } from '@tidemark/model';
import type { HostSample } from './host-sample.ts';

// What the host's metrics mean, for people who meet their names in a query.

const HELP: Readonly<Record<string, string>> = {
  node_cpu_seconds_total: 'Seconds the CPU spent in each mode.',
  node_cpu_guest_seconds_total: 'Seconds the CPU spent running virtual machines, also counted in user and nice.',
  node_cpu_core_throttles_total: 'How often a core was slowed down because of heat.',
  node_cpu_package_throttles_total: 'How often a whole package was slowed down because of heat.',
  node_cpu_isolated: 'Whether the scheduler keeps off the core.',
  node_load1: 'Load, averaged over 1 minute.',
  node_load5: 'Load, averaged over 5 minutes.',
  node_load15: 'Load, averaged over 15 minutes.',
  node_filesystem_size_bytes: 'Size of the filesystem.',
  node_filesystem_free_bytes: 'Bytes nobody uses.',
  node_filesystem_avail_bytes: 'Bytes left for users other than root.',
  node_filesystem_files: 'Files the filesystem can hold.',
  node_filesystem_files_free: 'Files that may still be made.',
  node_filesystem_readonly: 'Whether the filesystem cannot be written to.',
  node_filesystem_device_error: 'Whether the filesystem could not be asked.',
  node_disk_reads_completed_total: 'Reads that ended well.',
  node_disk_reads_merged_total: 'Reads merged with a neighbour.',
  node_disk_read_bytes_total: 'Bytes read.',
  node_disk_read_time_seconds_total: 'Seconds spent in reads, all of them added up.',
  node_disk_writes_completed_total: 'Writes that ended well.',
  node_disk_writes_merged_total: 'Writes merged with a neighbour.',
  node_disk_written_bytes_total: 'Bytes written.',
  node_disk_write_time_seconds_total: 'Seconds spent in writes, all of them added up.',
  node_disk_io_now: 'Reads and writes under way.',
  node_disk_io_time_seconds_total: 'Seconds in which the disk had something to do.',
  node_disk_io_time_weighted_seconds_total: 'Seconds in which the disk had something to do, times what waited.',
  node_disk_discards_completed_total: 'Discards that ended well.',
  node_disk_discards_merged_total: 'Discards merged with a neighbour.',
  node_disk_discarded_sectors_total: 'Sectors discarded.',
  node_disk_discard_time_seconds_total: 'Seconds spent in discards, all of them added up.',
  node_disk_flush_requests_total: 'Flushes that ended well.',
  node_disk_flush_requests_time_seconds_total: 'Seconds spent in flushes, all of them added up.',
  node_disk_info: 'Always 1; what the disk is stands in the labels.',
  node_disk_filesystem_info: 'Always 1; the filesystem on the disk stands in the labels.',
  node_disk_device_mapper_info: 'Always 1; what the mapped device is stands in the labels.',
};

export function helpOf(name: string): string {
  const known = HELP[name];
  if (known !== undefined) return known;
  const memory = /^node_memory_(.+?)(_bytes)?$/.exec(name);
  if (memory) return `${memory[1]} of /proc/meminfo${memory[2] === undefined ? '' : ', in bytes'}.`;
  const network = /^node_network_(receive|transmit)_(.+)_total$/.exec(name);
  if (network) return `${network[2]} of /proc/net/dev, ${network[1] === 'receive' ? 'received' : 'sent'}.`;
  return '';
}

/** One entry a name. */
export function hostMetadata(samples: readonly HostSample[]): readonly MetricMetadata[] {
  const types = new Map(samples.map(({ name, type }) => [name, type]));
  return [...types].map(([metric, type]) => ({ metric, type, unit: '', help: helpOf(metric) }));
}
