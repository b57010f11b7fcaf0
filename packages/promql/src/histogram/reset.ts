import { areSameBounds, type Buckets, type FloatHistogram, hasOwnBounds } from './float-histogram.ts';
import { commonBounds, widenedZero, withBounds, withSchema, withZeroBucket } from './layout.ts';

/**
 * Whether a counter began anew between two histograms: it says so, or some count is lower, or its layout is finer than before,
 * which only a new start makes it.
 */
export function isReset(current: FloatHistogram, previous: FloatHistogram): boolean {
  if (current.hint === 'reset') return true;
  if (current.hint === 'no reset') return false;
  if (current.count < previous.count) return true;
  if (hasOwnBounds(current)) {
    if (!hasOwnBounds(previous)) return true;
    if (!areSameBounds(current.bounds, previous.bounds)) return fellUnderCommonBounds(current, previous);
    return anyFell(current.positive, previous.positive);
  }
  if (current.schema > previous.schema || current.zeroThreshold < previous.zeroThreshold) return true;
  const zero = widenedZero(previous, current.zeroThreshold);
  if (zero.zeroThreshold !== current.zeroThreshold || current.zeroCount < zero.zeroCount) return true;
  const before = withSchema(withZeroBucket(previous, zero), current.schema);
  return anyFell(current.positive, before.positive) || anyFell(current.negative, before.negative);
}

function fellUnderCommonBounds(current: FloatHistogram, previous: FloatHistogram): boolean {
  const none = new Float64Array(0);
  const bounds = commonBounds(current.bounds ?? none, previous.bounds ?? none);
  return anyFell(withBounds(current, bounds).positive, withBounds(previous, bounds).positive);
}

/** Whether a bucket holds less than before, or is gone. */
function anyFell(now: Buckets, before: Buckets): boolean {
  let at = 0;
  for (let i = 0; i < before.indexes.length; i++) {
    const index = before.indexes[i] as number;
    while (at < now.indexes.length && (now.indexes[at] as number) < index) at++;
    if (now.indexes[at] !== index || (now.counts[at] as number) < (before.counts[i] as number)) return true;
  }
  return false;
}
