import { useComputedColorScheme } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { formatValue, type Unit } from '../format/units.ts';
import type { Window } from '../time/range.ts';
import type { Drawing } from '../url/page-state.ts';
import styles from './chart.module.css';
import { lastValue } from './columns.ts';
import { Legend } from './legend.tsx';
import { LegendTable } from './legend-table.tsx';
import { type ChartCursor, type ChartSeries, type Hidden, toggled } from './model.ts';
import { Plot } from './plot.tsx';
import type { PlotSpec } from './plot-options.ts';
import { Tooltip } from './tooltip.tsx';
import type { YBounds } from './y-range.ts';

interface TimeChartProps {
  readonly label: string;
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly window: Window;
  readonly unit: Unit;
  readonly height: number;
  readonly drawing?: Drawing;
  readonly log?: boolean;
  readonly bounds?: YBounds;
  /** Charts of one key share their cursor. */
  readonly syncKey?: string;
  /** A legend of whole lines, with what each series was least, most and last. */
  readonly legendTable?: boolean;
  readonly onZoom: (from: number, to: number) => void;
  /** A double click over the chart. */
  readonly onUnzoom?: () => void;
}

const noBounds: YBounds = {};
const noneHidden: Hidden = new Set();

/** Said to those who can't see the canvas; the legend beneath has every value. */
function summary(label: string, series: readonly ChartSeries[], unit: Unit): string {
  const told = series.slice(0, 6).map((one) => {
    const value = lastValue(one.values);
    return `${one.label} ${value === null ? 'without samples' : formatValue(value, unit)}`;
  });
  const more = series.length > told.length ? `, and ${series.length - told.length} more series` : '';
  return `Chart of ${label}. Latest: ${told.join(', ')}${more}.`;
}

export function TimeChart(props: TimeChartProps) {
  const { series, unit, times, window, syncKey, drawing = 'line', log = false, bounds = noBounds } = props;
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const [hidden, setHidden] = useState<Hidden>(noneHidden);
  const [cursor, setCursor] = useState<ChartCursor | null>(null);
  const [hovered, setHovered] = useState(false);
  const [pointed, setPointed] = useState<string | null>(null);

  const spec = useMemo<PlotSpec>(
    () => ({ series, hidden, scheme, unit, drawing, log, bounds, syncKey }),
    [series, hidden, scheme, unit, drawing, log, bounds, syncKey],
  );
  const toggle = useCallback(
    (key: string, only: boolean) =>
      setHidden((before) =>
        toggled(
          before,
          series.map((one) => one.key),
          key,
          only,
        ),
      ),
    [series],
  );
  const at = cursor === null ? undefined : times[cursor.index];
  const ordered = drawing === 'stacked' || series.some((one) => one.below === true);

  const index = at === undefined ? null : (cursor?.index ?? null);
  const legend = { series, hidden, index, scheme, unit, onToggle: toggle, onPoint: setPointed };

  return (
    <div className={styles['chart']}>
      <div
        className={styles['plot']}
        role="img"
        aria-label={summary(props.label, series, unit)}
        onMouseEnter={() => setHovered(true)}
        onMouseLeave={() => setHovered(false)}
        onDoubleClick={props.onUnzoom}
      >
        <Plot
          spec={spec}
          times={times}
          window={window}
          height={props.height}
          focus={pointed === null ? null : series.findIndex((one) => one.key === pointed)}
          onCursor={setCursor}
          onZoom={props.onZoom}
        />
        {hovered && cursor !== null && at !== undefined && (
          <Tooltip
            cursor={cursor}
            at={at}
            series={series}
            hidden={hidden}
            scheme={scheme}
            unit={unit}
            ordered={ordered}
          />
        )}
      </div>
      {props.legendTable === true ? <LegendTable {...legend} /> : <Legend {...legend} />}
    </div>
  );
}
