import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, nodeDisk, seededRandom } from '@tidemark/base';
import { encodeLabels, labelsOf, type SampleBatch, type SeriesSection } from '@tidemark/model';
import { openStorageEngine } from '../database.ts';
import { openFileObjectStore } from '../object-store/file.ts';

// CPU seconds (whole process, all threads) per million samples to store a node_exporter-like fleet on real disk, and what a
// sample costs when sealed.
//
//   node -C source packages/storage-engine/src/head/append.bench.ts [series] [scrapes]
//
// One sample per series and scrape, 10 s apart; a batch a target; sections are the same objects every time, as a decoder that
// knows them hands out. A tenth of the series never moves, four tenths are counters, half are gauges of two decimals.

const seriesCount = Number(process.argv[2] ?? 100_000);
const scrapes = Number(process.argv[3] ?? 130);
const SERIES_PER_TARGET = 500;
const STEP_MS = 10_000;
const START_MS = 1_699_999_200_000;

let nowMs = START_MS;
const clock: Clock = {
  nowMs: () => nowMs,
  monotonicMs: () => performance.now(),
  sleep: () => Promise.resolve(),
  after: () => () => undefined,
};

const folder = join(tmpdir(), `tidemark-bench-${process.pid}`);
mkdirSync(folder, { recursive: true });
try {
  await run();
} finally {
  if (existsSync(folder)) rmSync(folder, { recursive: true });
}

async function run(): Promise<void> {
  const engine = await openStorageEngine({
    disk: nodeDisk(folder),
    folder,
    objectStore: await openFileObjectStore(join(folder, 'objects')),
    clock,
    installationKey: new Uint8Array(32).fill(1),
  });
  const targets = Array.from({ length: Math.ceil(seriesCount / SERIES_PER_TARGET) }, (_, i) => makeTarget(i));
  let offset = 0;
  let applying = 0;
  let checkpointing = 0;
  let checkpoints = 0;
  let samples = 0;
  for (let scrape = 0; scrape < scrapes; scrape++) {
    nowMs = START_MS + scrape * STEP_MS;
    const batches = targets.map((target) => target.scrape(nowMs));
    const began = cpuSeconds();
    for (const batch of batches) {
      engine.applySamples({ topic: 'bench', partition: 0, offset: offset++, batch });
      samples += batch.values.length;
    }
    applying += cpuSeconds() - began;
    if (!engine.checkpointDue()) continue;
    const before = cpuSeconds();
    await engine.checkpoint();
    checkpointing += cpuSeconds() - before;
    checkpoints++;
  }
  const millions = samples / 1e6;
  const beforeSeal = cpuSeconds();
  nowMs = START_MS + 3 * 3_600_000;
  const report = await engine.seal();
  const sealing = cpuSeconds() - beforeSeal;
  const sealed = report.windows.reduce((sum, window) => sum + window.samples, 0);
  const bytes = report.windows.reduce((sum, window) => sum + window.bytes, 0);
  const line = (what: string, value: string) => process.stdout.write(`${what.padEnd(34)} ${value}\n`);
  line('series, scrapes, samples', `${seriesCount}, ${scrapes}, ${samples}`);
  line('apply, CPU-s per million', (applying / millions).toFixed(3));
  line(`checkpoints (${checkpoints}), CPU-s per million`, (checkpointing / millions).toFixed(3));
  line('seal, CPU-s per million', (sealing / (sealed / 1e6)).toFixed(3));
  line('bytes per sealed sample', (bytes / sealed).toFixed(3));
  line('resident memory, MiB', (process.memoryUsage().rss / 1024 / 1024).toFixed(0));
  await engine.close();
}

function makeTarget(number: number): { scrape(atMs: number): SampleBatch } {
  const random = seededRandom(number + 1);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < SERIES_PER_TARGET; i++) {
    const name = `node_metric_${String(i >> 2).padStart(3, '0')}_total`;
    const pairs = { __name__: name, instance: `host-${number}.example.org:9100`, job: 'node', device: `sd${i & 3}` };
    parts.push(encodeLabels(labelsOf(pairs)));
  }
  const ends = new Uint32Array(SERIES_PER_TARGET);
  parts.reduce((end, part, i) => {
    ends[i] = end + part.length;
    return end + part.length;
  }, 0);
  const series: SeriesSection = {
    count: SERIES_PER_TARGET,
    labelBytes: Buffer.concat(parts),
    labelEnds: ends,
    types: new Uint8Array(SERIES_PER_TARGET),
    units: undefined,
    startTimesMs: undefined,
  };
  const values = new Float64Array(SERIES_PER_TARGET);
  const rates = Float64Array.from(values, () => random.below(2000));
  const indexes = Uint32Array.from(values, (_, i) => i);
  return {
    scrape(atMs) {
      for (let i = 0; i < SERIES_PER_TARGET; i++) {
        const kind = i % 10;
        if (kind === 0) continue;
        if (kind < 5)
          values[i] = (values[i] as number) + (rates[i] as number) + random.below(1 + (rates[i] as number) / 8);
        else values[i] = Math.round(((values[i] as number) + (random.next() - 0.5)) * 100) / 100;
      }
      return {
        tenant: 'default',
        admittedAtMs: atMs,
        series,
        sampleSeries: indexes,
        timestampsMs: new Float64Array(SERIES_PER_TARGET).fill(atMs + random.below(5)),
        values: values.slice(),
        histograms: undefined,
        exemplars: undefined,
        metadata: undefined,
      };
    },
  };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
