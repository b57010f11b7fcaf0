import { CRITICAL_OFFSETS, type Matcher } from '@tidemark/model';
import type { Column, Columns } from '../chunk/columns.ts';
import { OFFSET_COLUMN, ROW_COLUMNS } from '../chunk/rollup-columns.ts';
import type { LabelIndex } from '../index/label-index.ts';
import { matchSeries } from '../index/matcher-plan.ts';
import { union } from '../index/postings.ts';
import type { Tombstone } from './tombstone.ts';

// Takes deleted entries out of what was decoded. Samples: by their time, for whoever asks knows that all of them came before the
// delete. Rows: when every point of the row is in the deleted time and came before the delete; a row that has others as well
// stays whole, for it cannot be taken apart.

const FIRST_COLUMN = ROW_COLUMNS.indexOf('firstMs');
const LAST_COLUMN = ROW_COLUMNS.indexOf('lastMs');

/** What is deleted of one series. */
export interface Erasure {
  readonly startMs: number;
  /** Inclusive. */
  readonly endMs: number;
  /** Of the delete, as rows say it: in raw, and in the topic of critical samples (-1: nowhere). */
  readonly offset: number;
  readonly criticalOffset: number;
}

/** Takes what is deleted out of `columns[from, length)`; the rest moves up. */
export function eraseEntries(columns: Columns, from: number, erasures: readonly Erasure[]): void {
  const isErased = columns.columnCount === 1 ? isSampleErased : isRowErased;
  let kept = from;
  for (let i = from; i < columns.length; i++) {
    if (erasures.some((erasure) => isErased(columns, i, erasure))) continue;
    if (kept !== i) columns.move(i, kept);
    kept++;
  }
  columns.length = kept;
}

function isSampleErased({ timestampsMs }: Columns, i: number, { startMs, endMs }: Erasure): boolean {
  const time = timestampsMs[i] as number;
  return time >= startMs && time <= endMs;
}

function isRowErased({ timestampsMs, columns }: Columns, i: number, erasure: Erasure): boolean {
  const { startMs, endMs } = erasure;
  const rowMs = timestampsMs[i] as number;
  const value = (column: number) => (columns[column] as Column).values[i] as number;
  const offset = value(OFFSET_COLUMN);
  const through = offset < CRITICAL_OFFSETS ? erasure.offset : erasure.criticalOffset;
  return offset <= through && rowMs - value(FIRST_COLUMN) >= startMs && rowMs - value(LAST_COLUMN) <= endMs;
}

export function erasureOf({ startMs, endMs, offset, criticalOffset }: Tombstone): Erasure {
  return {
    startMs,
    endMs,
    offset,
    criticalOffset: criticalOffset === undefined ? -1 : CRITICAL_OFFSETS + criticalOffset,
  };
}

/** What is deleted, by ref of the index; undefined when nothing is. */
export function erasuresOf(
  index: LabelIndex,
  tombstones: readonly Tombstone[],
): ReadonlyMap<number, readonly Erasure[]> | undefined {
  const erasures = new Map<number, Erasure[]>();
  for (const tombstone of tombstones) {
    const erasure = erasureOf(tombstone);
    for (const ref of matchSelectors(index, tombstone.selectors)) {
      const list = erasures.get(ref);
      if (list === undefined) erasures.set(ref, [erasure]);
      else list.push(erasure);
    }
  }
  return erasures.size === 0 ? undefined : erasures;
}

/** Refs of the series that one of the selectors wants, rising. */
export function matchSelectors(index: LabelIndex, selectors: readonly (readonly Matcher[])[]): readonly number[] {
  return union(selectors.map((selector) => matchSeries(index, selector)));
}
