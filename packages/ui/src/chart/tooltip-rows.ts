import type { ChartCursor, ChartSeries, Hidden } from './model.ts';

/** A tooltip taller than this hides the chart it explains. */
export const tooltipRowsMax = 10;

export interface TooltipRow {
  readonly series: ChartSeries;
  readonly value: number;
}

/**
 * The rows of a tooltip: in the chart's order while few, otherwise the ones nearest to the pointer's height.
 * Stacked and mirrored charts keep their order always, since a place there is not a value.
 */
export function tooltipRows(
  series: readonly ChartSeries[],
  hidden: Hidden,
  cursor: Pick<ChartCursor, 'index' | 'y'>,
  ordered: boolean,
): { readonly rows: readonly TooltipRow[]; readonly more: number } {
  const all: TooltipRow[] = [];
  for (const one of series) {
    const value = one.values[cursor.index];
    if (value != null && !hidden.has(one.key)) all.push({ series: one, value });
  }
  if (ordered || all.length <= tooltipRowsMax) {
    const rows = ordered ? all : all.sort((a, b) => b.value - a.value);
    return { rows: rows.slice(0, tooltipRowsMax), more: Math.max(0, rows.length - tooltipRowsMax) };
  }
  const nearest = all
    .sort((a, b) => Math.abs(a.value - cursor.y) - Math.abs(b.value - cursor.y))
    .slice(0, tooltipRowsMax);
  return { rows: nearest.sort((a, b) => b.value - a.value), more: all.length - tooltipRowsMax };
}
