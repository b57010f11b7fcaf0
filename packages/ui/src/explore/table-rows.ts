import { readValue } from '../api/number.ts';
import type { HistogramValue, InstantSeries, Labels, QueryResult } from '../api/types.ts';
import { fullName } from '../chart/names.ts';

// An instant answer as a table: a column per label while there are few, one column of whole series names otherwise, and
// the value. Sorting understands numbers in values and in labels (`le`, `cpu`).

/** With more labels than this a table is wider than its screen, and whole names are told in one column. */
export const labelColumnsMax = { wide: 6, narrow: 1 };

/** Rows shown at first; a browser lays out some thousand rows without a pause. */
export const rowsFirst = 500;

export interface TableRow {
  readonly key: string;
  readonly metric: Labels;
  /** As the server wrote it. */
  readonly text: string;
  /** For sorting; NaN where the value is not a number. */
  readonly value: number;
}

export interface Table {
  /** Label names, or empty for one column of whole names. */
  readonly labels: readonly string[];
  readonly rows: readonly TableRow[];
}

export interface Sort {
  /** A label name, `series` or `value`. */
  readonly column: string;
  readonly descending: boolean;
}

function histogramText(histogram: HistogramValue): string {
  return `histogram: count ${histogram.count}, sum ${histogram.sum}`;
}

function rowOf(series: InstantSeries, index: number): TableRow {
  const histogram = series.histogram?.[1];
  const text = histogram === undefined ? (series.value?.[1] ?? '') : histogramText(histogram);
  const value = readValue(histogram === undefined ? text : histogram.count);
  return { key: `${index} ${fullName(series.metric)}`, metric: series.metric, text, value };
}

/** An expression that is a range vector (`x[5m]`) answers a matrix: each series by its newest sample. */
function newest(result: QueryResult): readonly InstantSeries[] {
  if (result.resultType === 'vector') return result.result;
  if (result.resultType === 'matrix') {
    return result.result.map(({ metric, values }) => {
      const value = values?.at(-1);
      return value === undefined ? { metric } : { metric, value };
    });
  }
  return [];
}

function labelNames(rows: readonly TableRow[], columnsMax: number): string[] {
  const names = new Set(rows.flatMap((row) => Object.keys(row.metric)));
  const sorted = [...names].sort((a, b) => Number(b === '__name__') - Number(a === '__name__') || (a < b ? -1 : 1));
  return sorted.length <= columnsMax ? sorted : [];
}

export function toTable(result: QueryResult, columnsMax: number): Table {
  if (result.resultType === 'scalar' || result.resultType === 'string') {
    const text = result.result[1];
    return {
      labels: [],
      rows: [{ key: result.resultType, metric: { __name__: result.resultType }, text, value: readValue(text) }],
    };
  }
  const rows = newest(result).map(rowOf);
  return { labels: labelNames(rows, columnsMax), rows };
}

const naturally = new Intl.Collator('en', { numeric: true });

function compareValues(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
}

function textOf(row: TableRow, column: string): string {
  return column === 'series' ? fullName(row.metric) : (row.metric[column] ?? '');
}

/** Sorted copy; NaN stays last in either direction, and equal rows keep the server's order. */
export function sortRows(rows: readonly TableRow[], sort: Sort | null): readonly TableRow[] {
  if (sort === null) return rows;
  const sign = sort.descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (sort.column !== 'value') return sign * naturally.compare(textOf(a, sort.column), textOf(b, sort.column));
    const order = compareValues(a.value, b.value);
    return Number.isNaN(a.value) || Number.isNaN(b.value) ? order : sign * order;
  });
}

/** The sort after a click on a column's head: ascending names, descending values, then the other way, then as answered. */
export function nextSort(sort: Sort | null, column: string): Sort | null {
  const first = column === 'value';
  if (sort?.column !== column) return { column, descending: first };
  return sort.descending === first ? { column, descending: !first } : null;
}
