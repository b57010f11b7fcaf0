import { type FloatHistogram, ruledBuckets } from '@tidemark/promql';
import { formatValue } from './envelope.ts';

/** `{"count":"4","sum":"5","buckets":[[0,"0.5","1","1"],...]}`: a native histogram as Prometheus answers it, rule of its ends first. */
export function histogramJson(histogram: FloatHistogram): string {
  const buckets = ruledBuckets(histogram).map(
    ({ rule, lower, upper, count }) =>
      `[${rule},"${formatValue(lower)}","${formatValue(upper)}","${formatValue(count)}"]`,
  );
  const list = buckets.length === 0 ? '' : `,"buckets":[${buckets.join(',')}]`;
  return `{"count":"${formatValue(histogram.count)}","sum":"${formatValue(histogram.sum)}"${list}}`;
}
