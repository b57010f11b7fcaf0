import { assert, ByteWriter, seededRandom } from '@tidemark/base';
import type { SampleBatch, SeriesSection } from '@tidemark/model';
import { BUCKET_RATES, type NoisyTemplate, noisyTemplates } from './noisy-templates.ts';

// A fleet for measuring: node_exporter-like hosts of five hundred series with eight labels each, whose values are noise where
// life's are. What a series shows is a function of (seed, host, template, scrape) and of nothing before, so any part of a run
// can be made again, in any order, without memory of the rest: some 30 ns a sample.
//
//   scrape    host 0 | host 1 | ...           each its own second, and some ms late: jitter, one time for all of a scrape
//   batch     one host's scrape               `batch`: the order of last time, the same section while its labels stay
//             or any series of all hosts      `shuffled`: another order every scrape, sections nobody has seen
//   churn     a host's `pod` label changes every `lifeScrapes` of its scrapes: all of its series are new, counters begin again

export interface NoisyOptions {
  readonly seed: number;
  /** Rounded up to whole hosts. */
  readonly series: number;
  /** Time of the first scrape, ms. */
  readonly startMs: number;
  readonly intervalMs?: number;
  /** A scrape is up to so many ms late. */
  readonly jitterMs?: number;
  /** Scrapes until a host's series are others; hosts change one after another, so 20 is a churn of 5 %. Default: never. */
  readonly lifeScrapes?: number;
  /** Keep sections: batches of one host share theirs as long as labels stay. Memory by the number of series. */
  readonly keepSections?: boolean;
}

export const SERIES_PER_HOST = 500;
const LABEL_BYTES_MAX = 256;
const TWO_PI = 2 * Math.PI;

export class NoisyFleet {
  readonly hosts: number;
  readonly series: number;
  readonly #options: Required<NoisyOptions>;
  readonly #templates = noisyTemplates();
  readonly #pieces: readonly (readonly Uint8Array[])[];
  readonly #sections = new Map<number, { readonly life: number; readonly section: SeriesSection }>();
  readonly #indexes = Uint32Array.from({ length: SERIES_PER_HOST }, (_, i) => i);
  readonly #types = new Uint8Array(SERIES_PER_HOST);
  readonly #values = new Float64Array(SERIES_PER_HOST);
  readonly #times = new Float64Array(SERIES_PER_HOST);
  readonly #hostValues = new Map<number, Float64Array>();
  /** Of each host, and its life. */
  readonly #known = new Map<number, { readonly life: number; readonly pieces: HostPieces }>();

  constructor(options: NoisyOptions) {
    this.#options = {
      intervalMs: 10_000,
      jitterMs: 8,
      lifeScrapes: Number.POSITIVE_INFINITY,
      keepSections: false,
      ...options,
    };
    assert(this.#templates.length === SERIES_PER_HOST, `a host has ${SERIES_PER_HOST} series`);
    this.hosts = Math.max(1, Math.ceil(options.series / SERIES_PER_HOST));
    this.series = this.hosts * SERIES_PER_HOST;
    this.#pieces = this.#templates.map(templatePieces);
  }

  /** When a host is scraped. */
  timeMs(host: number, scrape: number): number {
    const { seed, startMs, intervalMs, jitterMs } = this.#options;
    const lateness = noise(seed ^ 0x51ed, host, scrape);
    // Squared: most scrapes are hardly late.
    return (
      startMs +
      scrape * intervalMs +
      Math.floor((host * intervalMs) / this.hosts) +
      Math.floor(lateness * lateness * (jitterMs + 1))
    );
  }

  /** How often the host's series have been replaced. */
  life(host: number, scrape: number): number {
    const { lifeScrapes } = this.#options;
    if (lifeScrapes === Number.POSITIVE_INFINITY) return 0;
    return Math.floor((scrape + Math.floor((host * lifeScrapes) / this.hosts)) / lifeScrapes);
  }

  /** One host's scrape. Its columns are used again by the next batch: whoever takes it copies them. */
  batch(host: number, scrape: number): SampleBatch {
    const timestampMs = this.timeMs(host, scrape);
    this.#times.fill(timestampMs);
    this.#move(host, scrape, this.#values);
    return this.#batchOf(timestampMs, this.#section(host, scrape), this.#times, this.#values);
  }

  /** Everything of one scrape in an order of its own, in batches of as many series as a host has. */
  *shuffled(scrape: number): Generator<SampleBatch> {
    const order = this.#permutation(scrape);
    const writer = new ByteWriter(SERIES_PER_HOST * LABEL_BYTES_MAX);
    this.#hostValues.clear();
    for (let from = 0; from < order.length; from += SERIES_PER_HOST) {
      writer.reset();
      const labelEnds = new Uint32Array(SERIES_PER_HOST);
      for (let i = 0; i < SERIES_PER_HOST; i++) {
        const series = order[from + i] as number;
        const host = Math.floor(series / SERIES_PER_HOST);
        const template = series % SERIES_PER_HOST;
        this.#writeLabels(writer, template, this.#hostPieces(host, this.life(host, scrape)));
        labelEnds[i] = writer.length;
        this.#times[i] = this.timeMs(host, scrape);
        this.#values[i] = this.#valuesOf(host, scrape)[template] as number;
      }
      yield this.#batchOf(this.#times[0] as number, this.#sectionOf(writer, labelEnds), this.#times, this.#values);
    }
    this.#hostValues.clear();
  }

  /** Canonical labels of a series, as batches have them. */
  labelBytes(host: number, template: number, scrape: number): Uint8Array {
    const writer = new ByteWriter(LABEL_BYTES_MAX);
    this.#writeLabels(writer, template, this.#hostPieces(host, this.life(host, scrape)));
    return writer.finish();
  }

  #batchOf(admittedAtMs: number, series: SeriesSection, timestampsMs: Float64Array, values: Float64Array): SampleBatch {
    return {
      tenant: 'default',
      admittedAtMs,
      series,
      sampleSeries: this.#indexes,
      timestampsMs,
      values,
      histograms: undefined,
      exemplars: undefined,
      metadata: undefined,
    };
  }

  #section(host: number, scrape: number): SeriesSection {
    const life = this.life(host, scrape);
    const known = this.#sections.get(host);
    if (known?.life === life) return known.section;
    const writer = new ByteWriter(SERIES_PER_HOST * LABEL_BYTES_MAX);
    const labelEnds = new Uint32Array(SERIES_PER_HOST);
    const pieces = this.#hostPieces(host, life);
    for (let template = 0; template < SERIES_PER_HOST; template++) {
      this.#writeLabels(writer, template, pieces);
      labelEnds[template] = writer.length;
    }
    const section = this.#sectionOf(writer, labelEnds);
    if (this.#options.keepSections) this.#sections.set(host, { life, section });
    return section;
  }

  #sectionOf(writer: ByteWriter, labelEnds: Uint32Array): SeriesSection {
    const labelBytes = writer.finish();
    const types = this.#types;
    return { count: labelEnds.length, labelBytes, labelEnds, types, units: undefined, startTimesMs: undefined };
  }

  #writeLabels(writer: ByteWriter, template: number, host: HostPieces): void {
    const [name, device, mode] = this.#pieces[template] as readonly [Uint8Array, Uint8Array, Uint8Array];
    writer.raw(name);
    writer.raw(host.cluster);
    writer.raw(device);
    writer.raw(host.instanceAndJob);
    writer.raw(mode);
    writer.raw(host.podAndZone);
  }

  #hostPieces(host: number, life: number): HostPieces {
    let known = this.#known.get(host);
    if (known?.life !== life) {
      known = { life, pieces: this.#makePieces(host, life) };
      this.#known.set(host, known);
    }
    return known.pieces;
  }

  #makePieces(host: number, life: number): HostPieces {
    const pod = noise(this.#options.seed ^ 0x70d, host, life)
      .toString(36)
      .slice(2, 10)
      .padEnd(8, '0');
    return {
      cluster: pairs(['cluster', `prod-${host % 3}`]),
      instanceAndJob: pairs(['instance', `node-${String(host).padStart(5, '0')}.example:9100`], ['job', 'node']),
      podAndZone: pairs(['pod', `node-exporter-${pod}`], ['zone', `europe-west${host % 4}-b`]),
    };
  }

  #valuesOf(host: number, scrape: number): Float64Array {
    let values = this.#hostValues.get(host);
    if (values === undefined) {
      values = new Float64Array(SERIES_PER_HOST);
      this.#move(host, scrape, values);
      this.#hostValues.set(host, values);
    }
    return values;
  }

  #permutation(scrape: number): Uint32Array {
    const order = Uint32Array.from({ length: this.series }, (_, i) => i);
    const random = seededRandom(this.#options.seed * 31 + scrape);
    for (let i = order.length - 1; i > 0; i--) {
      const other = random.below(i + 1);
      const held = order[i] as number;
      order[i] = order[other] as number;
      order[other] = held;
    }
    return order;
  }

  /** What a host shows in a scrape. */
  #move(host: number, scrape: number, into: Float64Array): void {
    const life = this.life(host, scrape);
    const source = this.#options.seed ^ Math.imul(life + 1, 0x2545_f491);
    let bucketSum = 0;
    let seconds = 0;
    for (let i = 0; i < SERIES_PER_HOST; i++) {
      const { motion } = this.#templates[i] as NoisyTemplate;
      const place = host * SERIES_PER_HOST + i;
      if (motion.kind !== 'histogram') {
        into[i] = motion.kind === 'constant' ? motion.value : moved(motion, source, place, scrape);
        continue;
      }
      if (typeof motion.part === 'number') {
        if (motion.part === 0) bucketSum = seconds = 0;
        const own = Math.floor(grown(source, place, scrape) * (BUCKET_RATES[motion.part] as number));
        bucketSum += own;
        seconds += own * 0.003 * 2 ** motion.part * (0.9 + 0.1 * noise(source, place, scrape));
        into[i] = bucketSum;
      } else {
        into[i] = motion.part === 'count' ? bucketSum : seconds;
      }
    }
  }
}

interface HostPieces {
  readonly cluster: Uint8Array;
  readonly instanceAndJob: Uint8Array;
  readonly podAndZone: Uint8Array;
}

type Moving = Exclude<NoisyTemplate['motion'], { kind: 'constant' | 'histogram' }>;

function moved(motion: Moving, source: number, place: number, scrape: number): number {
  if (motion.kind === 'gauge') {
    const level = Math.sin((TWO_PI * scrape) / 500 + place) * 2 * motion.spread;
    const value = motion.around + level + (noise(source, place, scrape) - 0.5) * motion.spread;
    const grains = Math.max(0, Math.round(value / motion.grain));
    // Dividing by a whole number keeps decimals exact where multiplying by 0.01 would not.
    return motion.grain < 1 ? grains / Math.round(1 / motion.grain) : grains * motion.grain;
  }
  const value = grown(source, place, scrape) * motion.perScrape;
  return motion.kind === 'counter' ? Math.floor(value) : Math.round(value * 100) / 100;
}

/**
 * How often a counter has grown by what is usual: it never falls, steps are between a fifth and nine fifths, and series differ in
 * how busy and how old they are.
 */
function grown(source: number, place: number, scrape: number): number {
  const busy = noise(source ^ 0x0b51, place, 0);
  const age = noise(source ^ 0x0a6e, place, 0) * 50_000;
  return (age + scrape + 0.8 * noise(source, place, scrape)) * (0.1 + 2 * busy * busy);
}

/** A hash of three numbers as a number in [0, 1). */
function noise(source: number, place: number, scrape: number): number {
  let h = Math.imul(place ^ Math.imul(source, 0x9e37_79b1), 0x85eb_ca6b) ^ Math.imul(scrape + 1, 0xc2b2_ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b_3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a_2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 0x1_0000_0000;
}

/** The parts of a series' labels that are its template's own: name, device, mode. */
function templatePieces({ name, device, mode }: NoisyTemplate): readonly Uint8Array[] {
  return [pairs(['__name__', name]), pairs(['device', device]), pairs(['mode', mode])];
}

function pairs(...labels: readonly (readonly [string, string])[]): Uint8Array {
  const writer = new ByteWriter(64);
  for (const text of labels.flat()) writer.text(text);
  return writer.finish();
}
