import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, type Disk, nodeDisk } from '@tidemark/base';
import { BatchBuilder, decodeRowBatch, encodeSampleBatch, labelsOf, type SampleBatch } from '@tidemark/model';
import type { HourStore } from '../state/hour-store.ts';
import type { WindowPointStore } from '../state/window-store.ts';
import { TopologyTestDriver } from '../testing/topology-driver.ts';
import { createRollupTopology, OPEN_HOURS, OPEN_WINDOWS } from './rollup-topology.ts';

// What the rollup of minutes and hours costs a process that decoded the batches already: series at 10 s, 1,000 series a batch, in the
// order of the scrape before. Phases by the CPU time of the process:
//
//   append       scrapes that close no window
//   close        what those that close one cost more: folding, encoding, forgetting; once, an hour's rows beside
//   checkpoint   window files, manifest, fsync on a real disk
//
//   node -C source packages/stream-rollup/src/rollups/one-minute.bench.ts [series] [minutes]
//
// Small in `npm test` (one-minute.bench.test.ts), so that it keeps running; full size by hand.

export interface BenchResult {
  readonly samples: number;
  readonly rows: number;
  readonly hourRows: number;
  /** CPU seconds per million samples. */
  readonly append: number;
  readonly close: number;
  readonly checkpoint: number;
  /** Of open windows, per series: points, and names with tables. */
  readonly pointBytes: number;
  readonly seriesBytes: number;
  /** Blocks that wait for the next window, and rows of the open hour, per series. */
  readonly poolBytes: number;
  /** Of points and pool together, after any scrape. */
  readonly peakBytes: number;
  readonly hourBytes: number;
  /** Of the row batches, per row. */
  readonly rowBytes: number;
}

const SERIES_PER_BATCH = 1_000;
const SCRAPE_MS = 10_000;
const HOUR_END_MS = 1_700_006_400_000;

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
  // An hour ends in the middle of what is measured; its share of the cost is that of `minutes`, not of sixty.
  const beginMs = HOUR_END_MS - (warmupMinutes + Math.floor(minutes / 2)) * 60_000;
  const driver = await TopologyTestDriver.start(createRollupTopology({ generation: 1 }), { startMs: beginMs, disk });
  const templates = scrapeTemplates(series, beginMs);
  const scrapesPerMinute = 60_000 / SCRAPE_MS;
  const quiet = { samples: 0, cpu: 0 };
  const closing = { samples: 0, cpu: 0 };
  let checkpointCpu = 0;
  let rows = 0;
  let rowBytes = 0;
  let hourRows = 0;
  let peakBytes = 0;
  const windows = driver.store<WindowPointStore>(OPEN_WINDOWS);
  for (let at = 0; at < (warmupMinutes + minutes) * scrapesPerMinute; at++) {
    const measured = at >= warmupMinutes * scrapesPerMinute;
    // The first scrape of a minute passes the moment at which the minute before goes out.
    const phase = at % scrapesPerMinute === 0 ? closing : quiet;
    const startMs = beginMs + at * SCRAPE_MS;
    // Batches of a scrape come spread over its interval.
    const spread = (i: number) => startMs + Math.floor((i * SCRAPE_MS) / templates.length);
    const values = templates.map((template, i) => encodeSampleBatch(scrapeAt(template, spread(i), at)));
    // Asking for CPU time costs some 40 us: once per scrape, not per batch.
    const startUs = cpuUs();
    for (let i = 0; i < values.length; i++) {
      driver.pipe('tidemark.raw', { value: values[i] as Uint8Array, timestampMs: spread(i) });
    }
    const pipedUs = cpuUs();
    if (driver.commitRequested) await driver.checkpoint();
    const checkpointUs = cpuUs() - pipedUs;
    const sent = driver.outputs('tidemark.1m');
    const sentOfHours = driver.outputs('tidemark.1h');
    if (!measured) continue;
    const { points, pool } = windows.memoryBytes();
    peakBytes = Math.max(peakBytes, points + pool);
    phase.samples += series;
    phase.cpu += pipedUs - startUs;
    if (phase === closing) checkpointCpu += checkpointUs;
    for (const { value } of sent) {
      rows += decodeRowBatch(value as Uint8Array).rows.length;
      rowBytes += value?.length ?? 0;
    }
    for (const { value } of sentOfHours) hourRows += decodeRowBatch(value as Uint8Array).rows.length;
  }
  const memory = windows.memoryBytes();
  const hourBytes = driver.store<HourStore>(OPEN_HOURS).memoryBytes;
  await driver.close();
  assert(rows > 0, 'the run is long enough to close a window');
  const samples = quiet.samples + closing.samples;
  const append = quiet.cpu / quiet.samples;
  return {
    samples,
    rows,
    hourRows,
    append,
    close: (closing.cpu - append * closing.samples) / samples,
    checkpoint: checkpointCpu / samples,
    pointBytes: memory.points / series,
    seriesBytes: memory.series / series,
    poolBytes: memory.pool / series,
    peakBytes: peakBytes / series,
    hourBytes: hourBytes / series,
    rowBytes: rowBytes / rows,
  };
}

/** Microseconds of CPU so far; per sample they are CPU seconds per million samples. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function scrapeTemplates(series: number, beginMs: number): SampleBatch[] {
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
      builder.addLabels(labels, beginMs, i, 'counter');
    }
    scrapes.push(builder.build(beginMs));
  }
  return scrapes;
}

/** The same series a scrape later: the section is the same object, as from a decoder that met it before. */
function scrapeAt(template: SampleBatch, nowMs: number, at: number): SampleBatch {
  const values = template.values.map((value, i) => value + at * ((i % 90) / 10));
  return { ...template, admittedAtMs: nowMs, timestampsMs: template.timestampsMs.map(() => nowMs), values };
}

function reportLines(result: BenchResult): string[] {
  const { samples, rows, hourRows, append, close, checkpoint } = result;
  return [
    `${samples} samples, ${rows} rows of minutes, ${hourRows} of hours; CPU seconds per million samples:`,
    `  append ${append.toFixed(3)}  close+fold+encode ${close.toFixed(3)}  checkpoint ${checkpoint.toFixed(3)}  all ${(append + close + checkpoint).toFixed(3)}`,
    `bytes: ${result.pointBytes.toFixed(0)} of points and ${result.seriesBytes.toFixed(0)} of names per series, ${result.hourBytes.toFixed(0)} of hours, ${result.poolBytes.toFixed(0)} in the pool (${result.peakBytes.toFixed(0)} with points at most); ${result.rowBytes.toFixed(1)} per row`,
  ];
}

if (import.meta.main) {
  const result = await benchOneMinute(Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 10), 8);
  process.stdout.write(`${reportLines(result).join('\n')}\n`);
}
