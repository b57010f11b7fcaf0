import { type Logger, Mutex, messageOf } from '@tidemark/base';
import type { Labels, MetricMetadata } from '@tidemark/model';
import type { Discovery } from '../discovery/group.ts';
import type { ScrapeConfig } from './config.ts';
import { type LoopParts, ScrapeLoop } from './loop.ts';
import { type Target, targetsOf } from './target.ts';

// The targets of one job: what its discoveries find, relabelled, a loop for each.
//
//   discoveries --groups--> targets --compare with loops--> start new ones, end those that are gone, leave the rest alone
//
// A loop that gives way to another for the same labels (a new interval, other relabel rules) hands it its series: they go on.

export interface TargetStatus {
  readonly pool: string;
  readonly labels: Labels;
  readonly discoveredLabels: Labels;
  readonly scrapeUrl: string;
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly health: 'up' | 'down' | 'unknown';
  /** '' when the last scrape went well. */
  readonly lastError: string;
  /** NaN before the first scrape. */
  readonly lastScrapeMs: number;
  readonly lastScrapeDurationSeconds: number;
  /** As the page has it, by metric family. */
  readonly metadata: readonly MetricMetadata[];
}

export interface DroppedTarget {
  readonly pool: string;
  readonly discoveredLabels: Labels;
  /** '' when relabelling says so; else what is wrong with it. */
  readonly reason: string;
}

export interface PoolParts extends LoopParts {
  readonly logger: Logger;
  discoveriesOf(config: ScrapeConfig): readonly Discovery[];
}

// One process scrapes so many at 15 s only on a good day; beyond it a discovery went wrong.
const TARGETS_MAX = 50_000;
// Shown to people; all are counted.
const DROPPED_MAX = 1000;

export class ScrapePool {
  readonly #parts: PoolParts;
  readonly #changes = new Mutex();
  #config: ScrapeConfig;
  #discoveries: readonly Discovery[] = [];
  #loops = new Map<string, ScrapeLoop>();
  #dropped: readonly DroppedTarget[] = [];
  #droppedCount = 0;
  #refusal: string | undefined;
  #isClosed = false;

  constructor(config: ScrapeConfig, parts: PoolParts) {
    this.#config = config;
    this.#parts = { ...parts, refusal: () => this.#refusal };
  }

  /** Resolves when its targets are known for the first time. */
  async start(): Promise<void> {
    await this.#discover(this.#config);
    await this.#sync(false);
  }

  async apply(config: ScrapeConfig): Promise<void> {
    if (config.fingerprint === this.#config.fingerprint) return;
    const restart = config.scrapeFingerprint !== this.#config.scrapeFingerprint;
    this.#config = config;
    await this.#discover(config);
    await this.#sync(restart);
  }

  targets(): readonly TargetStatus[] {
    return [...this.#loops.values()].map(({ target, last, metadata }) => ({
      pool: this.#config.jobName,
      labels: target.labels,
      discoveredLabels: target.discoveredLabels,
      scrapeUrl: target.url,
      scrapeIntervalMs: target.intervalMs,
      scrapeTimeoutMs: target.timeoutMs,
      ...last,
      metadata,
    }));
  }

  /** The first of them. */
  dropped(): readonly DroppedTarget[] {
    return this.#dropped;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  problems(): readonly string[] {
    return this.#discoveries.flatMap((discovery) => discovery.problems());
  }

  /** Stops; `ends`: the job is gone, so its series end with stale markers. */
  async close(ends: boolean): Promise<void> {
    this.#isClosed = true;
    for (const discovery of this.#discoveries) discovery.close();
    await this.#changes.run(async () => {
      await Promise.all([...this.#loops.values()].map((loop) => (ends ? loop.end() : loop.stop())));
      this.#loops.clear();
    });
  }

  async #discover(config: ScrapeConfig): Promise<void> {
    const old = this.#discoveries;
    const fresh = this.#parts.discoveriesOf(config);
    await Promise.all(
      fresh.map((discovery) =>
        discovery.start(() => {
          this.#sync(false).catch((error: unknown) => {
            this.#parts.logger.error('targets could not be taken over', {
              job: config.jobName,
              reason: messageOf(error),
            });
          });
        }),
      ),
    );
    this.#discoveries = fresh;
    for (const discovery of old) discovery.close();
    if (this.#isClosed) for (const discovery of fresh) discovery.close();
  }

  #sync(restart: boolean): Promise<void> {
    return this.#changes.run(async () => {
      if (this.#isClosed) return;
      const wanted = this.#findTargets();
      const { targetLimit } = this.#config;
      this.#refusal =
        targetLimit > 0 && wanted.size > targetLimit
          ? `the job has ${wanted.size} targets, more than target_limit ${targetLimit}`
          : undefined;
      const leaving = [...this.#loops].filter(([key]) => restart || !wanted.has(key)).map(([, loop]) => loop);
      const coming = [...wanted.values()].filter((target) => restart || !this.#loops.has(target.key));
      const heirs = new Set(coming.map((target) => JSON.stringify(target.labels)));
      const before = new Map<string, ScrapeLoop>();
      await Promise.all(
        leaving.map((loop) => {
          const labels = JSON.stringify(loop.target.labels);
          this.#loops.delete(loop.target.key);
          if (!heirs.has(labels) || before.has(labels)) return loop.end();
          before.set(labels, loop);
          return loop.stop();
        }),
      );
      for (const target of coming) {
        const labels = JSON.stringify(target.labels);
        const loop = new ScrapeLoop(target, this.#config, this.#parts, before.get(labels));
        before.delete(labels);
        this.#loops.set(target.key, loop);
        loop.start();
      }
    });
  }

  #findTargets(): Map<string, Target> {
    const config = this.#config;
    const wanted = new Map<string, Target>();
    const dropped: DroppedTarget[] = [];
    this.#droppedCount = 0;
    const drop = (discoveredLabels: Labels, reason: string) => {
      this.#droppedCount++;
      if (dropped.length < (config.keepDroppedTargets || DROPPED_MAX))
        dropped.push({ pool: config.jobName, discoveredLabels, reason });
    };
    for (const group of this.#discoveries.flatMap((discovery) => discovery.groups())) {
      for (const outcome of targetsOf(config, group)) {
        if (outcome.kind === 'dropped') drop(outcome.discoveredLabels, '');
        else if (outcome.kind === 'wrong') drop(outcome.discoveredLabels, outcome.reason);
        else if (wanted.size >= TARGETS_MAX && !wanted.has(outcome.target.key)) {
          drop(outcome.target.discoveredLabels, `a job has at most ${TARGETS_MAX} targets`);
        } else wanted.set(outcome.target.key, outcome.target);
      }
    }
    const wrong = dropped.find(({ reason }) => reason !== '');
    if (wrong) this.#parts.logger.warn('a target cannot be scraped', { job: config.jobName, reason: wrong.reason });
    this.#dropped = dropped;
    return wanted;
  }
}
