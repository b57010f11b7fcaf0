import { type Matcher, METRIC_NAME, matcher } from '@tidemark/model';

// Which metrics are critical, by the time of a sample.
//
//   settings     nothing        | up, http_.*              | up                      patterns, anchored, by RE2's rules
//   time    -----------------(from]---------------------(from]---------->            from: the end of an hour
//   bit          0                1                          2
//   mask of http_requests = 0b010: critical in the second span alone
//
// By the time of the sample, not of its arrival: so the samples of a metric and hour all go by one topic, however late or often
// they are sent, and rows, which are folded by topic, are whole. So is what a series has of one timestamp: log order decides.

/** What is critical of samples after `fromMs`; the first of a list begins at -Infinity. */
export interface CriticalSpan {
  /** The end of an hour: samples at this very moment are of the span before. */
  readonly fromMs: number;
  /** Names, or expressions that the whole name has to match. */
  readonly metrics: readonly string[];
}

/** Bits of a mask. */
export const CRITICAL_SPANS_MAX = 30;
// 16,384 names of 100 bytes are some 3 MB; forgotten all at once when they are more.
const NAMES_MAX = 16_384;

export class CriticalMetrics {
  readonly #fromMs: readonly number[];
  readonly #matchers: readonly (readonly Matcher[])[];
  readonly #masks = new Map<string, number>();
  readonly #whole: number;
  /** Nothing is or was critical: there is nothing to look up. */
  readonly isEmpty: boolean;

  /** Throws `MATCHER_INVALID` for what is no expression. Requires: 1 to `CRITICAL_SPANS_MAX` spans, in order of time. */
  constructor(spans: readonly CriticalSpan[]) {
    this.#fromMs = spans.map(({ fromMs }) => fromMs);
    this.#matchers = spans.map(({ metrics }) => metrics.map((metric) => matcher('=~', METRIC_NAME, metric)));
    this.#whole = 2 ** spans.length - 1;
    this.isEmpty = spans.every(({ metrics }) => metrics.length === 0);
  }

  /** A bit for each span; 0: never critical. */
  maskOf(metric: string): number {
    const known = this.#masks.get(metric);
    if (known !== undefined) return known;
    let mask = 0;
    this.#matchers.forEach((matchers, i) => {
      if (matchers.some((one) => one.matches(metric))) mask |= 1 << i;
    });
    if (this.#masks.size >= NAMES_MAX) this.#masks.clear();
    this.#masks.set(metric, mask);
    return mask;
  }

  /** Whether it is critical whatever the time. */
  isAlways(mask: number): boolean {
    return mask === this.#whole;
  }

  isCriticalAt(mask: number, timestampMs: number): boolean {
    let span = this.#fromMs.length - 1;
    while (span > 0 && timestampMs <= (this.#fromMs[span] as number)) span--;
    return ((mask >>> span) & 1) === 1;
  }
}

export const NOTHING_CRITICAL = new CriticalMetrics([{ fromMs: Number.NEGATIVE_INFINITY, metrics: [] }]);
