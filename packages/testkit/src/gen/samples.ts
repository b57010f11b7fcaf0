import { assert, must, type Random, seededRandom } from '@tidemark/base';
import type { Labels } from '@tidemark/model';
import { BUCKET_BOUNDS, hostTemplates, type Motion, type SeriesTemplate, targetLabels } from './labels.ts';

// A fleet of hosts, scraped in turn. Deterministic: a seed and a number of scrapes give the same bits on every machine.
//
//   time        0 s        1 s        2 s                 10 s       11 s
//   scrapes     host 0     host 1     host 2    ...       host 0     host 1       (each host has its own second)
//
//   series      number = host x templates + template; a scrape holds one value for each template of its host.

export interface FleetOptions {
  readonly seed: number;
  readonly hosts: number;
  /** Time of the first scrape, ms. */
  readonly startMs: number;
  /** Between two scrapes of one host, ms. */
  readonly intervalMs?: number;
  readonly cpus?: number;
  /** HTTP handlers with a histogram of 14 series each. */
  readonly handlers?: number;
  /** A host restarts, and its counters begin again, once in so many of its scrapes; 0 is never. */
  readonly restartEvery?: number;
}

export interface FleetSeries {
  readonly labels: Labels;
  readonly host: number;
  readonly kind: Motion['kind'];
}

export interface Scrape {
  readonly host: number;
  readonly timestampMs: number;
  /** Number of the first series; `values[i]` belongs to series `firstSeries + i`. */
  readonly firstSeries: number;
  /** A copy: it stays as it is when the fleet moves on. */
  readonly values: Float64Array;
}

export class Fleet {
  /** Every series, host by host. */
  readonly series: readonly FleetSeries[];
  readonly seriesPerHost: number;
  readonly #options: Required<FleetOptions>;
  readonly #templates: readonly SeriesTemplate[];
  readonly #hosts: readonly Host[];
  #scrapes = 0;

  constructor(options: FleetOptions) {
    assert(options.hosts > 0, 'a fleet has at least one host');
    this.#options = { intervalMs: 10_000, cpus: 4, handlers: 1, restartEvery: 0, ...options };
    this.#templates = hostTemplates(this.#options);
    this.seriesPerHost = this.#templates.length;
    const everyHost = Array.from({ length: options.hosts }, (_, host) => host);
    this.#hosts = everyHost.map(
      (host) => new Host(seededRandom(options.seed + host * 7919), this.#templates, this.#options.restartEvery),
    );
    this.series = everyHost.flatMap((host) =>
      this.#templates.map((each) => ({ labels: targetLabels(each, host), host, kind: each.motion.kind })),
    );
  }

  /** The next scrape: hosts in turn, times rising. */
  next(): Scrape {
    const { hosts, intervalMs, startMs } = this.#options;
    const host = this.#scrapes % hosts;
    const round = Math.floor(this.#scrapes / hosts);
    this.#scrapes++;
    return {
      host,
      timestampMs: startMs + round * intervalMs + Math.floor((host * intervalMs) / hosts),
      firstSeries: host * this.seriesPerHost,
      values: must(this.#hosts[host]).move(),
    };
  }

  /** So many rounds: each host once in each. */
  *rounds(count: number): Generator<Scrape> {
    for (let i = 0; i < count * this.#options.hosts; i++) yield this.next();
  }

  /** A scrape as a host would answer it: the text exposition format, without the target's own labels. */
  exposition(scrape: Scrape): string {
    const lines = this.#templates.map((template, i) => {
      const { __name__: name, ...labels } = template.labels;
      const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
      return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${scrape.values[i]}`;
    });
    return `${lines.join('\n')}\n`;
  }
}

/** One host: the values it showed last, and how they move on. */
class Host {
  readonly #random: Random;
  readonly #motions: readonly Motion[];
  readonly #values: Float64Array;
  readonly #activity: Float64Array;
  readonly #restartEvery: number;
  #buckets: number[][] = [];

  constructor(random: Random, templates: readonly SeriesTemplate[], restartEvery: number) {
    this.#random = random;
    this.#motions = templates.map((each) => each.motion);
    this.#values = Float64Array.from(this.#motions, beginning);
    // Most counters of a real host hardly move: activity is skewed, a third of them stand still.
    this.#activity = Float64Array.from(this.#motions, () => (random.next() < 0.33 ? 0 : random.next() ** 2 * 2));
    this.#restartEvery = restartEvery;
  }

  move(): Float64Array {
    if (this.#restartEvery > 0 && this.#random.below(this.#restartEvery) === 0) this.#restart();
    this.#observeRequests();
    for (let i = 0; i < this.#motions.length; i++) {
      const motion = this.#motions[i] as Motion;
      this.#values[i] = this.#moved(motion, this.#values[i] as number, this.#activity[i] as number);
    }
    return this.#values.slice();
  }

  #moved(motion: Motion, value: number, activity: number): number {
    switch (motion.kind) {
      case 'constant':
        return value;
      case 'counter':
        return value + Math.floor(motion.perScrape * activity * (0.5 + this.#random.next()));
      case 'seconds':
        return hundredths(value + motion.perScrape * (0.9 + 0.1 * this.#random.next()));
      case 'gauge':
        return this.#walked(value, motion.around, motion.grain);
      case 'histogram':
        return this.#histogramPart(motion.family, motion.part);
    }
  }

  /** A walk that is pulled back: a step of some grains, and a tenth of the way home. */
  #walked(value: number, around: number, grain: number): number {
    if (this.#random.next() < 0.3) return value;
    const step = (this.#random.next() - 0.5) * Math.max(around * 0.02, grain * 4);
    const grains = Math.round((value + step + (around - value) * 0.1) / grain);
    // Dividing by a whole number keeps two decimals exact where multiplying by 0.01 would not.
    return grain < 1 ? Math.max(0, grains) / Math.round(1 / grain) : Math.max(0, grains) * grain;
  }

  #restart(): void {
    this.#buckets = [];
    this.#motions.forEach((motion, i) => {
      if (motion.kind === 'counter' || motion.kind === 'seconds') this.#values[i] = 0;
    });
  }

  /** Each family of buckets sees a few requests; buckets are cumulative, the last slot holds the sum. */
  #observeRequests(): void {
    const families = new Set(this.#motions.flatMap((motion) => (motion.kind === 'histogram' ? [motion.family] : [])));
    for (const family of families) {
      this.#buckets[family] ??= new Array(BUCKET_BOUNDS.length + 2).fill(0);
      const buckets = must(this.#buckets[family]);
      for (let requests = this.#random.below(20); requests > 0; requests--)
        observe(buckets, this.#random.next() ** 6 * 12);
    }
  }

  #histogramPart(family: number, part: number | 'count' | 'sum'): number {
    const buckets = must(this.#buckets[family]);
    if (part === 'sum') return buckets[BUCKET_BOUNDS.length + 1] as number;
    return buckets[part === 'count' ? BUCKET_BOUNDS.length : part] as number;
  }
}

function observe(buckets: number[], seconds: number): void {
  BUCKET_BOUNDS.forEach((bound, i) => {
    if (seconds <= bound) buckets[i] = (buckets[i] as number) + 1;
  });
  buckets[BUCKET_BOUNDS.length] = (buckets[BUCKET_BOUNDS.length] as number) + 1;
  buckets[BUCKET_BOUNDS.length + 1] = (buckets[BUCKET_BOUNDS.length + 1] as number) + seconds;
}

function beginning(motion: Motion): number {
  if (motion.kind === 'constant') return motion.value;
  return motion.kind === 'gauge' ? motion.around : 0;
}

/** To two decimals, as the kernel's clock ticks make CPU seconds. */
function hundredths(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
