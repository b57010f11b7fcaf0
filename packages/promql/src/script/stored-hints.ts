import { areSameBounds, type FloatHistogram, withHint } from '../histogram/float-histogram.ts';
import { isReset } from '../histogram/reset.ts';
import type { Point } from './parse-points.ts';

/**
 * What Prometheus' store says of each histogram when it is read: that it goes on from the one before, where it found so while it
 * appended; that it begins anew never, for it cannot be sure of what is before.
 */
export function withStoredHints(points: readonly Point[]): Point[] {
  let before: FloatHistogram | undefined;
  return points.map((point) => {
    if (point.kind !== 'histogram') {
      if (point.kind !== 'none') before = undefined;
      return point;
    }
    const { histogram } = point;
    const stored = withHint(histogram, storedHint(histogram, before));
    before = stored.hint === 'gauge' ? undefined : histogram;
    return { ...point, histogram: stored };
  });
}

function storedHint(current: FloatHistogram, before: FloatHistogram | undefined): FloatHistogram['hint'] {
  if (current.hint === 'gauge') return 'gauge';
  if (before === undefined || current.hint === 'reset') return 'unknown';
  const asIs = withHint(current, 'unknown');
  const sameLayout =
    current.schema === before.schema &&
    current.zeroThreshold === before.zeroThreshold &&
    areSameBounds(current.bounds, before.bounds);
  if (!sameLayout) return 'unknown';
  return isReset(asIs, before) ? 'unknown' : 'no reset';
}
