import { SelfMetrics, SimClock, silentLogger, TidemarkError } from '@tidemark/base';
import {
  type AppendOutcome,
  formatLabels,
  isStale,
  METRIC_TYPES,
  type SampleBatch,
  sectionLabels,
} from '@tidemark/model';
import { expect, test } from 'vitest';
import { type HostCollectorOptions, startHostCollector } from './host-collector.ts';
import type { HostFiles } from './host-files.ts';

// A host of two files whose text each case changes; everything else on it is missing.

async function start(options: Partial<HostCollectorOptions> & { answer?: () => Promise<AppendOutcome> } = {}) {
  const clock = new SimClock(1_000_001_234);
  const metrics = new SelfMetrics();
  const texts: Record<string, string> = {
    '/proc/loadavg': '1 2 3 1/1 1',
    '/proc/meminfo': 'MemFree: 7 kB\nSwapFree: 1 kB',
  };
  const files: HostFiles = {
    text: async (path) => texts[path] ?? Promise.reject(Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })),
    names: async () => [],
    filesystem: async () => Promise.reject(new Error('no disk')),
  };
  const batches: SampleBatch[] = [];
  let { answer = async (): Promise<AppendOutcome> => ({ accepted: 1, refused: [] }) } = options;
  const collector = startHostCollector({
    sink: {
      async append(batch) {
        const outcome = await answer();
        batches.push(batch);
        return outcome;
      },
    },
    clock,
    metrics,
    files,
    logger: silentLogger,
    instance: 'web1',
    platform: 'linux',
    ...options,
  });
  // The first tick, before the case does anything.
  await clock.advance(0);
  return {
    clock,
    texts,
    batches,
    collector,
    answerWith(next: () => Promise<AppendOutcome>) {
      answer = next;
    },
    metric: (line: string) =>
      metrics
        .expose()
        .split('\n')
        .find((found) => found.startsWith(`${line} `))
        ?.split(' ')[1],
  };
}

function textOf(batch: SampleBatch): readonly string[] {
  return [...batch.values].map((value, i) => {
    const series = batch.sampleSeries[i] as number;
    const type = METRIC_TYPES[batch.series.types[series] as number];
    const shown = isStale(batch.values[i] as number) ? 'stale' : value;
    return `${type} ${formatLabels(sectionLabels(batch.series, series))} ${shown}`;
  });
}

test('the first tick comes at once, the next on the multiples of the interval, each as one batch', async () => {
  const run = await start();
  await run.clock.advance(9000);
  await run.collector.close();
  expect(run.batches.map((batch) => batch.timestampsMs[0])).toEqual([1_000_001_234, 1_000_005_000, 1_000_010_000]);
  expect(textOf(run.batches[0] as SampleBatch)).toEqual([
    'gauge node_memory_MemFree_bytes{instance="web1", job="node"} 7168',
    'gauge node_memory_SwapFree_bytes{instance="web1", job="node"} 1024',
    'gauge node_load1{instance="web1", job="node"} 1',
    'gauge node_load5{instance="web1", job="node"} 2',
    'gauge node_load15{instance="web1", job="node"} 3',
  ]);
});

test('the same series are the same section object', async () => {
  const run = await start();
  await run.clock.advance(9000);
  expect(run.batches[1]?.series).toBe(run.batches[0]?.series);
  await run.collector.close();
});

test('a series that is gone ends with the stale marker, once', async () => {
  const run = await start();
  run.texts['/proc/meminfo'] = 'MemFree: 8 kB';
  await run.clock.advance(9000);
  await run.collector.close();
  expect(textOf(run.batches[1] as SampleBatch)).toContain(
    'gauge node_memory_SwapFree_bytes{instance="web1", job="node"} stale',
  );
  expect(textOf(run.batches[2] as SampleBatch)).toHaveLength(4);
});

test('a part that cannot be read costs only itself, and is counted', async () => {
  const run = await start();
  run.texts['/proc/loadavg'] = 'nonsense';
  await run.clock.advance(4000);
  await run.collector.close();
  expect(run.batches[0]?.values.length).toBe(5);
  // Two readings, and the load's three markers: it is not known any more.
  expect(run.batches[1]?.values.length).toBe(5);
  expect(run.metric('tidemark_host_collect_failures_total{part="loadavg"}')).toBe('1');
  expect(run.metric('tidemark_host_collect_failures_total{part="cpu"}')).toBe('2');
  expect(run.metric('tidemark_host_collect_failures_total{part="meminfo"}')).toBeUndefined();
});

test('what the sink cannot take is tried again, in order', async () => {
  const busy = new TidemarkError('INGEST_OVERLOADED', 'busy', { retryAfterMs: 3000 });
  const run = await start({ answer: () => Promise.reject(busy) });
  await run.clock.advance(6000);
  expect(run.batches).toEqual([]);
  run.answerWith(async () => ({ accepted: 5, refused: [] }));
  await run.clock.advance(4000);
  expect(run.batches.map((batch) => batch.timestampsMs[0])).toEqual([1_000_001_234, 1_000_005_000, 1_000_010_000]);
  await run.collector.close();
});

test('a buffer that is full drops the oldest, counted', async () => {
  const away = new TidemarkError('INGEST_UNAVAILABLE', 'away', { retryAfterMs: 3000 });
  const run = await start({ waitingBatchesMax: 2, answer: () => Promise.reject(away) });
  await run.clock.advance(19_000);
  run.answerWith(async () => ({ accepted: 5, refused: [] }));
  // The next try is due before the tick at 25 s.
  await run.clock.advance(2600);
  expect(run.batches.map((batch) => batch.timestampsMs[0])).toEqual([1_000_015_000, 1_000_020_000]);
  expect(run.metric('tidemark_host_batches_dropped_total{reason="buffer_full"}')).toBe('3');
  await run.collector.close();
});

test('closing gives what waits one last try; what still cannot go is counted', async () => {
  const run = await start({ answer: () => Promise.reject(new Error('down')) });
  await run.clock.advance(5000);
  await run.collector.close();
  await run.collector.close();
  expect(run.metric('tidemark_host_batches_dropped_total{reason="stopped"}')).toBe('2');
});

test('what the sink refuses is counted by its reason', async () => {
  const refused = [{ reason: 'too_old', count: 2, example: 'node_load1' }];
  const run = await start({ answer: async () => ({ accepted: 3, refused }) });
  expect(run.metric('tidemark_host_samples_refused_total{reason="too_old"}')).toBe('2');
  await run.collector.close();
});

test('ticks that come while the last still reads are left out and counted', async () => {
  const slow: HostFiles = {
    text: () => new Promise((_, reject) => stuck.push(() => reject(new Error('too late')))),
    names: async () => [],
    filesystem: async () => Promise.reject(new Error('no disk')),
  };
  const stuck: (() => void)[] = [];
  const run = await start({ files: slow });
  await run.clock.advance(17_000);
  for (const give of stuck.splice(0)) give();
  // Each part asks for a second file when the first is missing at most twice.
  for (let i = 0; i < 3; i++) {
    await run.clock.advance(0);
    for (const give of stuck.splice(0)) give();
  }
  await run.clock.advance(0);
  expect(run.metric('tidemark_host_ticks_missed_total')).toBe('3');
  const closing = run.collector.close();
  for (const give of stuck.splice(0)) give();
  await closing;
});

test('a system that is not Linux has no host metrics, and the rest goes on', async () => {
  const run = await start({ platform: 'darwin' });
  await run.clock.advance(20_000);
  expect(run.collector.state).toBe('unsupported');
  expect(run.batches).toEqual([]);
  await run.collector.close();
});

test('what metrics mean is told at first, with new series, and every ten minutes', async () => {
  const run = await start();
  await run.clock.advance(5_000);
  run.texts['/proc/meminfo'] = 'MemFree: 7 kB\nHugePages_Total: 0';
  await run.clock.advance(5_000);
  const told = () => run.batches.map(({ metadata }) => metadata?.map(({ metric }) => metric));
  const load = ['node_load1', 'node_load5', 'node_load15'];
  expect(told()).toEqual([
    ['node_memory_MemFree_bytes', 'node_memory_SwapFree_bytes', ...load],
    undefined,
    ['node_memory_MemFree_bytes', 'node_memory_HugePages_Total', ...load, 'node_memory_SwapFree_bytes'],
  ]);
  expect(run.batches[0]?.metadata?.[0]).toEqual({
    metric: 'node_memory_MemFree_bytes',
    type: 'gauge',
    unit: '',
    help: 'MemFree of /proc/meminfo, in bytes.',
  });
  await run.clock.advance(5_000);
  const before = run.batches.length;
  await run.clock.advance(600_000);
  expect(run.batches.slice(before).filter(({ metadata }) => metadata !== undefined)).toHaveLength(1);
  await run.collector.close();
});
