import {
  BatchBuilder,
  emptyRow,
  foldRow,
  makeRowColumns,
  mergeRows,
  RESOLUTION_MS,
  type Resolution,
  ROW_FLOAT_COLUMNS,
  type RollupRow,
  type RowBatch,
  type SelectedSeries,
} from '@tidemark/model';

// Rows from raw samples, as the rollup makes them of a stream: minutes folded from their points, the hour merged from its
// minutes in their order. A window that has stale markers only gets an empty row, which takes back one that may be out.

const MINUTE_MS = RESOLUTION_MS['1m'];

export interface MadeRow {
  /** Canonical labels: the same object for all rows of a series that were made together. */
  readonly labels: Uint8Array;
  readonly endMs: number;
  readonly row: RollupRow;
}

/** One series' rows of the minutes that its samples lie in; native histograms have none. `labels`: its own, canonical. */
export function minutesOf(labels: Uint8Array, series: SelectedSeries): MadeRow[] {
  const { timestampsMs, values } = numbersOf(series);
  const rows: MadeRow[] = [];
  for (let from = 0; from < timestampsMs.length; ) {
    const endMs = Math.ceil((timestampsMs[from] as number) / MINUTE_MS) * MINUTE_MS;
    let to = from + 1;
    while (to < timestampsMs.length && (timestampsMs[to] as number) <= endMs) to++;
    rows.push({ labels, endMs, row: foldRow(timestampsMs, values, from, to) ?? emptyRow(endMs) });
    from = to;
  }
  return rows;
}

function numbersOf({
  timestampsMs,
  values,
  histograms,
}: SelectedSeries): Pick<SelectedSeries, 'timestampsMs' | 'values'> {
  if (histograms === undefined) return { timestampsMs, values };
  const without = new Set(histograms.entries);
  const isNumber = (_: number, i: number) => !without.has(i);
  return { timestampsMs: timestampsMs.filter(isNumber), values: values.filter(isNumber) };
}

/** Hours under way, minute after minute. */
export class HourRows {
  readonly #endMs: number;
  readonly #hours = new Map<string, { readonly labels: Uint8Array; row: RollupRow | undefined }>();

  constructor(endMs: number) {
    this.#endMs = endMs;
  }

  /** Requires: minutes of a series come in their order. */
  add(key: string, { labels, row }: MadeRow): void {
    let hour = this.#hours.get(key);
    if (!hour) {
      hour = { labels, row: undefined };
      this.#hours.set(key, hour);
    }
    if (row.count > 0) hour.row = hour.row ? mergeRows(hour.row, row) : row;
  }

  rows(): MadeRow[] {
    const endMs = this.#endMs;
    return [...this.#hours.values()].map(({ labels, row }) => ({ labels, endMs, row: row ?? emptyRow(endMs) }));
  }
}

export interface Revision {
  readonly generation: number;
  readonly offset: number;
}

/** The rows as a batch for the log. */
export function rowBatch(
  tenant: string,
  resolution: Resolution,
  made: readonly MadeRow[],
  { generation, offset }: Revision,
  nowMs: number,
): RowBatch {
  const builder = new BatchBuilder(tenant);
  const rows = makeRowColumns(made.length);
  let before: Uint8Array | undefined;
  let series = 0;
  made.forEach(({ labels, endMs, row }, i) => {
    if (labels !== before) series = builder.seriesOf(labels, 0, labels.length);
    before = labels;
    rows.series[i] = series;
    rows.endMs[i] = endMs;
    rows.generation[i] = generation;
    rows.offset[i] = offset;
    for (const name of ROW_FLOAT_COLUMNS) rows[name][i] = row[name];
  });
  return { tenant, resolution, admittedAtMs: nowMs, series: builder.build(nowMs).series, rows };
}
