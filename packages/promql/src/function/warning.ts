import { must } from '@tidemark/base';
import type { Position } from '../language/ast.ts';
import { formatNumber } from '../language/literal.ts';
import type { Annotations } from '../value/annotations.ts';
import type { FunctionCall } from './definition.ts';

// What several functions and aggregations have to say about their parameters.

export function isQuantile(q: number): boolean {
  return q >= 0 && q <= 1;
}

export function warnOfQuantiles(notes: Annotations, quantiles: Float64Array, position: Position): void {
  for (const q of quantiles) {
    if (isQuantile(q)) continue;
    notes.warn(`quantile value should be between 0 and 1, got ${formatNumber(q)}`, position);
    // One look at each step of a long query would say the same; the rest of the parameter is judged by its first fault.
    return;
  }
}

export function warnOfQuantile(call: FunctionCall, quantiles: Float64Array, argument: number): void {
  warnOfQuantiles(call.scope.notes, quantiles, must(call.expr.args[argument]).position);
}
