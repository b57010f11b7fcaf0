import type { RowColumns, RowFloatColumn } from '@tidemark/model';
import type { Column } from '../chunk/columns.ts';
import { GENERATION_COLUMN, OFFSET_COLUMN, RELATIVE_COLUMNS, ROW_COLUMNS } from '../chunk/rollup-columns.ts';
import type { Entries } from './decode.ts';

// Rows of an answer: of the twelve columns a row is kept in, those that somebody asked for.

/** By column of a chunk, whether it is wanted: what was asked for, whether it is a row at all, and which revision. */
export function wantedColumns(asked: readonly RowFloatColumn[] | undefined): Uint8Array | undefined {
  if (asked === undefined) return undefined;
  const wanted = Uint8Array.from(ROW_COLUMNS, (name) => Number((asked as readonly string[]).includes(name)));
  for (const always of [ROW_COLUMNS.indexOf('count'), GENERATION_COLUMN, OFFSET_COLUMN]) wanted[always] = 1;
  return wanted;
}

const NONE = new Float64Array(0);

/** Copies; columns that are not wanted are empty. */
export function rowsOf({ columns, from, to }: Entries, wanted: Uint8Array | undefined): RowColumns {
  const ends = columns.timestampsMs.slice(from, to);
  const column = (c: number): Float64Array => {
    if (wanted?.[c] === 0) return NONE;
    const values = (columns.columns[c] as Column).values.slice(from, to);
    if (RELATIVE_COLUMNS.includes(c)) {
      for (let i = 0; i < values.length; i++) values[i] = (ends[i] as number) - (values[i] as number);
    }
    return values;
  };
  const named = Object.fromEntries(ROW_COLUMNS.map((name, c) => [name, column(c)]));
  return {
    ...(named as Record<RowFloatColumn | 'offset', Float64Array>),
    length: to - from,
    series: new Uint32Array(to - from),
    endMs: ends,
    generation: Uint32Array.from(column(GENERATION_COLUMN)),
  };
}
