import type { Columns } from '../chart/columns.ts';
import type { ChartSeries } from '../chart/model.ts';
import { fullName, shortNames } from '../chart/names.ts';

/**
 * Lines drawn at first. More than this neither fit a legend nor tell apart by colour; the reader may ask for the rest.
 */
export const drawnSeriesFirst = 100;
/** Never more than this: at 400 points each, a million points is what a canvas redraws without stuttering. */
export const drawnSeriesMax = 2500;

/** The first `limit` series of an answer as chart series. */
export function resultSeries(columns: Columns, limit: number): ChartSeries[] {
  const drawn = columns.series.slice(0, limit);
  const names = shortNames(drawn.map((series) => series.metric));
  return drawn.map((series, i) => {
    const title = fullName(series.metric);
    return { key: title, label: names[i] ?? title, title, values: series.values, color: i, filled: drawn.length === 1 };
  });
}
