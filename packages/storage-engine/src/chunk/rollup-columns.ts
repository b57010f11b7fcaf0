import type { RowColumns } from '@tidemark/model';

// Rollup rows as columns of a chunk. The time of a row is the end of its window. Order is on disk: add at the end only.
//
//   count sum compensation min max first firstMs last lastMs increase generation offset
//
// firstMs and lastMs are kept as what they lie before the end: small numbers that pack well. Only whole milliseconds near
// the end are moved (the subtraction is exact then); a row with anything else there is refused at intake.

export const ROW_COLUMNS = [
  'count',
  'sum',
  'compensation',
  'min',
  'max',
  'first',
  'firstMs',
  'last',
  'lastMs',
  'increase',
  'generation',
  'offset',
] as const satisfies readonly (keyof RowColumns)[];

export const ROW_COLUMN_COUNT = ROW_COLUMNS.length;
export const GENERATION_COLUMN = ROW_COLUMNS.indexOf('generation');
export const OFFSET_COLUMN = ROW_COLUMNS.indexOf('offset');
/** The columns kept as a distance before the row's end. */
export const RELATIVE_COLUMNS: readonly number[] = [ROW_COLUMNS.indexOf('firstMs'), ROW_COLUMNS.indexOf('lastMs')];
