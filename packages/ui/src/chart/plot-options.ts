import type uPlot from 'uplot';
import { formatTicks, formatValue, tickDistances, type Unit } from '../format/units.ts';
import { timeTicks } from '../time/format-time.ts';
import type { Window } from '../time/range.ts';
import type { Drawing } from '../url/page-state.ts';
import { type Column, isolatedIndices } from './columns.ts';
import type { ChartSeries, Hidden } from './model.ts';
import { chartInk, type Scheme, seriesColor, withAlpha } from './palette.ts';
import { stackBands, stackColumns } from './stack.ts';
import { logRange, type YBounds, yRange } from './y-range.ts';

// What uPlot is told about a chart. A plot is made anew when this changes and only fed with data when it doesn't.

const font = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** Pixels a character of an axis label takes at 11 px, and the least width, which keeps the cards' plots aligned. */
const labelCharPx = 6.2;
const axisWidthMinPx = 52;

export interface PlotSpec {
  readonly series: readonly ChartSeries[];
  readonly hidden: Hidden;
  readonly scheme: Scheme;
  readonly unit: Unit;
  readonly drawing: Drawing;
  /** A logarithmic axis; zero and below are gaps there. */
  readonly log: boolean;
  readonly bounds: YBounds;
  readonly syncKey: string | undefined;
}

/** Equal for two specs that need no new plot: everything but the values. */
export function plotSignature(spec: PlotSpec): string {
  const series = spec.series.map((s) => [s.key, s.color, s.filled, s.dashed, s.below, spec.hidden.has(s.key)]);
  return JSON.stringify([series, spec.scheme, spec.unit, spec.drawing, spec.log, spec.bounds, spec.syncKey]);
}

/** The columns as drawn: stacked, or mirrored, or as they are. */
export function drawnData(spec: PlotSpec, times: readonly number[]): uPlot.AlignedData {
  const columns = spec.series.map((series) => (series.below === true ? series.values.map(negated) : series.values));
  const drawn = spec.drawing === 'stacked' ? stackColumns(columns, (i) => isHidden(spec, i)) : columns;
  const shown = spec.log ? drawn.map((column) => column.map(positive)) : drawn;
  return [times as number[], ...shown] as [number[], ...Column[]];
}

function negated(value: number | null): number | null {
  return value === null ? null : -value;
}

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

function isHidden(spec: PlotSpec, index: number): boolean {
  return spec.hidden.has(spec.series[index]?.key ?? '');
}

function seriesOptions(spec: PlotSpec, series: ChartSeries): uPlot.Series {
  const color = seriesColor(series.color, spec.scheme);
  const options: uPlot.Series = {
    label: series.label,
    show: !spec.hidden.has(series.key),
    stroke: color,
    width: spec.drawing === 'stacked' ? 1 : 1.5,
    points: { show: true, size: 4, fill: color, filter: (u, i) => isolatedIndices(u.data[i] as Column) },
  };
  if (spec.drawing === 'points') {
    options.paths = () => null;
    options.points = { show: true, size: 4, fill: color };
  } else if (spec.drawing === 'stacked') options.fill = withAlpha(color, spec.scheme === 'dark' ? 0.38 : 0.45);
  else if (series.filled === true) options.fill = withAlpha(color, 0.14);
  if (series.dashed === true) options.dash = [5, 4];
  return options;
}

function isPowerOfTen(value: number): boolean {
  return Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
}

function logTicks(splits: readonly (number | null)[], unit: Unit): string[] {
  return splits.map((value) => (value === null ? '' : formatValue(value, unit)));
}

function axes(spec: PlotSpec): uPlot.Axis[] {
  const ink = chartInk[spec.scheme];
  const shared = { stroke: ink.text, font, ticks: { show: false }, grid: { stroke: ink.grid, width: 1 } };
  const distances = tickDistances(spec.unit);
  const mirrored = spec.series.some((series) => series.below === true);
  const y: uPlot.Axis = {
    ...shared,
    gap: 8,
    space: 28,
    size: (_, values) =>
      Math.max(axisWidthMinPx, 16 + labelCharPx * Math.max(0, ...(values ?? []).map((text) => text.length))),
    values: (_, splits) =>
      spec.log ? logTicks(splits, spec.unit) : formatTicks(mirrored ? splits.map(Math.abs) : splits, spec.unit),
  };
  if (distances !== undefined && !spec.log) y.incrs = distances;
  // Between powers of ten a logarithmic axis has lines without a text.
  if (spec.log) y.filter = (_, splits) => splits.map((value) => (isPowerOfTen(value) ? value : null)) as number[];
  const x: uPlot.Axis = {
    ...shared,
    gap: 6,
    size: 26,
    space: 68,
    grid: { show: false },
    values: (_, splits, __, ___, incr) => timeTicks(splits, incr),
  };
  return [x, y];
}

export function plotOptions(
  spec: PlotSpec,
  size: { width: number; height: number },
  window: () => Window,
): uPlot.Options {
  const cursor: uPlot.Cursor = {
    y: false,
    points: { size: 6, width: 2 },
    drag: { x: true, y: false, setScale: false },
    bind: { dblclick: () => null },
  };
  if (spec.syncKey !== undefined) {
    // Only the pointer's place is shared; a drag on one chart must not be taken for a drag on all.
    const pub = (type: string) => type === 'mousemove' || type === 'mouseleave';
    cursor.sync = { key: spec.syncKey, setSeries: false, scales: ['x', null], filters: { pub } };
  }
  const bands = spec.drawing === 'stacked' ? stackBands(spec.series.length, (i) => isHidden(spec, i)) : [];
  return {
    ...size,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    focus: { alpha: 0.2 },
    cursor,
    scales: {
      x: { time: true, range: () => [window().start, window().end] },
      y: spec.log
        ? { distr: 3, range: (_, min, max) => logRange(min, max) }
        : { range: (_, min, max) => yRange(min, max, spec.bounds) },
    },
    series: [{}, ...spec.series.map((series) => seriesOptions(spec, series))],
    bands: bands.map(([upper, lower]) => ({ series: [upper + 1, lower + 1] })),
    axes: axes(spec),
  };
}
