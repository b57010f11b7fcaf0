import { must } from '@tidemark/base';
import { labelValue, METRIC_NAME } from '@tidemark/model';
import {
  histogramVariance,
  histogramFraction as nativeFraction,
  histogramQuantile as nativeQuantile,
} from '../histogram/estimate.ts';
import type { FloatHistogram } from '../histogram/float-histogram.ts';
import { executionError } from '../language/errors.ts';
import { formatNumber, numberOf } from '../language/literal.ts';
import { labelKey, omitLabels, withLabel } from '../value/label-set.ts';
import { withoutName } from '../value/merge.ts';
import { floatsOf, histogramsOf } from '../value/mixed.ts';
import { LABEL_WORK } from '../value/pace.ts';
import { emptySeries, type HistogramColumn, isAbsent, type Series } from '../value/value.ts';
import { mixedVectorArgument, scalarArgument, stringArgument } from './argument.ts';
import { type Bucket, bucketFraction, bucketQuantile } from './bucket.ts';
import { type FunctionCall, type ValueFunction, valueFunction, vectorOf } from './definition.ts';
import { HistogramNotes } from './histogram-notes.ts';
import { warnOfQuantile } from './warning.ts';

// Functions of histograms: classic ones, where series that differ in `le` only are one histogram, and native ones.

interface Histogram {
  readonly name: string;
  /** One with the histogram's labels, to make results from. */
  readonly sample: Series;
  readonly buckets: { readonly upperBound: number; readonly series: Series }[];
  /** The native one of these labels. */
  native: HistogramColumn;
}

/** What a function says of a histogram of either kind. */
interface HistogramFunction {
  readonly ofClassic: (buckets: Bucket[], step: number, histogram: Histogram) => number;
  readonly ofNative: (histogram: FloatHistogram, step: number, notes: HistogramNotes) => number;
}

// A native histogram is some tens of buckets.
const NATIVE_WORK = 30;
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

async function histogramsIn(call: FunctionCall, argument: number): Promise<Histogram[]> {
  const byKey = new Map<string, Histogram>();
  const { position } = must(call.expr.args[argument]);
  for (const mixed of mixedVectorArgument(call, argument)) {
    if (mixed.histograms !== undefined) addNative(byKey, mixed);
    const series = floatsOf(mixed);
    if (mixed.histograms !== undefined && isAbsent(series)) continue;
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
      histogram = { name, sample: { ...series, labels }, buckets: [], native: [] };
      byKey.set(key, histogram);
    }
    histogram.buckets.push({ upperBound, series });
    const pause = call.scope.meter.pulse(LABEL_WORK);
    if (pause) await pause;
  }
  return [...byKey.values()];
}

function addNative(byKey: Map<string, Histogram>, series: Series): void {
  const key = labelKey(series.labels);
  const native = histogramsOf(series);
  const known = byKey.get(key);
  if (known) known.native = native;
  else {
    const { histograms, ...sample } = series;
    byKey.set(key, { name: labelValue(series.labels, METRIC_NAME), sample, buckets: [], native });
  }
}

/** One value for each histogram and step where it is; none, and a warning, where a classic and a native one bear the same labels. */
async function eachHistogram(
  call: FunctionCall,
  argument: number,
  { ofClassic, ofNative }: HistogramFunction,
  labelled: (series: Series) => Series = (series) => series,
): Promise<Series[]> {
  const { steps } = call.grid;
  const out: Series[] = [];
  for (const histogram of await histogramsIn(call, argument)) {
    const nameless = withoutName(labelled(histogram.sample), call.scope.delayedNames);
    const result = { ...emptySeries(nameless.labels, steps), dropName: nameless.dropName };
    const notes = new HistogramNotes(call.scope.notes, must(call.expr.args[argument]).position, histogram.name);
    for (let k = 0; k < steps; k++) {
      const native = histogram.native[k];
      const buckets: Bucket[] = [];
      for (const { upperBound, series } of histogram.buckets) {
        if (series.present[k] === 1) buckets.push({ upperBound, count: series.values[k] as number });
      }
      if (native && buckets.length > 0) notes.mixedWithClassic();
      if ((native === undefined) === (buckets.length === 0)) continue;
      result.values[k] = native ? ofNative(native, k, notes) : ofClassic(buckets, k, histogram);
      result.present[k] = 1;
      const pause = call.scope.meter.pulse((native ? NATIVE_WORK : buckets.length) * 4);
      if (pause) await pause;
    }
    out.push(result);
  }
  return out;
}

function quantiles(call: FunctionCall, argument: number, q: Float64Array, labelled?: (series: Series) => Series) {
  const { position } = must(call.expr.args[argument]);
  const of: HistogramFunction = {
    ofClassic: (buckets, k, { name }) => {
      const { value, forced } = bucketQuantile(q[k] as number, buckets);
      if (forced) {
        call.scope.notes.info(
          `input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${aboutMetric(name)}`,
          position,
        );
      }
      return value;
    },
    ofNative: (histogram, k, notes) => {
      const { value, nans } = nativeQuantile(q[k] as number, histogram);
      if (nans) notes.nanQuantile(nans);
      return value;
    },
  };
  return eachHistogram(call, argument, of, labelled);
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
  const series = await eachHistogram(call, 2, {
    ofClassic: (buckets, k) => bucketFraction(lower[k] as number, upper[k] as number, buckets),
    ofNative: (histogram, k, notes) => {
      const { value, nans } = nativeFraction(lower[k] as number, upper[k] as number, histogram);
      if (nans) notes.nanFraction();
      return value;
    },
  });
  return vectorOf(series);
}

/** Of native histograms alone. */
function nativeFunction(of: (histogram: FloatHistogram) => number): ValueFunction {
  return valueFunction(async (call) => {
    const out: Series[] = [];
    for (const { histograms, ...series } of mixedVectorArgument(call, 0)) {
      if (histograms === undefined) continue;
      const { labels, dropName } = withoutName(series, call.scope.delayedNames);
      const result = emptySeries(labels, call.grid.steps, dropName);
      histograms.forEach((histogram, k) => {
        if (histogram === undefined || series.present[k] === 0) return;
        result.values[k] = of(histogram);
        result.present[k] = 1;
      });
      if (!isAbsent(result)) out.push(result);
      const pause = call.scope.meter.pulse(call.grid.steps * NATIVE_WORK);
      if (pause) await pause;
    }
    return vectorOf(out);
  });
}

export const HISTOGRAM_FUNCTIONS = {
  histogram_quantile: valueFunction(histogramQuantile),
  histogram_quantiles: valueFunction(histogramQuantiles),
  histogram_fraction: valueFunction(histogramFraction),
  histogram_count: nativeFunction(({ count }) => count),
  histogram_sum: nativeFunction(({ sum }) => sum),
  histogram_avg: nativeFunction(({ sum, count }) => sum / count),
  histogram_stddev: nativeFunction((histogram) => Math.sqrt(histogramVariance(histogram))),
  histogram_stdvar: nativeFunction(histogramVariance),
} as const;
