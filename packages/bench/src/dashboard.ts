// Twelve panels as people have them: a fleet's overview, a host's page, a service's latency.

export interface Panel {
  readonly query: string;
  /** Of the newest data, ms; 0: one instant at the end. */
  readonly rangeMs: number;
  readonly stepMs: number;
}

const MINUTE_MS = 60_000;
const HOST = 'instance="node-00001.example:9100"';
const last = (minutes: number, stepSeconds: number, query: string): Panel => ({
  query,
  rangeMs: minutes * MINUTE_MS,
  stepMs: stepSeconds * 1000,
});
const now = (query: string): Panel => ({ query, rangeMs: 0, stepMs: 0 });

export const DASHBOARD: readonly Panel[] = [
  now('count({job="node"})'),
  now('sum(up)'),
  now('topk(5, node_load1)'),
  now('quantile(0.9, 1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)'),
  now('node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1'),
  last(60, 15, `sum by (mode) (rate(node_cpu_seconds_total{${HOST}}[1m]))`),
  last(60, 15, `node_memory_MemAvailable_bytes{${HOST}}`),
  last(60, 15, `rate(node_network_receive_bytes_total{${HOST}}[1m])`),
  last(60, 30, 'sum by (instance) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))'),
  last(60, 30, 'histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))'),
  last(60, 30, 'sum(rate(http_request_duration_seconds_count[1m]))'),
  last(60, 60, 'max_over_time(node_load1[5m]) > 0.9'),
];
