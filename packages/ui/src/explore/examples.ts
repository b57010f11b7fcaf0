/** A first step for someone who faces an empty line. */
export const examples: readonly { readonly title: string; readonly expr: string }[] = [
  { title: 'Load of each host', expr: 'node_load1' },
  {
    title: 'CPU use by mode, in percent',
    expr: '100 * avg by (instance, mode) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))',
  },
  { title: 'Memory that is available', expr: 'node_memory_MemAvailable_bytes' },
  {
    title: 'Bytes received per second',
    expr: 'sum by (instance, device) (rate(node_network_receive_bytes_total[1m]))',
  },
  { title: 'Free space of each file system', expr: 'node_filesystem_avail_bytes' },
];
