import { Button } from '@mantine/core';
import { useMemo, useState } from 'react';
import { TimeChart } from '../chart/time-chart.tsx';
import type { YBounds } from '../chart/y-range.ts';
import type { Unit } from '../format/units.ts';
import { Notice } from '../page/notice.tsx';
import type { Window } from '../time/range.ts';
import type { Drawing } from '../url/page-state.ts';
import { type Answered, chartSeries, drawnSeriesFirst, drawnSeriesMax } from './chart-series.ts';
import styles from './explore.module.css';

const graphHeightPx = 360;
const zeroBounds: YBounds = { zero: true };
const freeBounds: YBounds = {};

interface ResultChartProps {
  readonly answers: readonly Answered[];
  /** Whether names carry their query's letter. */
  readonly lettered: boolean;
  readonly window: Window;
  readonly unit: Unit;
  readonly label: string;
  readonly drawing: Drawing;
  readonly log: boolean;
  readonly syncKey: string;
  readonly onZoom: (from: number, to: number) => void;
  readonly onUnzoom: (() => void) | undefined;
}

const words = (count: number) => count.toLocaleString('en');

/** Range answers on one chart. */
export function ResultChart(props: ResultChartProps) {
  const { answers, lettered, unit, drawing } = props;
  const [limit, setLimit] = useState(drawnSeriesFirst);
  const { times, series, total, histogramSeries } = useMemo(
    () => chartSeries(answers, limit, lettered),
    [answers, limit, lettered],
  );

  if (total === 0) {
    return histogramSeries > 0 ? (
      <Notice title="Native histograms have no line">
        Take a quantile of them (histogram_quantile), or look at the table.
      </Notice>
    ) : (
      <Notice title="No series in this range">
        The expression is valid but nothing matches it. Check label values, or take a longer range.
      </Notice>
    );
  }
  const fromZero = drawing === 'stacked' || unit === 'percent' || unit.endsWith('/s');
  return (
    <>
      {total > series.length && (
        <div className={styles['many']}>
          Showing {words(series.length)} of {words(total)} series.
          {series.length < drawnSeriesMax && (
            <Button size="compact-xs" variant="light" onClick={() => setLimit(drawnSeriesMax)}>
              Show {total > drawnSeriesMax ? words(drawnSeriesMax) : 'all'}
            </Button>
          )}
          Aggregating (sum, topk) tells more.
        </div>
      )}
      {histogramSeries > 0 && <div className={styles['many']}>{histogramSeries} native histograms are not drawn.</div>}
      <TimeChart
        label={props.label}
        times={times}
        series={series}
        window={props.window}
        unit={unit}
        height={graphHeightPx}
        drawing={drawing}
        log={props.log}
        bounds={fromZero ? zeroBounds : freeBounds}
        syncKey={props.syncKey}
        legendTable
        onZoom={props.onZoom}
        {...(props.onUnzoom !== undefined && { onUnzoom: props.onUnzoom })}
      />
    </>
  );
}
