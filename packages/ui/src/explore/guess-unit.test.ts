import { expect, test } from 'vitest';
import type { Unit } from '../format/units.ts';
import { guessUnit } from './guess-unit.ts';

test.each<[string, Unit]>([
  ['node_load1', 'number'],
  ['node_memory_MemFree_bytes', 'bytes'],
  ['sum by (job_bytes) (node_load1)', 'number'],
  ['up{path="x_bytes"}', 'number'],
  ['rate(node_network_receive_bytes_total[5m])', 'bytes/s'],
  ['increase(node_network_receive_bytes_total[5m])', 'bytes'],
  ['rate(http_requests_total[5m])', 'per second'],
  ['rate(node_cpu_seconds_total[5m])', 'number'],
  ['histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))', 'seconds'],
  ['100 * avg(rate(node_cpu_seconds_total[5m]))', 'percent'],
  ['node_a_bytes / node_b_bytes', 'number'],
  ['100 * node_a_bytes / node_b_bytes', 'percent'],
  ['count(node_memory_MemFree_bytes)', 'number'],
  ['node_a_bytes - node_b_bytes', 'bytes'],
  ['node_a_bytes - x_seconds', 'number'],
  ['some_ratio', 'ratio'],
  ['1100 * x', 'number'],
  ['', 'number'],
])('%s is in %s', (expr, unit) => {
  expect(guessUnit(expr)).toBe(unit);
});
