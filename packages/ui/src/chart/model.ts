import type { Column } from './columns.ts';

/** One line or area of a chart. */
export interface ChartSeries {
  /** Distinct within the chart and stable over refreshes: what a toggle remembers. */
  readonly key: string;
  readonly label: string;
  /** The full spelling, shown on hover where `label` is short. */
  readonly title: string;
  readonly values: Column;
  /** Index into the palette. */
  readonly color: number;
  readonly filled?: boolean;
  readonly dashed?: boolean;
  /** Drawn downwards from zero (sent, written) while its values are told as they are. */
  readonly below?: boolean;
  /** Which of several queries it answers: a letter, told before its name. */
  readonly group?: string;
}

/** Where the cursor is over a chart. */
export interface ChartCursor {
  /** Index into the chart's times. */
  readonly index: number;
  /** Pixels from the plotting area's left edge, and where that edge is in the chart. */
  readonly left: number;
  readonly areaLeft: number;
  readonly areaWidth: number;
  /** The value at the pointer's height. */
  readonly y: number;
}

export type Hidden = ReadonlySet<string>;

/** After a click on the legend: toggles one series; `only` shows it alone, and a second time all again. */
export function toggled(hidden: Hidden, keys: readonly string[], key: string, only: boolean): Hidden {
  if (only) {
    const alone = keys.every((other) => (other === key) !== hidden.has(other));
    return alone ? new Set() : new Set(keys.filter((other) => other !== key));
  }
  const next = new Set(hidden);
  if (!next.delete(key)) next.add(key);
  return next;
}
