import type { Clock, Logger, Random, SelfMetrics } from '@tidemark/base';
import {
  readScrapeConfigs,
  type ScrapeConfig,
  type ScrapeManager,
  startHostCollector,
  startScrapeManager,
} from '@tidemark/collector';
import { DEFAULT_TENANT, formatDuration, type SampleSink } from '@tidemark/model';
import { parse as parseYaml } from 'yaml';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

// What this process fetches itself: the host's own metrics, and targets to scrape.

export interface CollectorParts {
  readonly config: Config;
  /** `protocol` is the name in the metrics of taking in. */
  readonly sinkFor: (protocol: string) => SampleSink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

export interface Collector {
  readonly scraper: ScrapeManager;
  /** Scrapes what this configuration says, and the process itself at `ownUrl`. */
  scrape(loaded: LoadedConfig, ownUrl: string): Promise<void>;
  close(): Promise<void>;
}

export async function startCollector(parts: CollectorParts): Promise<Collector> {
  const { config, sinkFor, clock, random, logger, metrics } = parts;
  const { host, hostInterval, instance } = config.collector;
  await using started = new AsyncDisposableStack();
  const shared = { clock, logger, metrics, tenant: DEFAULT_TENANT };
  if (host) {
    const collector = startHostCollector({ ...shared, sink: sinkFor('host'), intervalMs: hostInterval, instance });
    started.defer(() => collector.close());
  }
  const scraper = startScrapeManager({
    ...shared,
    sink: sinkFor('scrape'),
    random,
    parseYaml: (text) => parseYaml(text) as unknown,
  });
  started.defer(() => scraper.close());
  const owned = started.move();
  return {
    scraper,
    scrape: (loaded, ownUrl) => scraper.apply([...loaded.scrapeConfigs, ...ownJob(loaded, ownUrl)]),
    close: () => owned.disposeAsync(),
  };
}

const OWN_JOB = 'tidemark';

/** None when that is not wanted, or somebody gave a job of that name. */
function ownJob({ config, scrapeConfigs }: LoadedConfig, ownUrl: string): readonly ScrapeConfig[] {
  if (!config.collector.self || scrapeConfigs.some(({ jobName }) => jobName === OWN_JOB)) return [];
  const { host } = new URL(ownUrl);
  const { configs } = readScrapeConfigs([
    {
      job_name: OWN_JOB,
      scrape_interval: formatDuration(config.collector.selfInterval),
      static_configs: [{ targets: [host.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, 'localhost')] }],
    },
  ]);
  return configs;
}
