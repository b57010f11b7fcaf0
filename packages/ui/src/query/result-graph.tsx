import { Button } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { Columns } from '../chart/columns.ts';
import { TimeChart } from '../chart/time-chart.tsx';
import type { YBounds } from '../chart/y-range.ts';
import type { Unit } from '../format/units.ts';
import { Notice } from '../page/notice.tsx';
import type { Window } from '../time/range.ts';
import styles from './query.module.css';
import { drawnSeriesFirst, drawnSeriesMax, resultSeries } from './result-series.ts';

const graphHeightPx = 380;
const rateBounds: YBounds = { zero: true };
const freeBounds: YBounds = {};

interface ResultGraphProps {
  readonly columns: Columns;
  readonly window: Window;
  readonly unit: Unit;
  readonly label: string;
  readonly onZoom: (from: number, to: number) => void;
}

/** A range answer as lines. */
export function ResultGraph({ columns, window, unit, label, onZoom }: ResultGraphProps) {
  const [limit, setLimit] = useState(drawnSeriesFirst);
  const series = useMemo(() => resultSeries(columns, limit), [columns, limit]);
  const total = columns.series.length;

  if (total === 0) {
    return columns.histogramSeries > 0 ? (
      <Notice title="Native histograms have no line">
        Take a quantile of them (histogram_quantile), or look at the table.
      </Notice>
    ) : (
      <Notice title="No series in this range">
        The expression is valid but nothing matches it. Check label values, or take a longer range.
      </Notice>
    );
  }
  return (
    <>
      {total > series.length && (
        <div className={styles['many']}>
          Showing {series.length} of {total} series.
          {series.length < drawnSeriesMax && (
            <Button size="compact-xs" variant="light" onClick={() => setLimit(drawnSeriesMax)}>
              Show {total > drawnSeriesMax ? drawnSeriesMax : 'all'}
            </Button>
          )}
          Aggregating (sum, topk) tells more.
        </div>
      )}
      {columns.histogramSeries > 0 && (
        <div className={styles['many']}>{columns.histogramSeries} native histograms are not drawn.</div>
      )}
      <TimeChart
        label={label}
        times={columns.times}
        series={series}
        window={window}
        unit={unit}
        height={graphHeightPx}
        bounds={unit === 'percent' || unit.endsWith('/s') ? rateBounds : freeBounds}
        wideLegend
        onZoom={onZoom}
      />
    </>
  );
}
