import { assert } from '@tidemark/base';
import { HistogramNotes } from '../function/histogram-notes.ts';
import { type Binary, isComparison, isSetOperator, isTrim } from '../language/ast.ts';
import { mergeSameLabels, withoutName } from '../value/merge.ts';
import { SeriesDraft, sampleAt } from '../value/mixed.ts';
import { emptySeries, type Grid, isAbsent, type Series, type Value } from '../value/value.ts';
import { matchVectors } from './matching.ts';
import { combineMixed } from './mixed-operator.ts';
import { combinationOf } from './operator.ts';
import type { Scope } from './scope.ts';
import { combineSets } from './set-operator.ts';

// Binary operators by what stands on their sides: two numbers, a vector and a number, two vectors.

export async function evaluateBinary(
  scope: Scope,
  expr: Binary,
  grid: Grid,
  left: Value,
  right: Value,
): Promise<Value> {
  const { operator } = expr;
  assert(left.kind !== 'string' && right.kind !== 'string', 'operators take scalars and vectors');
  if (isSetOperator(operator)) {
    assert(left.kind === 'vector' && right.kind === 'vector', 'set operators take vectors');
    return {
      kind: 'vector',
      series: await combineSets(scope, operator, expr.matching, grid, left.series, right.series),
    };
  }
  const combination = combinationOf(operator, expr.bool);
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    return { kind: 'scalar', values: left.values.map((value, k) => combination.of(value, right.values[k] as number)) };
  }
  if (left.kind === 'vector' && right.kind === 'vector') {
    return { kind: 'vector', series: await matchVectors(scope, expr, combination, grid, left.series, right.series) };
  }
  if (left.kind === 'vector') {
    assert(right.kind === 'scalar', 'the other side is a scalar');
    return { kind: 'vector', series: await withScalar(scope, expr, grid, left.series, right.values, false) };
  }
  assert(right.kind === 'vector', 'the other side is a vector');
  return { kind: 'vector', series: await withScalar(scope, expr, grid, right.series, left.values, true) };
}

/** A comparison that filters always gives the vector's value, whichever side it stands on. */
async function withScalar(
  scope: Scope,
  expr: Binary,
  grid: Grid,
  vector: readonly Series[],
  scalar: Float64Array,
  scalarFirst: boolean,
): Promise<readonly Series[]> {
  assert(!isSetOperator(expr.operator), 'set operators take vectors');
  const { of, keeps, voidsName } = combinationOf(expr.operator, expr.bool);
  const filters = isComparison(expr.operator) && !expr.bool;
  const out: Series[] = [];
  for (const one of vector) {
    if (one.histograms !== undefined || isTrim(expr.operator)) {
      const mixed = mixedWithScalar(scope, expr, one, scalar, scalarFirst);
      if (!isAbsent(mixed)) out.push(mixed);
      const pause = scope.meter.pulse(scalar.length);
      if (pause) await pause;
      continue;
    }
    const values = new Float64Array(scalar.length);
    const present = new Uint8Array(scalar.length);
    for (let k = 0; k < scalar.length; k++) {
      if (one.present[k] === 0) continue;
      const value = one.values[k] as number;
      const number = scalar[k] as number;
      const left = scalarFirst ? number : value;
      const right = scalarFirst ? value : number;
      if (keeps && !keeps(left, right)) continue;
      values[k] = filters ? value : of(left, right);
      present[k] = 1;
    }
    const result = { ...(voidsName ? withoutName(one, scope.delayedNames) : one), values, present };
    if (!isAbsent(result)) out.push(result);
    const pause = scope.meter.pulse(scalar.length);
    if (pause) await pause;
  }
  return voidsName ? mergeSameLabels(out, grid, scope.meter) : out;
}

/** The same of a series in which there are native histograms. */
function mixedWithScalar(scope: Scope, expr: Binary, one: Series, scalar: Float64Array, scalarFirst: boolean): Series {
  assert(!isSetOperator(expr.operator), 'set operators take vectors');
  const combination = combinationOf(expr.operator, expr.bool);
  const filters = isComparison(expr.operator) && !expr.bool;
  const notes = new HistogramNotes(scope.notes, expr.position);
  const named = combination.voidsName ? withoutName(one, scope.delayedNames) : one;
  const draft = new SeriesDraft(emptySeries(named.labels, scalar.length, named.dropName));
  for (let k = 0; k < scalar.length; k++) {
    const sample = sampleAt(one, k);
    if (sample === undefined) continue;
    const number = scalar[k] as number;
    const result = scalarFirst
      ? combineMixed(expr, combination, number, sample, notes)
      : combineMixed(expr, combination, sample, number, notes);
    draft.put(k, result === undefined || !filters ? result : sample);
  }
  return draft.finish();
}
