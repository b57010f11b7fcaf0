import type { Clock, Logger, Random, SelfMetrics } from '@tidemark/base';
import { type ScrapeConfig, type ScrapeManager, startHostCollector, startScrapeManager } from '@tidemark/collector';
import { DEFAULT_TENANT, type SampleSink } from '@tidemark/model';
import { parse as parseYaml } from 'yaml';
import type { Config } from '../config/schema.ts';

// What this process fetches itself: the host's own metrics, and targets to scrape.

export interface CollectorParts {
  readonly config: Config;
  readonly scrapeConfigs: readonly ScrapeConfig[];
  /** `protocol` is the name in the metrics of taking in. */
  readonly sinkFor: (protocol: string) => SampleSink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

export interface Collector {
  readonly scraper: ScrapeManager;
  close(): Promise<void>;
}

export async function startCollector(parts: CollectorParts): Promise<Collector> {
  const { config, scrapeConfigs, sinkFor, clock, random, logger, metrics } = parts;
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
  await scraper.apply(scrapeConfigs);
  const owned = started.move();
  return { scraper, close: () => owned.disposeAsync() };
}
