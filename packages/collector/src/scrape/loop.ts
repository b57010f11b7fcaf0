import { type Clock, hash32, messageOf, TaskGroup, TidemarkError } from '@tidemark/base';
import { type Labels, labelsOf, METRIC_NAME, type MetricMetadata, type SampleBatch } from '@tidemark/model';
import type { DiscoveryFiles } from '../discovery/discovery-files.ts';
import { fetchPage, type Page } from './body.ts';
import type { ScrapeConfig } from './config.ts';
import type { ScrapeFetch } from './fetch.ts';
import { authorizationOf } from './http-client.ts';
import { type PageRules, pageRules, type ReadPage, readPage } from './read-page.ts';
import { SampleColumns } from './sample-columns.ts';
import type { ScrapeMetrics } from './scrape-metrics.ts';
import { SeriesMemory } from './series-memory.ts';
import type { Target } from './target.ts';

// One target, scraped again and again.
//
//   |-- interval --|-- interval --|        a target's own offset inside the interval spreads the load and stays the same
//   .....^..............^..............^
//        ask, read whole, parse, relabel --> one batch: samples, stale markers of what ended, then the report
//                                            any failure: stale markers of all, up 0
//
// A scrape's samples have the time at which it was due, unless it began late or the page names times itself.

export interface LoopParts {
  readonly clock: Clock;
  readonly fetch: ScrapeFetch;
  /** For credentials that stand in files. */
  readonly files: Pick<DiscoveryFiles, 'read'>;
  readonly metrics: ScrapeMetrics;
  readonly tenant: string;
  readonly offsetSeed: number;
  /** Why no target of the job may be scraped now, if so. */
  refusal?(): string | undefined;
  deliver(key: string, batch: SampleBatch): void;
  onFailure(target: Target, error: unknown): void;
}

export interface LastScrape {
  readonly health: 'up' | 'down' | 'unknown';
  readonly lastError: string;
  /** NaN before the first. */
  readonly lastScrapeMs: number;
  readonly lastScrapeDurationSeconds: number;
}

const NEVER: LastScrape = {
  health: 'unknown',
  lastError: '',
  lastScrapeMs: Number.NaN,
  lastScrapeDurationSeconds: 0,
};

const REPORT = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const;

// A scrape that begins within this of its time has that time: evenly spaced times cost next to nothing to store.
const PUNCTUAL_SHARE = 0.01;
const PUNCTUAL_MS_MAX = 50;
// Metadata changes with a release of the target; reading it costs more than the samples do.
const METADATA_EVERY_MS = 10 * 60_000;
const SPARE_SAMPLES = 64;

export class ScrapeLoop {
  readonly target: Target;
  readonly #config: ScrapeConfig;
  readonly #parts: LoopParts;
  readonly #tasks: TaskGroup;
  readonly #memory: SeriesMemory;
  readonly #rules: PageRules;
  /** Batches of the same labels keep their order, also from one loop to the next. */
  readonly #lane: string;
  #last: LastScrape;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #samplesExpected = 0;
  #metadataDueMs = Number.NEGATIVE_INFINITY;
  #metadata: readonly MetricMetadata[] = [];

  /** `before`: the loop that scraped the same labels until now, stopped; its series go on in this one. */
  constructor(target: Target, config: ScrapeConfig, parts: LoopParts, before?: ScrapeLoop) {
    this.target = target;
    this.#config = config;
    this.#parts = parts;
    this.#rules = pageRules(config, target.labels);
    this.#lane = JSON.stringify(target.labels);
    this.#tasks = new TaskGroup((_, error) => {
      this.#last = {
        ...this.#last,
        health: 'down',
        lastError: `no longer scraped, by a fault of ours: ${messageOf(error)}`,
      };
      parts.onFailure(target, error);
    });
    this.#memory = before
      ? before.#memory
      : new SeriesMemory(
          parts.tenant,
          REPORT.map((name) => named(target.labels, name)),
        );
    this.#memory.forgetTexts();
    this.#last = before ? before.#last : NEVER;
    if (before) {
      this.#lastAtMs = before.#lastAtMs;
      this.#metadata = before.#metadata;
    }
  }

  get last(): LastScrape {
    return this.#last;
  }

  /** What the page said of its metrics when it was last read for that: within ten minutes. */
  get metadata(): readonly MetricMetadata[] {
    return this.#metadata;
  }

  start(): void {
    this.#tasks.spawn('scraping', (signal) => this.#run(signal));
  }

  /** Stops; a scrape under way is given up. Its series may go on in another loop, or after a restart. */
  stop(): Promise<void> {
    return this.#tasks.close();
  }

  /** Stops for good: the target is gone, so its series and its report end with stale markers. */
  async end(): Promise<void> {
    await this.stop();
    if (this.#lastAtMs === Number.NEGATIVE_INFINITY) return;
    const atMs = Math.max(this.#parts.clock.nowMs(), this.#lastAtMs + 1);
    this.#memory.begin();
    const ended = this.#memory.finish(false).filter((ref) => ref >= REPORT.length);
    const columns = new SampleColumns(ended.length + REPORT.length);
    for (const ref of ended) columns.addStale(ref, atMs);
    for (const ref of REPORT.keys()) columns.addStale(ref, atMs);
    this.#deliver(columns, atMs, []);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, metrics, offsetSeed } = this.#parts;
    const { intervalMs, key } = this.target;
    const offsetMs = hash32(Buffer.from(key), undefined, undefined, offsetSeed) % intervalMs;
    let tick = Math.ceil((clock.nowMs() - offsetMs) / intervalMs);
    while (!signal.aborted) {
      const dueMs = tick * intervalMs + offsetMs;
      await clock.sleep(dueMs - clock.nowMs(), signal);
      await this.#scrape(dueMs, signal);
      const next = Math.floor((clock.nowMs() - offsetMs) / intervalMs) + 1;
      // A timer may fire a little early: the tick just done is then still to come. Further back, the clock was put back.
      const following = next === tick ? tick + 1 : next;
      metrics.missed.add(Math.max(0, following - tick - 1));
      tick = following;
    }
  }

  async #scrape(dueMs: number, signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#parts;
    const punctualMs = Math.min(this.target.intervalMs * PUNCTUAL_SHARE, PUNCTUAL_MS_MAX);
    const nowMs = clock.nowMs();
    const atMs = Math.abs(nowMs - dueMs) <= punctualMs ? dueMs : nowMs;
    const beganMs = clock.monotonicMs();
    const refusal = this.#parts.refusal?.();
    const asked = refusal === undefined ? await this.#ask(signal) : { error: refusal };
    if (signal.aborted) return;
    this.#memory.begin();
    const read = asked.page ? this.#read(asked.page, atMs) : undefined;
    const error = asked.error ?? read?.error;
    const columns = read?.columns ?? new SampleColumns(SPARE_SAMPLES);
    for (const ref of this.#memory.finish(error === undefined)) columns.addStale(ref, atMs);
    const seconds = (clock.monotonicMs() - beganMs) / 1000;
    const report = [error === undefined ? 1 : 0, seconds, read?.scraped ?? 0, read?.kept ?? 0, read?.added ?? 0];
    for (const [ref, value] of report.entries()) columns.add(ref, atMs, value);
    this.#samplesExpected = columns.count + SPARE_SAMPLES;
    this.#deliver(columns, atMs, read?.metadata ?? []);
    metrics.repeated.add(read?.repeated ?? 0);
    metrics.exemplarsMalformed.add(read?.exemplarsMalformed ?? 0);
    metrics.seconds.observe(seconds);
    metrics.scrapes.with(error === undefined ? 'ok' : asked.timedOut ? 'timeout' : 'failed').add();
    this.#last = {
      health: error === undefined ? 'up' : 'down',
      lastError: error ?? '',
      lastScrapeMs: atMs,
      lastScrapeDurationSeconds: seconds,
    };
  }

  async #ask(stopping: AbortSignal): Promise<{ page?: Page; error?: string; timedOut?: boolean }> {
    const { clock, fetch } = this.#parts;
    const { url, timeoutMs } = this.target;
    const timeout = new AbortController();
    const cancel = clock.after(timeoutMs, () =>
      timeout.abort(
        new TidemarkError('SCRAPE_TIMEOUT', `the target did not answer within ${timeoutMs} ms`, { timeoutMs }),
      ),
    );
    const signal = AbortSignal.any([timeout.signal, stopping]);
    const { followRedirects, tls, compression, bodySizeLimitBytes } = this.#config;
    try {
      const authorization = await authorizationOf(this.#config, (path) => this.#parts.files.read(path));
      const request = { url, timeoutMs, authorization, followRedirects, tls, compression, bodySizeLimitBytes };
      return { page: await orAborted(fetchPage(fetch, request, signal), signal) };
    } catch (error) {
      if (timeout.signal.aborted) return { error: messageOf(timeout.signal.reason), timedOut: true };
      return { error: messageOf(error) };
    } finally {
      cancel();
    }
  }

  #read(page: Page, atMs: number): ReadPage {
    const keepMetadata = atMs >= this.#metadataDueMs;
    const read = readPage(page, atMs, this.#memory, this.#rules, {
      samplesExpected: this.#samplesExpected,
      keepMetadata,
    });
    if (read.error === undefined && keepMetadata) {
      this.#metadataDueMs = atMs + METADATA_EVERY_MS;
      this.#metadata = read.metadata;
    } else if (read.error === undefined && read.added > 0) {
      // What is new may be of a new family.
      this.#metadataDueMs = Number.NEGATIVE_INFINITY;
    }
    return read;
  }

  #deliver(columns: SampleColumns, atMs: number, metadata: readonly MetricMetadata[]): void {
    const { tenant, clock } = this.#parts;
    const section = this.#memory.section();
    const batch = columns.batch(tenant, clock.nowMs(), section, metadata.length === 0 ? undefined : metadata);
    this.#parts.deliver(this.#lane, batch);
    this.#lastAtMs = Math.max(this.#lastAtMs, atMs);
    this.#memory.tidy();
  }
}

function named(labels: Labels, name: string): Labels {
  return labelsOf([...labels.filter((label) => label.name !== METRIC_NAME), { name: METRIC_NAME, value: name }]);
}

/** A fetch that does not heed its signal holds its own promise, not the loop. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
