import { assert, must } from '@tidemark/base';
import { floatsOf } from '../value/mixed.ts';
import type { Series } from '../value/value.ts';
import type { FunctionCall } from './definition.ts';

// Arguments by their type, which the type checker has made sure of.

/** Numbers only: native histograms are left out, as most functions leave them. */
export function vectorArgument(call: FunctionCall, index: number): readonly Series[] {
  const series = mixedVectorArgument(call, index);
  return series.some(({ histograms }) => histograms !== undefined) ? series.map(floatsOf) : series;
}

/** Native histograms among them. */
export function mixedVectorArgument(call: FunctionCall, index: number): readonly Series[] {
  const value = must(call.args[index], 'the argument is there');
  assert(value.kind === 'vector', 'the argument is an instant vector');
  return value.series;
}

export function scalarArgument(call: FunctionCall, index: number): Float64Array {
  const value = must(call.args[index], 'the argument is there');
  assert(value.kind === 'scalar', 'the argument is a scalar');
  return value.values;
}

export function stringArgument(call: FunctionCall, index: number): string {
  const value = must(call.args[index], 'the argument is there');
  assert(value.kind === 'string', 'the argument is a string');
  return value.text;
}
