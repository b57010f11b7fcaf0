import {
  type ClassicHistogram,
  decodeLabels,
  type Label,
  type Labels,
  labelsOf,
  labelValue,
  METRIC_NAME,
  openMetricsFloat,
} from '@tidemark/model';

// A histogram of one record as the series that PromQL knows it by.
//
//   h{job="a"} buckets 0.5:2, 1:3   count 4  sum 2.5   ->   h_bucket{job="a", le="0.5"} 2   h_bucket{..., le="1.0"} 3
//                                                           h_bucket{job="a", le="+Inf"} 4  h_sum{job="a"} 2.5  h_count{job="a"} 4

export interface HistogramSample {
  readonly labels: Labels;
  readonly value: number;
}

/** What is wrong with it, for people; undefined: nothing. */
export function histogramProblem({ count, buckets }: ClassicHistogram, bucketsMax: number): string | undefined {
  if (buckets.length > bucketsMax) return `${buckets.length} buckets, the limit bucketsMax is ${bucketsMax}`;
  if (!(count >= 0)) return `a count of ${count}`;
  let last = { upperBound: Number.NEGATIVE_INFINITY, count: 0 };
  for (const [i, bucket] of buckets.entries()) {
    if (!(bucket.upperBound > last.upperBound || (i === 0 && bucket.upperBound === last.upperBound))) {
      return `the bound ${bucket.upperBound} after ${last.upperBound}`;
    }
    if (!(bucket.count >= last.count)) return `a count of ${bucket.count} after ${last.count}: counts are cumulative`;
    last = bucket;
  }
  return last.count > count ? `${last.count} observations in buckets, ${count} in all` : undefined;
}

/** Requires: no problem; canonical labels without `le`. */
export function histogramSamples(labels: Labels, { count, sum, buckets }: ClassicHistogram): HistogramSample[] {
  const name = labelValue(labels, METRIC_NAME);
  const rest = labels.filter((label) => label.name !== METRIC_NAME);
  const series = (suffix: string, ...more: Label[]) =>
    labelsOf([{ name: METRIC_NAME, value: `${name}${suffix}` }, ...rest, ...more]);
  const bucket = (le: string, value: number) => ({ labels: series('_bucket', { name: 'le', value: le }), value });
  return [
    ...buckets
      .filter(({ upperBound }) => upperBound !== Number.POSITIVE_INFINITY)
      .map((each) => bucket(openMetricsFloat(String(each.upperBound)), each.count)),
    bucket('+Inf', count),
    { labels: series('_sum'), value: sum },
    { labels: series('_count'), value: count },
  ];
}

// 32 KiB: what admission lets a series have; a histogram has its labels once for each bucket.
const LABEL_BYTES_MAX = 32 * 1024;

/** What a histogram's labels may be: with a name, without `le`, and not so many that their copies fill memory. */
export function mayBeHistogram(canonical: Uint8Array): boolean {
  if (canonical.length > LABEL_BYTES_MAX) return false;
  const labels = decodeLabels(canonical);
  return labelValue(labels, METRIC_NAME) !== '' && labelValue(labels, 'le') === '';
}
