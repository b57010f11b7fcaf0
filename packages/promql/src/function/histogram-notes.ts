import type { Position } from '../language/ast.ts';
import type { Annotations } from '../value/annotations.ts';

// What operations have to say about native histograms, in Prometheus' words.

export type CombiningOperation = 'addition' | 'subtraction' | 'aggregation';

export class HistogramNotes {
  readonly #notes: Annotations;
  readonly #position: Position;
  readonly #name: string;

  /** `name`: of the metric, `''` where it has none. */
  constructor(notes: Annotations, position: Position, name = '') {
    this.#notes = notes;
    this.#position = position;
    this.#name = name;
  }

  mixedWithFloats(): void {
    this.#warn(`encountered a mix of histograms and floats for metric name ${JSON.stringify(this.#name)}`);
  }

  mixedInAggregation(): void {
    this.#warn('encountered a mix of histograms and floats for aggregation');
  }

  mixedSchemas(): void {
    this.#warn(
      `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${JSON.stringify(this.#name)}`,
    );
  }

  notCounter(): void {
    this.#warn(`this native histogram metric is not a counter: ${JSON.stringify(this.#name)}`);
  }

  notGauge(): void {
    this.#warn(`this native histogram metric is not a gauge: ${JSON.stringify(this.#name)}`);
  }

  conflictingResets(during: CombiningOperation): void {
    this.#warn(`conflicting counter resets during histogram ${during}`);
  }

  reconciled(during: CombiningOperation): void {
    this.#info(`mismatched custom buckets were reconciled during ${during}`);
  }

  ignoredInRange(): void {
    this.#info(
      `ignored histograms in a range containing both floats and histograms for metric name ${JSON.stringify(this.#name)}`,
    );
  }

  ignoredInAggregation(operator: string): void {
    this.#info(`ignored histogram in ${operator} aggregation`);
  }

  incompatibleTypes(left: string, operator: string, right: string): void {
    this.#info(
      `incompatible sample types encountered for binary operator ${JSON.stringify(operator)}: ${left} ${operator} ${right}`,
    );
  }

  incompatibleLayouts(operator: string): void {
    this.#warn(`incompatible bucket layout encountered for binary operator ${operator}`);
  }

  nanQuantile(of: 'skewed' | 'result'): void {
    const what = of === 'result' ? 'result is NaN' : 'result is skewed higher';
    this.#info(`input to histogram_quantile has NaN observations, ${what}${this.#forMetric()}`);
  }

  nanFraction(): void {
    this.#info(
      `input to histogram_fraction has NaN observations, which are excluded from all fractions${this.#forMetric()}`,
    );
  }

  mixedWithClassic(): void {
    this.#warn(`vector contains a mix of classic and native histograms${this.#forMetric()}`);
  }

  #forMetric(): string {
    return this.#name === '' ? '' : ` for metric name ${JSON.stringify(this.#name)}`;
  }

  #warn(message: string): void {
    this.#notes.warn(message, this.#position);
  }

  #info(message: string): void {
    this.#notes.info(message, this.#position);
  }
}
