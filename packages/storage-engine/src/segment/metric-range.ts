import { compareUtf8, type Matcher, METRIC_NAME } from '@tidemark/model';
import type { MetricRange } from '../tiering/manifest.ts';

// Which part of a sealed window to open: series lie by metric, and a manifest says each part's first and last.

/** Whether any series of the range may match. A range that is not known may hold anything. */
export function mayMatch(range: MetricRange | undefined, matchers: readonly Matcher[]): boolean {
  if (range === undefined) return true;
  return matchers.every(({ name, literals }) => {
    if (name !== METRIC_NAME || literals === undefined) return true;
    return literals.some((metric) => compareUtf8(range.first, metric) <= 0 && compareUtf8(metric, range.last) <= 0);
  });
}
