import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, type Disk, nodeDisk } from '@tidemark/base';
import { BatchBuilder, decodeRowBatch, encodeSampleBatch, labelsOf, type SampleBatch } from '@tidemark/model';
import type { WindowPointStore } from '../state/window-store.ts';
import { TopologyTestDriver } from '../testing/topology-driver.ts';
import { createRollupTopology, OPEN_WINDOWS } from './rollup-topology.ts';

// What the one-minute rollup costs a process that decoded the batches already: series at 10 s, 1,000 series a batch, in the
// order of the scrape before. Phases by the CPU time of the process:
//
//   append       batches that close no window
//   close        batches that close one: folding, encoding, forgetting
//   checkpoint   window files, manifest, fsync on a real disk
//
//   node -C source packages/stream-rollup/src/rollups/one-minute.bench.ts [series] [minutes]
//
// Small in `npm test` (one-minute.bench.test.ts), so that it keeps running; full size by hand.

export interface BenchResult {
  readonly samples: number;
  readonly rows: number;
  /** CPU seconds per million samples. */
  readonly append: number;
  readonly close: number;
  readonly checkpoint: number;
  /** Of open windows, per series: points, and names with tables. */
  readonly pointBytes: number;
  readonly seriesBytes: number;
  /** Of the row batches, per row. */
  readonly rowBytes: number;
}

const SERIES_PER_BATCH = 1_000;
const SCRAPE_MS = 10_000;
const START_MS = 1_700_000_040_000;

/** Measures `minutes` after `warmupMinutes` in which windows fill the pool and code gets compiled. */
export async function benchOneMinute(series: number, minutes: number, warmupMinutes: number): Promise<BenchResult> {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-rollup-bench-'));
  try {
    return await run(nodeDisk(root), series, minutes, warmupMinutes);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function run(disk: Disk, series: number, minutes: number, warmupMinutes: number): Promise<BenchResult> {
  const driver = await TopologyTestDriver.start(createRollupTopology({ generation: 1 }), { startMs: START_MS, disk });
  const scrapes = scrapeTemplates(series);
  const cpu = { append: 0, close: 0, checkpoint: 0 };
  let samples = 0;
  let rows = 0;
  let rowBytes = 0;
  const scrapesPerMinute = 60_000 / SCRAPE_MS;
  for (let at = 0; at < (warmupMinutes + minutes) * scrapesPerMinute; at++) {
    const measured = at >= warmupMinutes * scrapesPerMinute;
    for (let i = 0; i < scrapes.length; i++) {
      // Batches of a scrape come spread over its interval.
      const nowMs = START_MS + at * SCRAPE_MS + Math.floor((i * SCRAPE_MS) / scrapes.length);
      const batch = scrapeAt(scrapes[i] as SampleBatch, nowMs, at);
      const value = encodeSampleBatch(batch);
      const startUs = cpuUs();
      driver.pipe('tidemark.raw', { value, timestampMs: nowMs });
      const tookUs = cpuUs() - startUs;
      const sent = driver.outputs('tidemark.1m');
      if (measured) {
        samples += batch.values.length;
        cpu[sent.length > 0 ? 'close' : 'append'] += tookUs;
        for (const record of sent) {
          rows += decodeRowBatch(record.value as Uint8Array).rows.length;
          rowBytes += record.value?.length ?? 0;
        }
      }
      if (!driver.commitRequested) continue;
      const checkpointUs = cpuUs();
      await driver.checkpoint();
      if (measured) cpu.checkpoint += cpuUs() - checkpointUs;
    }
  }
  const memory = driver.store<WindowPointStore>(OPEN_WINDOWS).memoryBytes();
  await driver.close();
  assert(rows > 0, 'the run is long enough to close a window');
  return {
    samples,
    rows,
    append: cpu.append / samples,
    close: cpu.close / samples,
    checkpoint: cpu.checkpoint / samples,
    pointBytes: memory.points / series,
    seriesBytes: memory.series / series,
    rowBytes: rowBytes / rows,
  };
}

/** Microseconds of CPU so far; per sample they are CPU seconds per million samples. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function scrapeTemplates(series: number): SampleBatch[] {
  const scrapes: SampleBatch[] = [];
  for (let first = 0; first < series; first += SERIES_PER_BATCH) {
    const builder = new BatchBuilder('default');
    for (let i = first; i < Math.min(series, first + SERIES_PER_BATCH); i++) {
      const labels = labelsOf({
        __name__: `node_cpu_seconds_${i % 50}_total`,
        instance: `webserver${Math.floor(i / 200)}.eu-west.example.com:9100`,
        job: 'node',
        mode: ['idle', 'user', 'system', 'iowait'][i % 4] as string,
        cpu: `${i % 16}`,
        series: `${i}`,
      });
      builder.addLabels(labels, START_MS, i, 'counter');
    }
    scrapes.push(builder.build(START_MS));
  }
  return scrapes;
}

/** The same series a scrape later: the section is the same object, as from a decoder that met it before. */
function scrapeAt(template: SampleBatch, nowMs: number, at: number): SampleBatch {
  const values = template.values.map((value, i) => value + at * ((i % 90) / 10));
  return { ...template, admittedAtMs: nowMs, timestampsMs: template.timestampsMs.map(() => nowMs), values };
}

function reportLines(result: BenchResult): string[] {
  const { samples, rows, append, close, checkpoint } = result;
  return [
    `${samples} samples, ${rows} rows; CPU seconds per million samples:`,
    `  append ${append.toFixed(3)}  close+fold+encode ${close.toFixed(3)}  checkpoint ${checkpoint.toFixed(3)}  all ${(append + close + checkpoint).toFixed(3)}`,
    `bytes: ${result.pointBytes.toFixed(0)} of points and ${result.seriesBytes.toFixed(0)} of names per series, ${result.rowBytes.toFixed(1)} per row`,
  ];
}

if (import.meta.main) {
  const result = await benchOneMinute(Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 10), 8);
  process.stdout.write(`${reportLines(result).join('\n')}\n`);
}
