import { readScrapeConfigs, type ScrapeConfig } from './config.ts';
import { pageRules, readPage } from './read-page.ts';
import { SeriesMemory } from './series-memory.ts';

// What a scraped page costs from text to columns, in microseconds a series.
//
//   first     no series is known yet
//   steady    the same page again, with other values
//
//   node -C source packages/collector/src/scrape/read-page.bench.ts

export interface PageBench {
  readonly first: number;
  readonly steady: number;
  readonly pageBytes: number;
}

const TENANT = 'default';
const SERIES_PER_METRIC = 200;

/** The median of so many passes. */
export function benchReadPage(seriesCount: number, passes: number): PageBench {
  const [config] = readScrapeConfigs([{ job_name: 'bench' }]).configs;
  const rules = pageRules(config as ScrapeConfig, [
    { name: 'instance', value: 'host-1.example:9100' },
    { name: 'job', value: 'bench' },
  ]);
  const pages = [pageOf(seriesCount, 1), pageOf(seriesCount, 2)];
  const options = { samplesExpected: seriesCount, keepMetadata: false };
  const first: number[] = [];
  const steady: number[] = [];
  for (let pass = 0; pass < passes; pass++) {
    const memory = new SeriesMemory(TENANT, []);
    for (let scrape = 0; scrape < 6; scrape++) {
      const page = { bytes: pages[scrape % 2] as Uint8Array, isOpenMetrics: false };
      const start = performance.now();
      memory.begin();
      const read = readPage(page, scrape * 1000, memory, rules, options);
      memory.finish(read.error === undefined);
      memory.section();
      memory.tidy();
      (scrape === 0 ? first : steady).push(((performance.now() - start) * 1000) / seriesCount);
      if (read.kept !== seriesCount) throw new Error(`${read.kept} of ${seriesCount} samples: ${read.error}`);
    }
  }
  return { first: median(first), steady: median(steady), pageBytes: (pages[0] as Uint8Array).length };
}

function pageOf(seriesCount: number, factor: number): Uint8Array {
  const lines: string[] = [];
  for (let i = 0; i < seriesCount; i++) {
    const metric = `bench_${Math.floor(i / SERIES_PER_METRIC)}_seconds_total`;
    if (i % SERIES_PER_METRIC === 0) lines.push(`# HELP ${metric} Something.`, `# TYPE ${metric} counter`);
    const cpu = i % SERIES_PER_METRIC;
    lines.push(`${metric}{cpu="${cpu}",device="sda${cpu % 7}",mode="user"} ${(i * factor * 1.37).toFixed(2)}`);
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
}

if (import.meta.main) {
  for (const seriesCount of [1000, 10_000]) {
    const { first, steady, pageBytes } = benchReadPage(seriesCount, 20);
    const text = `${seriesCount} series, ${pageBytes} bytes: first ${first.toFixed(2)} us a series, steady ${steady.toFixed(2)}`;
    process.stdout.write(`${text}\n`);
  }
}
