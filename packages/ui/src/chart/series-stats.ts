import type { Column } from './columns.ts';

/** What a legend says of a whole series; null where it has no value at all. */
export interface SeriesStats {
  readonly min: number | null;
  readonly max: number | null;
  readonly last: number | null;
}

export function statsOf(column: Column): SeriesStats {
  let min: number | null = null;
  let max: number | null = null;
  let last: number | null = null;
  for (const value of column) {
    if (value === null) continue;
    if (min === null || value < min) min = value;
    if (max === null || value > max) max = value;
    last = value;
  }
  return { min, max, last };
}

export type LegendSort = { readonly by: 'name' | keyof SeriesStats; readonly descending: boolean } | null;

const naturally = new Intl.Collator('en', { numeric: true });

/** Places of `rows` in the order asked for; a series without values is last either way, equals keep their order. */
export function legendOrder(
  rows: readonly { readonly label: string; readonly stats: SeriesStats }[],
  sort: LegendSort,
): number[] {
  const order = rows.map((_, i) => i);
  if (sort === null) return order;
  const sign = sort.descending ? -1 : 1;
  return order.sort((i, j) => {
    const [a, b] = [rows[i] as (typeof rows)[number], rows[j] as (typeof rows)[number]];
    if (sort.by === 'name') return sign * naturally.compare(a.label, b.label);
    const [x, y] = [a.stats[sort.by], b.stats[sort.by]];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return sign * (x - y);
  });
}

/** After a click on a column: names ascend first, values descend; then the other way; then as answered. */
export function nextLegendSort(sort: LegendSort, by: NonNullable<LegendSort>['by']): LegendSort {
  const first = by !== 'name';
  if (sort?.by !== by) return { by, descending: first };
  return sort.descending === first ? { by, descending: !first } : null;
}
