import type { Clock, Logger, Random, SelfMetrics } from '@tidemark/base';
import { type ScrapeConfig, type ScrapeManager, startHostCollector, startScrapeManager } from '@tidemark/collector';
import { DEFAULT_TENANT, formatDuration, type Labels, type SampleSink } from '@tidemark/model';
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
  /** `data` of /api/v1/targets. */
  targetsJson(): unknown;
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
  return { targetsJson: () => targetsAnswer(scraper), close: () => owned.disposeAsync() };
}

/** As Prometheus answers: active targets with health and last error, dropped ones with what discovery said of them. */
function targetsAnswer(scraper: ScrapeManager): unknown {
  const counts: Record<string, number> = {};
  for (const { pool } of scraper.dropped()) counts[pool] = (counts[pool] ?? 0) + 1;
  return {
    activeTargets: scraper.targets().map((target) => ({
      discoveredLabels: record(target.discoveredLabels),
      labels: record(target.labels),
      scrapePool: target.pool,
      scrapeUrl: target.scrapeUrl,
      globalUrl: target.scrapeUrl,
      lastError: target.lastError,
      lastScrape: Number.isNaN(target.lastScrapeMs) ? NEVER : new Date(target.lastScrapeMs).toISOString(),
      lastScrapeDuration: Number.isNaN(target.lastScrapeDurationSeconds) ? 0 : target.lastScrapeDurationSeconds,
      health: target.health,
      scrapeInterval: formatDuration(target.scrapeIntervalMs),
      scrapeTimeout: formatDuration(target.scrapeTimeoutMs),
    })),
    droppedTargets: scraper
      .dropped()
      .map(({ pool, discoveredLabels }) => ({ discoveredLabels: record(discoveredLabels), scrapePool: pool })),
    droppedTargetCounts: counts,
  };
}

const NEVER = '0001-01-01T00:00:00Z';

function record(labels: Labels): Record<string, string> {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]));
}
