import { formatValue, type Unit } from '../format/units.ts';
import { arrowsInList } from '../page/arrow-list.ts';
import styles from './chart.module.css';
import { lastValue } from './columns.ts';
import type { ChartSeries, Hidden } from './model.ts';
import { type Scheme, seriesColor } from './palette.ts';

export interface LegendProps {
  readonly series: readonly ChartSeries[];
  readonly hidden: Hidden;
  /** Index under the cursor; null tells the last values. */
  readonly index: number | null;
  readonly scheme: Scheme;
  readonly unit: Unit;
  readonly onToggle: (key: string, only: boolean) => void;
  /** The series the pointer or the focus is at, in the legend. */
  readonly onPoint: (key: string | null) => void;
}

/** The series by name with their values: a button each, which shows or hides it (with Ctrl: shows it alone). */
export function Legend({ series, hidden, index, scheme, unit, onToggle, onPoint }: LegendProps) {
  return (
    <ul className={styles['legend']} aria-label="Series" onKeyDown={arrowsInList}>
      {series.map((one) => {
        const value = index === null ? lastValue(one.values) : (one.values[index] ?? null);
        const shown = !hidden.has(one.key);
        return (
          <li key={one.key}>
            <button
              type="button"
              className={styles['legendItem']}
              aria-pressed={shown}
              title={`${one.title}\nClick to ${shown ? 'hide' : 'show'}, Ctrl+click to show alone`}
              onClick={(event) => onToggle(one.key, event.ctrlKey || event.metaKey)}
              onMouseEnter={() => onPoint(one.key)}
              onMouseLeave={() => onPoint(null)}
              onFocus={() => onPoint(one.key)}
              onBlur={() => onPoint(null)}
            >
              <span
                className={styles['swatch']}
                data-dashed={one.dashed === true || undefined}
                style={{ color: seriesColor(one.color, scheme), background: shown ? undefined : 'transparent' }}
              />
              <span className={styles['legendName']}>{one.label}</span>
              <span className={styles['number']}>{value === null ? '–' : formatValue(value, unit)}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
