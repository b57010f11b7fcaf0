import type { RangeSeries } from '../api/types.ts';
import { type Grid, gridTimes, toColumns } from '../chart/columns.ts';
import type { ChartSeries } from '../chart/model.ts';
import { fullName } from '../chart/names.ts';
import { oncePerDevice } from './mounts.ts';
import type { PanelQuery, PanelSpec } from './panels.ts';

// Answers of a panel's queries as the series of its chart: named, coloured, in the panel's order.

export interface PanelData {
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
}

function rank(spec: PanelSpec, name: string): number {
  const at = spec.order?.indexOf(name) ?? -1;
  return at < 0 ? Number.MAX_SAFE_INTEGER : at;
}

function isZero(series: ChartSeries): boolean {
  return series.values.every((value) => value === null || value === 0);
}

function seriesOf(spec: PanelSpec, query: PanelQuery, answer: readonly RangeSeries[], grid: Grid): ChartSeries[] {
  const kept = spec.oncePerDevice === true ? oncePerDevice(answer) : answer;
  const named = kept.map((series) => ({ series, name: query.name(series.metric) }));
  named.sort((a, b) => rank(spec, a.name) - rank(spec, b.name) || (a.name < b.name ? -1 : 1));
  const columns = toColumns(
    named.map(({ series }) => series),
    grid,
  );
  return columns.series.map(({ metric, values }, position) => {
    const name = query.name(metric);
    return {
      // Two jobs may tell of one host under the same name; the labels keep their series apart.
      key: `${spec.queries.indexOf(query)} ${fullName(metric)}`,
      label: name,
      title: Object.keys(metric).length === 0 ? name : fullName(metric),
      values,
      // Pairs (in, out) take neighbouring hues: each query every n-th of the palette.
      color: query.color?.(metric) ?? position * spec.queries.length + spec.queries.indexOf(query),
      ...(query.filled === true && { filled: true }),
      ...(query.dashed === true && { dashed: true }),
      ...(query.below === true && { below: true }),
    };
  });
}

/** Requires: `answers` in the order of the panel's queries. */
export function panelData(spec: PanelSpec, answers: readonly (readonly RangeSeries[])[], grid: Grid): PanelData {
  const all = spec.queries.flatMap((query, i) => seriesOf(spec, query, answers[i] ?? [], grid));
  const moving = spec.dropZero === true && all.some((series) => !isZero(series));
  // Without an order of its own a panel tells what belongs together side by side: eth0 in, eth0 out, wg0 in, ...
  if (spec.order === undefined) all.sort((a, b) => (a.label < b.label ? -1 : 1));
  return { times: gridTimes(grid), series: moving ? all.filter((series) => !isZero(series)) : all };
}
