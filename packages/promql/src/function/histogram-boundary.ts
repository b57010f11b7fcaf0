import { addHistograms, divided, multiplied, subtractHistograms } from '../histogram/arithmetic.ts';
import { type FloatHistogram, hasOwnBounds, withHint } from '../histogram/float-histogram.ts';
import { isReset } from '../histogram/reset.ts';
import type { HistogramColumn } from '../value/value.ts';
import { type Boundary, boundaryOf, type Range } from './boundary.ts';
import type { Growth } from './definition.ts';
import type { HistogramNotes } from './histogram-notes.ts';

// What boundary.ts is to numbers, for native histograms.

/** A histogram at a moment: where two of them stand around it, what lies between. */
export interface Around {
  readonly before: FloatHistogram;
  readonly beforeMs: number;
  readonly after: FloatHistogram;
  readonly afterMs: number;
}

/** Undefined, and a warning: their layouts do not fit. */
export function histogramBetween(
  { before, beforeMs, after, afterMs }: Around,
  ms: number,
  counter: boolean,
  notes: HistogramNotes,
): FloatHistogram | undefined {
  if (ms === beforeMs) return before;
  if (ms === afterMs) return after;
  const fraction = (ms - beforeMs) / (afterMs - beforeMs);
  if (counter && isReset(after, before)) return multiplied(after, fraction);
  const difference = minus(after, before, notes);
  return difference && plus(multiplied(difference, fraction), before, notes);
}

function minus(a: FloatHistogram, b: FloatHistogram, notes: HistogramNotes): FloatHistogram | undefined {
  const difference = subtractHistograms(a, b);
  if (difference === undefined) notes.mixedSchemas();
  if (difference?.reconciled) notes.reconciled('subtraction');
  return difference?.histogram;
}

function plus(a: FloatHistogram, b: FloatHistogram, notes: HistogramNotes): FloatHistogram | undefined {
  const sum = addHistograms(a, b);
  if (sum === undefined) notes.mixedSchemas();
  if (sum?.reconciled) notes.reconciled('addition');
  return sum?.histogram;
}

/** Undefined: nothing is known of the range, or its histograms do not fit. Requires all its points to be histograms. */
export function boundedHistogramGrowth(
  timestampsMs: Float64Array,
  column: HistogramColumn,
  range: Range,
  { counter, perSecond }: Growth,
  notes: HistogramNotes,
): FloatHistogram | undefined {
  const boundary = boundaryOf(timestampsMs, range);
  if (boundary === undefined) return undefined;
  const { first, last, startsBetween, endsBetween } = boundary;
  const { startMs, endMs } = range;
  const at = (i: number) => column[i] as FloatHistogram;
  const seen = column.slice(first, last + 1) as FloatHistogram[];
  if (seen.some((one) => hasOwnBounds(one) !== hasOwnBounds(at(first)))) {
    notes.mixedSchemas();
    return undefined;
  }
  if (counter && seen.some(({ hint }) => hint === 'gauge')) notes.notCounter();
  const around = (i: number): Around => ({
    before: at(i),
    beforeMs: timestampsMs[i] as number,
    after: at(i + 1),
    afterMs: timestampsMs[i + 1] as number,
  });
  const left = startsBetween ? histogramBetween(around(first), startMs, counter, notes) : at(first);
  const right = endsBetween ? histogramBetween(around(last - 1), endMs, counter, notes) : at(last);
  if (left === undefined || right === undefined) return undefined;
  if (!counter && (left.hint !== 'gauge' || right.hint !== 'gauge')) notes.notGauge();
  let grown = minus(right, left, notes);
  if (counter) {
    for (const lost of lostByResets(at, boundary, left, right)) grown = grown && plus(grown, lost, notes);
  }
  if (grown === undefined) return undefined;
  return withHint(perSecond ? divided(grown, (endMs - startMs) / 1000) : grown, 'gauge');
}

/** What the counter held right before each new beginning in the range. */
function lostByResets(
  at: (i: number) => FloatHistogram,
  { first, last, startsBetween }: Boundary,
  left: FloatHistogram,
  right: FloatHistogram,
): readonly FloatHistogram[] {
  let previous = left;
  let next = first + 1;
  // The line to the start took that beginning in already.
  if (startsBetween && isReset(at(next), at(first))) previous = at(next++);
  if (next > last) return [];
  const lost: FloatHistogram[] = [];
  // The last point is the right end itself, or what the right end was made of.
  for (; next < last; next++) {
    const current = at(next);
    if (isReset(current, previous)) lost.push(previous);
    previous = current;
  }
  if (isReset(right, previous)) lost.push(previous);
  return lost;
}
