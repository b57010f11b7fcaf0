import type { Clock, SelfMetrics } from '@tidemark/base';
import { VERSION } from './version.ts';

/** What every process says of itself, under the names every Prometheus client uses. */
export function processMetrics(metrics: SelfMetrics, clock: Clock): void {
  const startedSeconds = clock.nowMs() / 1000;
  metrics
    .gauges('tidemark_build_info', 'Always 1; the version is a label.', ['version', 'node'])
    .with(VERSION, process.version)
    .set(1);
  metrics.gaugeFrom('process_start_time_seconds', 'When the process began, unix seconds.', () => startedSeconds);
  metrics.gaugeFrom('process_resident_memory_bytes', 'Memory the process has in RAM.', () => process.memoryUsage.rss());
  metrics.gaugeFrom('process_heap_bytes', "JavaScript's heap in use.", () => process.memoryUsage().heapUsed);
  metrics.gaugeFrom(
    'process_array_buffer_bytes',
    'Memory of typed arrays, outside of the heap: heads, windows, batches, buffers.',
    () => process.memoryUsage().arrayBuffers,
  );
  metrics.counterFrom('process_cpu_seconds_total', 'CPU time, user and system.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
