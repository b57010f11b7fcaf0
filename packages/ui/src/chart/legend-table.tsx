import { useMemo, useState } from 'react';
import { formatValue, type Unit } from '../format/units.ts';
import { arrowsInList } from '../page/arrow-list.ts';
import styles from './chart.module.css';
import type { LegendProps } from './legend.tsx';
import type { ChartSeries } from './model.ts';
import { type Scheme, seriesColor } from './palette.ts';
import { type LegendSort, legendOrder, nextLegendSort, type SeriesStats, statsOf } from './series-stats.ts';
import { visibleRows } from './visible-rows.ts';

/** Height of a line; the style sheet says the same. */
const rowPx = 26;
const heightMaxPx = 314;

const columns = [
  { by: 'min', title: 'Min' },
  { by: 'max', title: 'Max' },
  { by: 'last', title: 'Last' },
] as const;

function told(value: number | null, unit: Unit): string {
  return value === null ? '–' : formatValue(value, unit);
}

interface RowProps {
  readonly series: ChartSeries;
  readonly stats: SeriesStats;
  readonly shown: boolean;
  readonly index: number | null;
  readonly scheme: Scheme;
  readonly unit: Unit;
  readonly onToggle: (key: string, only: boolean) => void;
  readonly onPoint: (key: string | null) => void;
}

function Row({ series, stats, shown, index, scheme, unit, onToggle, onPoint }: RowProps) {
  const at = index === null ? null : (series.values[index] ?? null);
  return (
    <button
      type="button"
      className={styles['line']}
      aria-pressed={shown}
      title={`${series.title}\nClick to ${shown ? 'hide' : 'show'}, Ctrl+click to show alone`}
      onClick={(event) => onToggle(series.key, event.ctrlKey || event.metaKey)}
      onMouseEnter={() => onPoint(series.key)}
      onMouseLeave={() => onPoint(null)}
      onFocus={() => onPoint(series.key)}
      onBlur={() => onPoint(null)}
    >
      <span className={styles['lineName']}>
        <span
          className={styles['swatch']}
          style={{ color: seriesColor(series.color, scheme), background: shown ? undefined : 'transparent' }}
        />
        {series.group !== undefined && <b className={styles['group']}>{series.group}</b>}
        <span className={styles['lineLabel']}>{series.label}</span>
      </span>
      <span className={styles['cell']} data-at="">
        {index === null ? '' : told(at, unit)}
      </span>
      <span className={styles['cell']} data-optional="">
        {told(stats.min, unit)}
      </span>
      <span className={styles['cell']} data-optional="">
        {told(stats.max, unit)}
      </span>
      <span className={styles['cell']}>{told(stats.last, unit)}</span>
    </button>
  );
}

/**
 * The series as lines of a table: name, value under the cursor, least, most and last. Each line is a button that shows or
 * hides its series (with Ctrl: shows it alone). Only the lines in sight are in the document, so thousands cost nothing.
 */
export function LegendTable({ series, hidden, index, scheme, unit, onToggle, onPoint }: LegendProps) {
  const [sort, setSort] = useState<LegendSort>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const rows = useMemo(() => series.map((one) => ({ label: one.label, stats: statsOf(one.values) })), [series]);
  const order = useMemo(() => legendOrder(rows, sort), [rows, sort]);
  const { first, end } = visibleRows(order.length, rowPx, scrollTop, heightMaxPx);

  const head = (by: NonNullable<LegendSort>['by'], title: string) => (
    <button
      key={by}
      type="button"
      data-optional={by === 'min' || by === 'max' ? '' : undefined}
      aria-label={`Sort by ${title.toLowerCase()}`}
      onClick={() => setSort(nextLegendSort(sort, by))}
    >
      {title}
      <span aria-hidden="true">{sort?.by === by ? (sort.descending ? ' ↓' : ' ↑') : ''}</span>
    </button>
  );
  return (
    <div
      className={styles['lines']}
      style={{ maxHeight: heightMaxPx }}
      onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
    >
      <div className={styles['lineHead']}>
        {head('name', `${series.length.toLocaleString('en')} series`)}
        <span className={styles['cell']} data-at="">
          At cursor
        </span>
        {columns.map(({ by, title }) => head(by, title))}
      </div>
      <ul className={styles['lineList']} aria-label="Series" onKeyDown={arrowsInList}>
        {first > 0 && <li aria-hidden="true" style={{ height: first * rowPx }} />}
        {order.slice(first, end).map((place) => {
          const one = series[place] as ChartSeries;
          return (
            <li key={one.key}>
              <Row
                series={one}
                stats={(rows[place] as (typeof rows)[number]).stats}
                shown={!hidden.has(one.key)}
                index={index}
                scheme={scheme}
                unit={unit}
                onToggle={onToggle}
                onPoint={onPoint}
              />
            </li>
          );
        })}
        {end < order.length && <li aria-hidden="true" style={{ height: (order.length - end) * rowPx }} />}
      </ul>
    </div>
  );
}
