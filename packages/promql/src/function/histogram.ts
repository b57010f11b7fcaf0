import { must } from '@tidemark/base';
import { labelValue, METRIC_NAME } from '@tidemark/model';
import { executionError } from '../language/errors.ts';
import { formatNumber, numberOf } from '../language/literal.ts';
import { labelKey, omitLabels, withLabel } from '../value/label-set.ts';
import { withoutName } from '../value/merge.ts';
import { LABEL_WORK } from '../value/pace.ts';
import { emptySeries, type Series } from '../value/value.ts';
import { scalarArgument, stringArgument, vectorArgument } from './argument.ts';
import { type Bucket, bucketFraction, bucketQuantile } from './bucket.ts';
import { type FunctionCall, valueFunction, vectorOf } from './definition.ts';
import { warnOfQuantile } from './warning.ts';

// Functions of classic histograms: series that differ in `le` only are one histogram.

interface Histogram {
  readonly name: string;
  /** One with the histogram's labels, to make results from. */
  readonly sample: Series;
  readonly buckets: { readonly upperBound: number; readonly series: Series }[];
}

const LE: ReadonlySet<string> = new Set(['le']);

function boundOf(text: string): number | undefined {
  const match = /^([+-]?)(?:(inf|infinity)|(nan)|(0x[0-9a-f]+|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?))$/i.exec(
    text,
  );
  if (!match) return undefined;
  const [, sign, infinite, nan, digits] = match;
  const size = infinite
    ? Number.POSITIVE_INFINITY
    : nan
      ? Number.NaN
      : digits?.startsWith('0x')
        ? numberOf(digits)
        : Number(digits);
  return size === undefined ? undefined : sign === '-' ? -size : size;
}

function aboutMetric(name: string): string {
  return name === '' ? '' : ` for metric name ${JSON.stringify(name)}`;
}

async function histogramsOf(call: FunctionCall, argument: number): Promise<Histogram[]> {
  const byKey = new Map<string, Histogram>();
  const { position } = must(call.expr.args[argument]);
  for (const series of vectorArgument(call, argument)) {
    const le = labelValue(series.labels, 'le');
    const name = labelValue(series.labels, METRIC_NAME);
    const upperBound = boundOf(le);
    if (upperBound === undefined) {
      call.scope.notes.warn(
        `bucket label "le" is missing or has a malformed value of ${JSON.stringify(le)}${aboutMetric(name)}`,
        position,
      );
      continue;
    }
    const labels = omitLabels(series.labels, LE);
    const key = labelKey(labels);
    let histogram = byKey.get(key);
    if (!histogram) {
      histogram = { name, sample: { ...series, labels }, buckets: [] };
      byKey.set(key, histogram);
    }
    histogram.buckets.push({ upperBound, series });
    const pause = call.scope.meter.pulse(LABEL_WORK);
    if (pause) await pause;
  }
  return [...byKey.values()];
}

/** One value for each histogram and step where any of its buckets is. */
async function eachHistogram(
  call: FunctionCall,
  argument: number,
  of: (buckets: Bucket[], step: number, histogram: Histogram) => number,
  labelled: (series: Series) => Series = (series) => series,
): Promise<Series[]> {
  const { steps } = call.grid;
  const out: Series[] = [];
  for (const histogram of await histogramsOf(call, argument)) {
    const nameless = withoutName(labelled(histogram.sample), call.scope.delayedNames);
    const result = { ...emptySeries(nameless.labels, steps), dropName: nameless.dropName };
    for (let k = 0; k < steps; k++) {
      const buckets: Bucket[] = [];
      for (const { upperBound, series } of histogram.buckets) {
        if (series.present[k] === 1) buckets.push({ upperBound, count: series.values[k] as number });
      }
      if (buckets.length === 0) continue;
      result.values[k] = of(buckets, k, histogram);
      result.present[k] = 1;
      const pause = call.scope.meter.pulse(buckets.length * 4);
      if (pause) await pause;
    }
    out.push(result);
  }
  return out;
}

function quantiles(call: FunctionCall, argument: number, q: Float64Array, labelled?: (series: Series) => Series) {
  const { position } = must(call.expr.args[argument]);
  return eachHistogram(
    call,
    argument,
    (buckets, k, { name }) => {
      const { value, forced } = bucketQuantile(q[k] as number, buckets);
      if (forced) {
        call.scope.notes.info(
          `input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${aboutMetric(name)}`,
          position,
        );
      }
      return value;
    },
    labelled,
  );
}

async function histogramQuantile(call: FunctionCall) {
  const q = scalarArgument(call, 0);
  warnOfQuantile(call, q, 0);
  return vectorOf(await quantiles(call, 1, q));
}

/** As OpenMetrics writes floats: a whole number keeps its `.0`. */
function quantileText(q: number): string {
  return Number.isInteger(q) ? q.toFixed(1) : formatNumber(q);
}

/** `histogram_quantiles(v, "quantile", 0.5, 0.9)`: several at once, told apart by a label. */
async function histogramQuantiles(call: FunctionCall) {
  const label = stringArgument(call, 1);
  const out: Series[] = [];
  for (let i = 2; i < call.args.length; i++) {
    const q = scalarArgument(call, i);
    warnOfQuantile(call, q, i);
    if (q.some((value) => value !== q[0] && value === value)) {
      throw executionError('histogram_quantiles needs the same quantiles at every step', call.expr.position);
    }
    const text = quantileText(q[0] ?? Number.NaN);
    out.push(
      ...(await quantiles(call, 0, q, (series) => ({ ...series, labels: withLabel(series.labels, label, text) }))),
    );
  }
  return vectorOf(out);
}

async function histogramFraction(call: FunctionCall) {
  const lower = scalarArgument(call, 0);
  const upper = scalarArgument(call, 1);
  const series = await eachHistogram(call, 2, (buckets, k) =>
    bucketFraction(lower[k] as number, upper[k] as number, buckets),
  );
  return vectorOf(series);
}

export const HISTOGRAM_FUNCTIONS = {
  histogram_quantile: valueFunction(histogramQuantile),
  histogram_quantiles: valueFunction(histogramQuantiles),
  histogram_fraction: valueFunction(histogramFraction),
} as const;
