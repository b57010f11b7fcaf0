import { hostname } from 'node:os';
import { type Clock, type Logger, messageOf, type SelfMetrics, TaskGroup } from '@tidemark/base';
import { DEFAULT_TENANT, labelsOf, type SampleSink } from '@tidemark/model';
import { cpuReader } from './cpu.ts';
import { diskReader } from './disk.ts';
import { filesystemReader } from './filesystem.ts';
import { HostBatcher } from './host-batcher.ts';
import { type HostFiles, nodeHostFiles } from './host-files.ts';
import { type HostMetrics, hostMetrics } from './host-metrics.ts';
import type { HostReader, HostSample } from './host-sample.ts';
import { loadReader } from './load.ts';
import { memoryReader } from './memory.ts';
import { networkReader } from './network.ts';
import { Outbox } from './outbox.ts';

// The host's own metrics, read every few seconds and handed to the sink.
//
//   tick --> cpu, meminfo, diskstats, filesystem, netdev, loadavg --> one batch --> outbox --> sink
//            each may fail without costing the others                              (bounded)
//
// Ticks stand on the multiples of the interval; one that comes while the last is still reading is left out and counted.

export interface HostCollectorOptions {
  readonly sink: SampleSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly intervalMs?: number;
  readonly tenant?: string;
  /** The labels every series carries: `job` defaults to `node`, `instance` to the host's name. */
  readonly job?: string;
  readonly instance?: string;
  /** How many batches may wait for the sink. */
  readonly waitingBatchesMax?: number;
  /** For tests: where /proc and /sys are, and what system this is. */
  readonly files?: HostFiles;
  readonly platform?: string;
}

export interface HostCollector {
  /** `unsupported`: this system has no /proc; nothing is collected. */
  readonly state: 'running' | 'unsupported';
  /** Stops ticking, gives waiting batches one last try. Twice is fine. */
  close(): Promise<void>;
}

const INTERVAL_MS = 5000;
// Five minutes at the default interval, about 60 x 250 samples.
const WAITING_BATCHES_MAX = 60;
// Shutdown has ten seconds in all.
const LAST_TRY_MS = 2000;
// A hundredth of the interval: 50 ms of 5 s, what a busy event loop takes.
const PUNCTUAL_SHARE = 0.01;

export function startHostCollector(options: HostCollectorOptions): HostCollector {
  const { clock } = options;
  const logger = options.logger.child('host');
  const platform = options.platform ?? process.platform;
  if (platform !== 'linux') {
    logger.warn(`host metrics are read from Linux's /proc; this system is ${platform}, so there are none`);
    return { state: 'unsupported', close: async () => undefined };
  }
  const metrics = hostMetrics(options.metrics);
  const files = options.files ?? nodeHostFiles();
  const readers = hostReaders(clock);
  const batcher = new HostBatcher(
    options.tenant ?? DEFAULT_TENANT,
    labelsOf({ job: options.job ?? 'node', instance: options.instance ?? hostname() }),
  );
  const outbox = new Outbox({
    sink: options.sink,
    clock,
    logger,
    batchesMax: options.waitingBatchesMax ?? WAITING_BATCHES_MAX,
    events: metrics.outbox(logger),
    what: 'host metrics',
  });
  const tasks = new TaskGroup((name, error) => logger.error(`${name} ended`, { reason: messageOf(error) }));
  tasks.spawn('collecting', (signal) =>
    eachTick(clock, options.intervalMs ?? INTERVAL_MS, metrics, signal, async (atMs) => {
      const samples = await collect(readers, files, clock, metrics, logger);
      // What was read while stopping is not put where nobody sends any more.
      if (samples.length > 0 && !signal.aborted) outbox.put(batcher.batch(samples, atMs));
    }),
  );
  tasks.spawn('sending', (signal) => outbox.run(signal, () => abortAfter(clock, LAST_TRY_MS)));
  return { state: 'running', close: () => tasks.close() };
}

/** All parts of the host, in the order in which their series stand in a batch. */
export function hostReaders(clock: Clock): readonly HostReader[] {
  return [cpuReader(), memoryReader, diskReader(), filesystemReader(clock), networkReader(), loadReader];
}

async function eachTick(
  clock: Clock,
  intervalMs: number,
  metrics: HostMetrics,
  signal: AbortSignal,
  tick: (atMs: number) => Promise<void>,
): Promise<void> {
  let lastTick = Math.floor(clock.nowMs() / intervalMs);
  await tick(clock.nowMs());
  while (!signal.aborted) {
    const nowMs = clock.nowMs();
    const next = Math.floor(nowMs / intervalMs) + 1;
    // Negative when the wall clock was put back: nothing was missed then.
    metrics.missed.add(Math.max(0, next - lastTick - 1));
    await clock.sleep(next * intervalMs - nowMs, signal);
    lastTick = next;
    await tick(onTime(next * intervalMs, clock.nowMs(), intervalMs));
  }
}

/** The tick's own time when it came nearly then: evenly spaced times cost next to nothing to store. */
function onTime(tickMs: number, nowMs: number, intervalMs: number): number {
  return Math.abs(nowMs - tickMs) <= intervalMs * PUNCTUAL_SHARE ? tickMs : nowMs;
}

/** What could be read. A part that cannot be is counted, and said once each time it begins to fail. */
async function collect(
  readers: readonly HostReader[],
  files: HostFiles,
  clock: Clock,
  metrics: HostMetrics,
  logger: Logger,
): Promise<readonly HostSample[]> {
  const startMs = clock.monotonicMs();
  const results = await Promise.allSettled(readers.map((reader) => reader.read(files)));
  metrics.seconds.observe((clock.monotonicMs() - startMs) / 1000);
  return results.flatMap((result, i) => {
    const { part } = readers[i] as HostReader;
    if (result.status === 'fulfilled') {
      metrics.failing.delete(part);
      return result.value;
    }
    metrics.failures.with(part).add();
    if (!metrics.failing.has(part)) logger.warn(`cannot read ${part}`, { reason: messageOf(result.reason) });
    metrics.failing.add(part);
    return [];
  });
}

function abortAfter(clock: Clock, ms: number): AbortSignal {
  const abort = new AbortController();
  clock.after(ms, () => abort.abort(new DOMException('no time left', 'TimeoutError')));
  return abort.signal;
}
