import type { Column } from '../chunk/columns.ts';
import { GENERATION_COLUMN, OFFSET_COLUMN } from '../chunk/rollup-columns.ts';

// What happens when a series has two entries at one time. Samples: the later in log order stands. Rows: the greater revision
// (generation, offset) stands, the later in log order among equals.

export type Tier = 'raw' | '1m' | '1h';
export const TIERS: readonly Tier[] = ['raw', '1m', '1h'];

/** Whether entry `i` of `a` has the same bits as entry `j` of `b`. */
export function sameEntry(a: readonly Column[], i: number, b: readonly Column[], j: number): boolean {
  for (let c = 0; c < a.length; c++) {
    const x = (a[c] as Column).words;
    const y = (b[c] as Column).words;
    if (x[i * 2] !== y[j * 2] || x[i * 2 + 1] !== y[j * 2 + 1]) return false;
  }
  return true;
}

/** Whether entry `j` of `later`, which came later in log order, replaces entry `i` of `earlier`. */
export function replaces(earlier: readonly Column[], i: number, later: readonly Column[], j: number): boolean {
  if (earlier.length <= OFFSET_COLUMN) return true;
  const generation = (earlier[GENERATION_COLUMN] as Column).values[i] as number;
  const newGeneration = (later[GENERATION_COLUMN] as Column).values[j] as number;
  if (generation !== newGeneration) return newGeneration > generation;
  const offset = (earlier[OFFSET_COLUMN] as Column).values[i] as number;
  return ((later[OFFSET_COLUMN] as Column).values[j] as number) >= offset;
}
