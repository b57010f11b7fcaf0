// The Prometheus HTTP API's answers, as they travel. Numbers arrive as text ("1.5", "NaN", "+Inf") because JSON has no
// way to say NaN; `number.ts` in this folder reads them.

export type Labels = Readonly<Record<string, string>>;

/** [seconds since the epoch, value as text] */
export type Point = readonly [number, string];

export interface HistogramValue {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly (readonly [number, string, string, string])[];
}

export interface InstantSeries {
  readonly metric: Labels;
  readonly value?: Point;
  readonly histogram?: readonly [number, HistogramValue];
}

export interface RangeSeries {
  readonly metric: Labels;
  readonly values?: readonly Point[];
  readonly histograms?: readonly (readonly [number, HistogramValue])[];
}

export type QueryResult =
  | { readonly resultType: 'vector'; readonly result: readonly InstantSeries[] }
  | { readonly resultType: 'matrix'; readonly result: readonly RangeSeries[] }
  | { readonly resultType: 'scalar'; readonly result: Point }
  | { readonly resultType: 'string'; readonly result: Point };

/** An answer with what the server had to remark about it. */
export interface Answer<T> {
  readonly data: T;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** The `X-Tidemark-Resolution` header: what the answer was computed from, where the server says so. */
  readonly resolution?: string;
  /** The `X-Tidemark-Accuracy` header: `exact` or `approximate`. */
  readonly accuracy?: string;
}

export interface ApiAlert {
  readonly labels: Labels;
  readonly annotations?: Labels;
  readonly state: 'firing' | 'pending' | 'inactive';
  readonly activeAt?: string;
  readonly value?: string;
}

export interface ApiRule {
  readonly name: string;
  readonly type: 'alerting' | 'recording';
  readonly query: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly state?: string;
  readonly health?: string;
  readonly lastError?: string;
  /** Seconds: `for`, and `keep_firing_for`. */
  readonly duration?: number;
  readonly keepFiringFor?: number;
  readonly evaluationTime?: number;
  readonly lastEvaluation?: string;
  readonly alerts?: readonly ApiAlert[];
}

export interface RuleGroup {
  readonly name: string;
  readonly file?: string;
  readonly interval?: number;
  readonly evaluationTime?: number;
  readonly lastEvaluation?: string;
  readonly rules: readonly ApiRule[];
}
