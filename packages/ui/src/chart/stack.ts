import type { Column } from './columns.ts';

// Stacked areas: each column is raised by the visible ones before it.
//
//   raw      a 1 2 null      raised   a 1 2 null
//            b 3 null 5               b 4 2 5        b's gap at index 1 rests on a: its area has no height there

/**
 * Columns raised on one another, in order. Hidden columns come back as they are and raise nothing.
 * Where no visible column has a value, the raised ones keep the gap.
 */
export function stackColumns(columns: readonly Column[], hidden: (index: number) => boolean): Column[] {
  const length = columns[0]?.length ?? 0;
  const base = new Float64Array(length);
  const present = new Uint8Array(length);
  columns.forEach((column, index) => {
    if (!hidden(index)) markPresent(column, present);
  });
  return columns.map((column, index) => (hidden(index) ? column : raise(column, base, present)));
}

function markPresent(column: Column, present: Uint8Array): void {
  for (let i = 0; i < column.length; i++) if (column[i] !== null) present[i] = 1;
}

function raise(column: Column, base: Float64Array, present: Uint8Array): Column {
  return column.map((value, i) => {
    const raised = (base[i] as number) + (value ?? 0);
    base[i] = raised;
    return present[i] === 1 ? raised : null;
  });
}

/** For each visible series but the lowest: the pair (this, the visible one beneath) between which its area is filled. */
export function stackBands(count: number, hidden: (index: number) => boolean): [upper: number, lower: number][] {
  const bands: [number, number][] = [];
  let lower = -1;
  for (let index = 0; index < count; index++) {
    if (hidden(index)) continue;
    if (lower >= 0) bands.push([index, lower]);
    lower = index;
  }
  return bands;
}
