import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import type { Window } from '../time/range.ts';
import type { ChartCursor } from './model.ts';
import { drawnData, type PlotSpec, plotOptions, plotSignature } from './plot-options.ts';

interface PlotProps {
  readonly spec: PlotSpec;
  readonly times: readonly number[];
  readonly window: Window;
  readonly height: number;
  /** The series to be told from the others, by its place; null for none. */
  readonly focus: number | null;
  readonly onCursor: (cursor: ChartCursor | null) => void;
  readonly onZoom: (from: number, to: number) => void;
}

/** A drag shorter than this is a click with a trembling hand. */
const dragPxMin = 6;

/** Beyond this a redraw at every move of the pointer over the legend is felt. */
const focusSeriesMax = 300;

function cursorOf(u: uPlot): ChartCursor | null {
  const { idx, left = -1, top = 0 } = u.cursor;
  if (idx == null || left < 0) return null;
  const areaLeft = u.over.offsetLeft;
  return { index: idx, left, areaLeft, areaWidth: u.over.clientWidth, y: u.posToVal(top, 'y') };
}

/** uPlot's canvas as a component: a new plot per signature, new data per answer, the width of its parent. */
export function Plot(props: PlotProps) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const signature = plotSignature(props.spec);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature stands for all of the spec but its values.
  useEffect(() => {
    const parent = holder.current as HTMLDivElement;
    const { spec, times, height } = latest.current;
    const options = plotOptions(spec, { width: parent.clientWidth, height }, () => latest.current.window);
    options.hooks = {
      setCursor: [(u) => latest.current.onCursor(cursorOf(u))],
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (width < dragPxMin) return;
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'));
        },
      ],
    };
    const made = new uPlot(options, drawnData(spec, times), parent);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (parent.clientWidth > 0) made.setSize({ width: parent.clientWidth, height: latest.current.height });
    });
    observer.observe(parent);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [signature, props.height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: feeds the plot when data or window change; the spec's shape is handled above.
  useEffect(() => {
    plot.current?.setData(drawnData(latest.current.spec, props.times));
  }, [props.spec.series, props.times, props.window.start, props.window.end]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new plot begins without a focus, so the signature counts.
  useEffect(() => {
    if (props.spec.series.length > focusSeriesMax) return;
    const place = props.focus === null || props.focus < 0 ? null : props.focus + 1;
    plot.current?.setSeries(place, { focus: true });
  }, [props.focus, signature, props.height]);

  return <div ref={holder} style={{ height: props.height }} />;
}
