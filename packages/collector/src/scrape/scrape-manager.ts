import { type Clock, type Logger, Mutex, messageOf, type Random, type SelfMetrics } from '@tidemark/base';
import type { SampleSink } from '@tidemark/model';
import { type DiscoveryFiles, nodeDiscoveryFiles } from '../discovery/discovery-files.ts';
import { dnsDiscovery, nodeResolve, type Resolve } from '../discovery/dns.ts';
import { fileDiscovery } from '../discovery/file.ts';
import { httpDiscovery } from '../discovery/http.ts';
import { staticDiscovery } from '../discovery/static.ts';
import type { ScrapeConfig } from './config.ts';
import { type Delivery, startDelivery } from './delivery.ts';
import { nodeScrapeFetch, type ScrapeFetch } from './fetch.ts';
import { type DroppedTarget, ScrapePool, type TargetStatus } from './pool.ts';
import { type ScrapeMetrics, scrapeMetrics } from './scrape-metrics.ts';

// All jobs. A new configuration leaves every job, and every target, that is in it unchanged alone.

export interface ScrapeManagerOptions {
  readonly sink: SampleSink;
  readonly clock: Clock;
  /** Draws the seed of the offsets inside the interval, so that two collectors of the same targets do not ask together. */
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly tenant: string;
  /** Throws on bad YAML; for target files. */
  readonly parseYaml: (text: string) => unknown;
  /** Default: node:http with kept connections. */
  readonly fetch?: ScrapeFetch;
  readonly files?: DiscoveryFiles;
  /** Default: the system's name servers. */
  readonly resolve?: Resolve;
}

export interface ScrapeManager {
  /** Resolves when the targets of every job are known and what is gone has stopped. One at a time, in order. */
  apply(configs: readonly ScrapeConfig[]): Promise<void>;
  targets(): readonly TargetStatus[];
  /** The first thousand of each job. */
  dropped(): readonly DroppedTarget[];
  /** All of them, by job. */
  droppedCounts(): ReadonlyMap<string, number>;
  /** What is wrong with target files now. */
  problems(): readonly string[];
  /** Stops scraping, gives what waits one last try. Series do not end by it. Twice is fine. */
  close(): Promise<void>;
}

interface Running {
  readonly pool: ScrapePool;
  /** Closes its connections. */
  readonly release: () => void;
}

export function startScrapeManager(options: ScrapeManagerOptions): ScrapeManager {
  return new Manager(options);
}

class Manager implements ScrapeManager {
  readonly #options: ScrapeManagerOptions;
  readonly #logger: Logger;
  readonly #delivery: Delivery;
  readonly #metrics: ScrapeMetrics;
  readonly #offsetSeed: number;
  readonly #changes = new Mutex();
  readonly #jobs = new Map<string, Running>();
  #closing: Promise<void> | undefined;

  constructor(options: ScrapeManagerOptions) {
    const { sink, clock, metrics } = options;
    this.#options = options;
    this.#logger = options.logger.child('scrape');
    this.#metrics = scrapeMetrics(metrics);
    this.#delivery = startDelivery({ sink, clock, logger: this.#logger, metrics: this.#metrics });
    this.#offsetSeed = options.random.below(2 ** 32);
    metrics.gaugeFrom('tidemark_scrape_batches_waiting', 'Batches of scraped samples that wait for the sink.', () =>
      this.#delivery.waiting(),
    );
    metrics.gaugesFrom('tidemark_scrape_targets', 'Targets by health of the last scrape.', ['health'], () => {
      const targets = this.targets();
      return ['up', 'down', 'unknown'].map((health) => [
        [health],
        targets.filter((target) => target.health === health).length,
      ]);
    });
    metrics.gaugeFrom('tidemark_scrape_targets_dropped', 'Targets found that are not scraped.', () =>
      [...this.#jobs.values()].reduce((count, { pool }) => count + pool.droppedCount, 0),
    );
  }

  apply(configs: readonly ScrapeConfig[]): Promise<void> {
    return this.#changes.run(async () => {
      if (this.#closing) return;
      const names = new Set(configs.map((config) => config.jobName));
      const gone = [...this.#jobs].filter(([name]) => !names.has(name));
      for (const [name] of gone) this.#jobs.delete(name);
      await Promise.all(gone.map(([, job]) => stop(job, true)));
      await Promise.all(configs.map((config) => this.#applyOne(config)));
    });
  }

  targets(): readonly TargetStatus[] {
    return [...this.#jobs.values()].flatMap(({ pool }) => pool.targets());
  }

  dropped(): readonly DroppedTarget[] {
    return [...this.#jobs.values()].flatMap(({ pool }) => pool.dropped());
  }

  droppedCounts(): ReadonlyMap<string, number> {
    return new Map([...this.#jobs].map(([name, { pool }]) => [name, pool.droppedCount]));
  }

  problems(): readonly string[] {
    return [...this.#jobs.values()].flatMap(({ pool }) => pool.problems());
  }

  close(): Promise<void> {
    this.#closing ??= this.#changes.run(async () => {
      await Promise.all([...this.#jobs.values()].map((job) => stop(job, false)));
      this.#jobs.clear();
      await this.#delivery.close();
    });
    return this.#closing;
  }

  #applyOne(config: ScrapeConfig): Promise<void> {
    const running = this.#jobs.get(config.jobName);
    if (running) return running.pool.apply(config);
    const job = this.#job(config);
    this.#jobs.set(config.jobName, job);
    return job.pool.start();
  }

  #job(config: ScrapeConfig): Running {
    const { clock, tenant, parseYaml } = this.#options;
    const logger = this.#logger;
    const files = this.#options.files ?? nodeDiscoveryFiles();
    const own = this.#options.fetch ? undefined : nodeScrapeFetch();
    const fetch = this.#options.fetch ?? (own as { fetch: ScrapeFetch }).fetch;
    const resolve = this.#options.resolve ?? nodeResolve();
    const pool = new ScrapePool(config, {
      clock,
      tenant,
      logger,
      metrics: this.#metrics,
      offsetSeed: this.#offsetSeed,
      fetch,
      files,
      deliver: (key, batch) => this.#delivery.put(key, batch),
      onFailure: (target, error) =>
        logger.error('a target is no longer scraped', { url: target.url, reason: messageOf(error) }),
      discoveriesOf: ({ staticGroups, fileSd, httpSd, dnsSd }) => [
        staticDiscovery(staticGroups),
        ...fileSd.map(({ files: patterns, refreshIntervalMs }) =>
          fileDiscovery({ patterns, refreshIntervalMs, parseYaml, files, clock, logger }),
        ),
        ...httpSd.map((sd) => httpDiscovery({ ...sd, fetch, files, clock, logger })),
        ...dnsSd.map((sd) => dnsDiscovery({ ...sd, resolve, clock, logger })),
      ],
    });
    return { pool, release: () => own?.close() };
  }
}

async function stop({ pool, release }: Running, ends: boolean): Promise<void> {
  await pool.close(ends);
  release();
}
