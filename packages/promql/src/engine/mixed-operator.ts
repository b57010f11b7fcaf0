import type { HistogramNotes } from '../function/histogram-notes.ts';
import { addHistograms, type Combined, divided, multiplied, subtractHistograms } from '../histogram/arithmetic.ts';
import { type FloatHistogram, isSameHistogram } from '../histogram/float-histogram.ts';
import { trimmed } from '../histogram/trim.ts';
import { type Binary, isTrim } from '../language/ast.ts';
import type { Sample } from '../value/mixed.ts';
import type { Combination } from './operator.ts';

// What the operators do to two values of which one is a native histogram, or both.
//
//   h + h  h - h  h == h  h != h        h * x  x * h  h / x  h </ x  h >/ x        all others: nothing, and an info
//
// A comparison gives its left side where it holds, with `bool` 1 or 0.

type Number2 = readonly [number, number];

/** Undefined: no value. */
export function combineMixed(
  expr: Pick<Binary, 'operator' | 'bool'>,
  combination: Combination,
  left: number | FloatHistogram,
  right: number | FloatHistogram,
  notes: HistogramNotes,
): Sample {
  const { operator, bool } = expr;
  if (typeof left === 'number' && typeof right === 'number') {
    return numbers(combination, [left, right]) ?? refused(operator, left, right, notes, isTrim(operator));
  }
  if (typeof left !== 'number' && typeof right !== 'number') {
    switch (operator) {
      case '+':
        return summed(addHistograms(left, right), operator, notes);
      case '-':
        return summed(subtractHistograms(left, right), operator, notes);
      case '==':
      case '!=': {
        const holds = isSameHistogram(left, right) === (operator === '==');
        return bool ? (holds ? 1 : 0) : holds ? left : undefined;
      }
    }
  } else if (typeof left !== 'number' && typeof right === 'number') {
    if (operator === '*') return multiplied(left, right);
    if (operator === '/') return divided(left, right);
    if (operator === '</' || operator === '>/') return trimmed(left, right, operator);
  } else if (typeof left === 'number' && typeof right !== 'number' && operator === '*') {
    return multiplied(right, left);
  }
  return refused(operator, left, right, notes, true);
}

function numbers({ of, keeps }: Combination, [left, right]: Number2): number | undefined {
  return keeps && !keeps(left, right) ? undefined : of(left, right);
}

function refused(
  operator: string,
  left: number | FloatHistogram,
  right: number | FloatHistogram,
  notes: HistogramNotes,
  said: boolean,
): undefined {
  const kind = (value: number | FloatHistogram) => (typeof value === 'number' ? 'float' : 'histogram');
  if (said) notes.incompatibleTypes(kind(left), operator, kind(right));
  return undefined;
}

function summed(combined: Combined | undefined, operator: '+' | '-', notes: HistogramNotes): Sample {
  const during = operator === '+' ? 'addition' : 'subtraction';
  if (combined === undefined) {
    notes.incompatibleLayouts(operator);
    return undefined;
  }
  const { histogram, conflicting, reconciled } = combined;
  if (conflicting) {
    notes.conflictingResets(during);
    return undefined;
  }
  if (reconciled) notes.reconciled(during);
  return operator === '-' ? { ...histogram, hint: 'gauge' } : histogram;
}
