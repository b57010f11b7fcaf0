import type { FloatHistogram } from '../histogram/float-histogram.ts';
import type { HistogramColumn, Series } from './value.ts';

// Series whose values may be native histograms.

/** Without the steps at which there is a histogram: what functions of numbers see. */
export function floatsOf(series: Series): Series {
  const { histograms, ...floats } = series;
  if (histograms === undefined) return series;
  return { ...floats, present: series.present.map((there, k) => (histograms[k] === undefined ? there : 0)) };
}

/** Without the steps at which there is a number. */
export function histogramsOf(series: Series): HistogramColumn {
  const { histograms, present } = series;
  return histograms === undefined ? [] : histograms.map((one, k) => (present[k] === 1 ? one : undefined));
}

/** Whether there is a histogram at some step. */
export function hasHistograms({ histograms, present }: Series): boolean {
  return histograms?.some((one, k) => one !== undefined && present[k] === 1) ?? false;
}

/** A number, a histogram, or nothing. */
export type Sample = number | FloatHistogram | undefined;

export function sampleAt({ values, present, histograms }: Series, step: number): Sample {
  return present[step] === 0 ? undefined : (histograms?.[step] ?? (values[step] as number));
}

/** A series that is being made, step by step. */
export class SeriesDraft {
  readonly #series: Series;
  #histograms: (FloatHistogram | undefined)[] | undefined;

  /** `series` is written into: it should be empty. */
  constructor(series: Series) {
    this.#series = series;
    this.#histograms = series.histograms === undefined ? undefined : [...series.histograms];
  }

  has(step: number): boolean {
    return this.#series.present[step] === 1;
  }

  put(step: number, sample: Sample): void {
    if (sample === undefined) return;
    const { values, present } = this.#series;
    present[step] = 1;
    if (typeof sample === 'number') values[step] = sample;
    else {
      values[step] = Number.NaN;
      this.#histograms ??= new Array(values.length).fill(undefined);
      this.#histograms[step] = sample;
    }
  }

  finish(): Series {
    return this.#histograms === undefined ? this.#series : { ...this.#series, histograms: this.#histograms };
  }
}
