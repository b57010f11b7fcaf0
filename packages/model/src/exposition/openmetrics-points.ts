import type { MetricType } from '../batch/series-section.ts';
import { LineProblem, numberOf, type SampleLine } from './openmetrics-line.ts';

// The samples of one family, as OpenMetrics 1.0 wants them.
//
//   metric   samples that agree in all labels but le, quantile, or the stateset's own: they stand together
//   point    samples of a metric that have the same time; times of a metric do not fall, and all samples have one or none has
//
// A histogram's point is judged whole: buckets rise to +Inf, sum and count come together, count is the last bucket.

interface Buckets {
  lastBound: number;
  lastCount: number;
  hasNegative: boolean;
  sum: number | undefined;
  count: number | undefined;
}

export class FamilyPoints {
  readonly #name: string;
  readonly #type: MetricType;
  readonly #metricsSeen = new Set<string>();
  #metric: string | undefined;
  #seconds: number | undefined;
  /** Samples of the point, where none has a time. */
  readonly #samplesSeen = new Set<string>();
  #buckets: Buckets = freshBuckets();

  constructor(name: string, type: MetricType) {
    this.#name = name;
    this.#type = type;
  }

  /** Throws `LineProblem`. */
  add(sample: SampleLine, suffix: string): void {
    this.#moveTo(sample);
    this.#checkLabels(sample, suffix);
    this.#checkValue(sample, suffix);
    const mayHaveExemplar =
      (this.#type === 'counter' && suffix === '_total') || (this.#isHistogram() && suffix === '_bucket');
    if (sample.hasExemplar && !mayHaveExemplar) throw new LineProblem(`${sample.name} cannot have an exemplar`);
    if (this.#isHistogram()) this.#fill(sample, suffix);
  }

  end(): void {
    if (this.#metric !== undefined && this.#isHistogram()) this.#checkHistogram();
    this.#buckets = freshBuckets();
  }

  #isHistogram(): boolean {
    return this.#type === 'histogram' || this.#type === 'gaugehistogram';
  }

  /** To the metric and the point of this sample. */
  #moveTo(sample: SampleLine): void {
    const { seconds } = sample;
    const metric = keyOf(sample.labels, this.#ownLabel());
    if (metric !== this.#metric) {
      this.end();
      if (this.#metricsSeen.has(metric))
        throw new LineProblem(`samples of ${this.#name}{${metric}} do not stand together`);
      this.#metricsSeen.add(metric);
      this.#metric = metric;
      this.#samplesSeen.clear();
    } else {
      const before = this.#seconds;
      if ((before === undefined) !== (seconds === undefined)) {
        throw new LineProblem(`some samples of ${this.#name} have a timestamp and others have none`);
      }
      if (before !== undefined && seconds !== undefined) {
        if (seconds < before) throw new LineProblem(`timestamps of ${this.#name} fall`);
        if (seconds > before) this.end();
      }
    }
    this.#seconds = seconds;
    if (seconds !== undefined) return;
    const key = `${sample.name}{${keyOf(sample.labels, '')}}`;
    if (this.#samplesSeen.has(key)) throw new LineProblem(`${key} stands twice`);
    this.#samplesSeen.add(key);
  }

  /** The label that tells samples of one metric apart. */
  #ownLabel(): string {
    if (this.#isHistogram()) return 'le';
    return this.#type === 'summary' ? 'quantile' : this.#type === 'stateset' ? this.#name : '';
  }

  #checkLabels({ name, labels }: SampleLine, suffix: string): void {
    const own = this.#ownLabel();
    const needsOwn =
      (this.#isHistogram() && suffix === '_bucket') ||
      this.#type === 'stateset' ||
      (this.#type === 'summary' && suffix === '');
    if (!needsOwn) return;
    const value = labels.get(own);
    if (value === undefined) throw new LineProblem(`${name} needs the label ${own}`);
    if (this.#type === 'summary' && !(numberOf(value) >= 0 && numberOf(value) <= 1)) {
      throw new LineProblem(`quantile="${value}" is not between 0 and 1`);
    }
    if (this.#isHistogram() && Number.isNaN(numberOf(value))) throw new LineProblem(`le="${value}" is no number`);
  }

  #checkValue({ name, value }: SampleLine, suffix: string): void {
    const type = this.#type;
    const wrong = () => new LineProblem(`${name} cannot be ${value}`);
    if (type === 'info' && value !== 1) throw wrong();
    if (type === 'stateset' && value !== 0 && value !== 1) throw wrong();
    // A quantile of nothing observed is NaN.
    if (type === 'summary' && suffix === '' && value < 0) throw wrong();
    const isCount = /^_(total|count|gcount|bucket)$/.test(suffix) || (type === 'summary' && suffix === '_sum');
    if (isCount && !(value >= 0)) throw wrong();
    if ((suffix === '_sum' || suffix === '_gsum') && Number.isNaN(value)) throw wrong();
  }

  #fill({ labels, value }: SampleLine, suffix: string): void {
    const buckets = this.#buckets;
    if (suffix === '_sum' || suffix === '_gsum') buckets.sum = value;
    else if (suffix === '_count' || suffix === '_gcount') buckets.count = value;
    else if (suffix === '_bucket') {
      const text = labels.get('le') ?? '';
      const bound = numberOf(text);
      if (bound === Number.POSITIVE_INFINITY && text !== '+Inf')
        throw new LineProblem(`le="${text}" is written "+Inf"`);
      if (!(bound > buckets.lastBound)) throw new LineProblem(`buckets of ${this.#name} do not rise`);
      if (value < buckets.lastCount) throw new LineProblem(`counts of the buckets of ${this.#name} fall`);
      buckets.lastBound = bound;
      buckets.lastCount = value;
      buckets.hasNegative ||= bound < 0;
    }
  }

  #checkHistogram(): void {
    const { lastBound, lastCount, hasNegative, sum, count } = this.#buckets;
    const name = this.#name;
    if (lastBound !== Number.POSITIVE_INFINITY) throw new LineProblem(`${name} has no bucket +Inf`);
    if (count !== undefined && count !== lastCount)
      throw new LineProblem(`the count of ${name} is not its last bucket`);
    const isGauge = this.#type === 'gaugehistogram';
    // Sums of what may be negative are no counters; only a gauge histogram has them.
    if (hasNegative && !isGauge && sum !== undefined) throw new LineProblem(`${name} has negative buckets and a sum`);
    if (!hasNegative && sum !== undefined && sum < 0) throw new LineProblem(`the sum of ${name} is negative`);
    const needsSum = isGauge || !hasNegative;
    if ((sum !== undefined && count === undefined) || (needsSum && count !== undefined && sum === undefined)) {
      throw new LineProblem(`sum and count of ${name} come together`);
    }
  }
}

function freshBuckets(): Buckets {
  return {
    lastBound: Number.NEGATIVE_INFINITY,
    lastCount: 0,
    hasNegative: false,
    sum: undefined,
    count: undefined,
  };
}

function keyOf(labels: ReadonlyMap<string, string>, without: string): string {
  const kept = [...labels]
    .filter(([name, value]) => name !== without && value !== '')
    .map((pair) => pair.map((text) => JSON.stringify(text)).join('='));
  return kept.sort().join(',');
}
