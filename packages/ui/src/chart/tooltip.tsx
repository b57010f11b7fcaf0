import { formatValue, type Unit } from '../format/units.ts';
import { formatMoment } from '../time/format-time.ts';
import styles from './chart.module.css';
import type { ChartCursor, ChartSeries, Hidden } from './model.ts';
import { type Scheme, seriesColor } from './palette.ts';
import { tooltipRows } from './tooltip-rows.ts';

interface TooltipProps {
  readonly cursor: ChartCursor;
  readonly at: number;
  readonly series: readonly ChartSeries[];
  readonly hidden: Hidden;
  readonly scheme: Scheme;
  readonly unit: Unit;
  readonly ordered: boolean;
}

/** The values under the pointer. On the side of the pointer that has more room; read by eye only, the legend says the same. */
export function Tooltip({ cursor, at, series, hidden, scheme, unit, ordered }: TooltipProps) {
  const { rows, more } = tooltipRows(series, hidden, cursor, ordered);
  const onLeft = cursor.left > cursor.areaWidth / 2;
  const x = cursor.areaLeft + cursor.left;
  const place = onLeft ? { right: `calc(100% - ${x - 12}px)` } : { left: x + 12 };
  return (
    <div className={styles['tooltip']} style={place} aria-hidden="true">
      <div className={styles['tooltipTime']}>{formatMoment(at)}</div>
      {rows.map((row) => (
        <div key={row.series.key} className={styles['tooltipRow']}>
          <span className={styles['swatch']} style={{ color: seriesColor(row.series.color, scheme) }} />
          <span className={styles['tooltipName']}>{row.series.label}</span>
          <span className={styles['number']}>{formatValue(row.value, unit)}</span>
        </div>
      ))}
      {rows.length === 0 && <div className={styles['tooltipMore']}>no samples here</div>}
      {more > 0 && <div className={styles['tooltipMore']}>and {more} more</div>}
    </div>
  );
}
