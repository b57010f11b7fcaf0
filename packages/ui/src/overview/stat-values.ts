import type { RangeSeries } from '../api/types.ts';
import { type Column, type Grid, toColumns } from '../chart/columns.ts';
import type { StatSpec } from './stats.ts';

export interface StatValues {
  /** The newest point where every part has a value; undefined when there is none. */
  readonly latest: { readonly value: number; readonly detail: string } | undefined;
  /** The number over time, null where a part is missing. */
  readonly history: Column;
}

/** A line of fewer points than this says nothing. */
const historyPointsMin = 4;

/** Without the gaps before the first value: a young server's line fills its tile. */
export function sinceFirst(history: Column): Column {
  const first = history.findIndex((value) => value !== null);
  return first < 0 ? [] : history.slice(Math.max(0, Math.min(first, history.length - historyPointsMin)));
}

/** Requires: `answers` in the order of the tile's parts. A part with several series is told by its first. */
export function statValues(spec: StatSpec, answers: readonly (readonly RangeSeries[])[], grid: Grid): StatValues {
  const parts = answers.map((answer) => toColumns(answer.slice(0, 1), grid).series[0]?.values ?? []);
  const length = Math.max(0, ...parts.map((part) => part.length));
  const history: Column = [];
  let latest: StatValues['latest'];
  for (let i = 0; i < length; i++) {
    const point = parts.map((part) => part[i] ?? null);
    const whole = point.filter((value) => value !== null);
    const value = whole.length === parts.length ? spec.value(whole) : Number.NaN;
    history.push(Number.isFinite(value) ? value : null);
    if (Number.isFinite(value)) latest = { value, detail: spec.detail(whole) };
  }
  return { latest, history };
}
