import { type Labels, labelValue, METRIC_NAME, SCHEMA_OWN_BOUNDS } from '@tidemark/model';
import { bucketsOf, type FloatHistogram, NO_BUCKETS } from '../histogram/float-histogram.ts';
import { labelKey, omitLabels, withLabel } from '../value/label-set.ts';
import { type Point, type SeriesLine, signedNumber } from './parse-points.ts';

// `load_with_nhcb`: the classic histograms of a block as native ones with bounds of their own, beside the originals.

interface Parts {
  /** Cumulative counts by upper bound. */
  readonly buckets: Map<number, number>;
  count: number | undefined;
  sum: number;
}

interface Gathered {
  readonly labels: Labels;
  readonly parts: (Parts | undefined)[];
}

const SUFFIX = /_(bucket|sum|count)$/;
const LE: ReadonlySet<string> = new Set(['le']);

export function nativeLines(lines: readonly SeriesLine[]): SeriesLine[] {
  const byKey = new Map<string, Gathered>();
  for (const { labels, points } of lines) {
    const name = labelValue(labels, METRIC_NAME);
    const suffix = SUFFIX.exec(name)?.[1];
    if (suffix === undefined) continue;
    const bound = labelValue(labels, 'le');
    if (suffix === 'bucket' && bound === '') continue;
    const native = withLabel(omitLabels(labels, LE), METRIC_NAME, name.replace(SUFFIX, ''));
    const key = labelKey(native);
    const gathered = byKey.get(key) ?? { labels: native, parts: [] };
    byKey.set(key, gathered);
    points.forEach((point, k) => {
      if (point.kind !== 'value') return;
      const parts = gathered.parts[k] ?? { buckets: new Map(), count: undefined, sum: 0 };
      gathered.parts[k] = parts;
      if (suffix === 'bucket') parts.buckets.set(signedNumber(bound), point.value);
      else if (suffix === 'count') parts.count = point.value;
      else parts.sum = point.value;
    });
  }
  return [...byKey.values()].map(({ labels, parts }) => ({ labels, points: pointsOf(parts), startTimestamps: false }));
}

function pointsOf(parts: readonly (Parts | undefined)[]): Point[] {
  return Array.from(parts, (one) =>
    one === undefined ? { kind: 'none' } : { kind: 'histogram', histogram: histogramOf(one), hinted: false },
  );
}

function histogramOf({ buckets, count, sum }: Parts): FloatHistogram {
  const bounds = [...buckets.keys()].filter((bound) => bound !== Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const cumulative = bounds.map((bound) => buckets.get(bound) as number);
  const total = count ?? buckets.get(Number.POSITIVE_INFINITY) ?? cumulative[cumulative.length - 1] ?? 0;
  const counts = [...cumulative, total].map((upTo, i, all) => upTo - (all[i - 1] ?? 0));
  return {
    schema: SCHEMA_OWN_BOUNDS,
    hint: 'unknown',
    zeroThreshold: 0,
    zeroCount: 0,
    count: total,
    sum,
    positive: bucketsOf([...counts.keys()], counts),
    negative: NO_BUCKETS,
    bounds: Float64Array.from(bounds),
  };
}
