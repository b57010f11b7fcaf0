import { compareUtf8, labelValue } from '@tidemark/model';
import { compareLabels } from '../value/label-set.ts';
import type { Series } from '../value/value.ts';
import { mixedVectorArgument, stringArgument, vectorArgument } from './argument.ts';
import { type FunctionCall, valueFunction, vectorOf } from './definition.ts';

// The order of an instant result. A range result is always ordered by labels, so there sorting does nothing but say so.

function sorted(call: FunctionCall, series: readonly Series[], compare: (a: Series, b: Series) => number) {
  if (call.scope.query.steps > 1) {
    call.scope.notes.warn(
      'sort is ineffective for range queries since results are always ordered by labels',
      call.expr.position,
    );
    return vectorOf(series);
  }
  return vectorOf([...series].sort(compare));
}

/** By value; NaN last in both directions. */
function byValue(direction: 1 | -1) {
  return (a: Series, b: Series): number => {
    const x = a.values[0] as number;
    const y = b.values[0] as number;
    if (x !== x || y !== y) return x === x ? -1 : y === y ? 1 : 0;
    return (x - y || 0) * direction;
  };
}

/** `a2` before `a10`: runs of digits compare as numbers, everything else as text. */
export function compareNatural(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const x = left[i] as string;
    const y = right[i] as string;
    const numeric = /^\d/.test(x) && /^\d/.test(y);
    const order = numeric ? Number(x) - Number(y) : compareUtf8(x, y);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function byLabels(call: FunctionCall, direction: 1 | -1) {
  const names = call.args.slice(1).map((_, i) => stringArgument(call, i + 1));
  return sorted(call, mixedVectorArgument(call, 0), (a, b) => {
    for (const name of names) {
      const order = compareNatural(labelValue(a.labels, name), labelValue(b.labels, name));
      if (order !== 0) return order * direction;
    }
    return compareLabels(a.labels, b.labels) * direction;
  });
}

export const SORT_FUNCTIONS = {
  sort: valueFunction((call) => sorted(call, vectorArgument(call, 0), byValue(1))),
  sort_desc: valueFunction((call) => sorted(call, vectorArgument(call, 0), byValue(-1))),
  sort_by_label: valueFunction((call) => byLabels(call, 1)),
  sort_by_label_desc: valueFunction((call) => byLabels(call, -1)),
} as const;
