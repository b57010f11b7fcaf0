import { emptyRow, mergeRowInto, type RollupRow } from '@tidemark/model';
import { SLOTS, SlotMarks } from './slot-marks.ts';

// The rows, so far, of 512 series in one hour, in columns: what the minutes say that are over and forgotten, merged in their
// order. A slot with a count of 0 has no row.

/** The offset of a slot that nothing was merged into. */
export const NO_OFFSET = -1;

export class HourBlock extends SlotMarks {
  readonly counts = new Uint32Array(SLOTS);
  /** Milliseconds after the hour's beginning, 1 to 3,600,000. */
  readonly firstTimes = new Uint32Array(SLOTS);
  readonly lastTimes = new Uint32Array(SLOTS);
  /** 1: points of this hour came too late for their minutes; when the hour is over it has to be made from raw. */
  readonly missed = new Uint8Array(SLOTS);
  readonly sum = new Float64Array(SLOTS);
  readonly compensation = new Float64Array(SLOTS);
  readonly min = new Float64Array(SLOTS);
  readonly max = new Float64Array(SLOTS);
  readonly first = new Float64Array(SLOTS);
  readonly last = new Float64Array(SLOTS);
  readonly increase = new Float64Array(SLOTS);
  /** The highest offset of a record with a point in the row; NO_OFFSET where nothing was merged. */
  readonly offset = new Float64Array(SLOTS).fill(NO_OFFSET);
  /** Slots below this may have rows or marks. */
  slots = 0;

  /** All columns, in the order in which files have them. */
  get columns(): readonly (Uint8Array | Uint32Array | Float64Array)[] {
    const { counts, firstTimes, lastTimes, missed, sum, compensation, min, max, first, last, increase, offset } = this;
    return [counts, firstTimes, lastTimes, missed, sum, compensation, min, max, first, last, increase, offset];
  }

  get memoryBytes(): number {
    return SLOTS * HOUR_SLOT_BYTES + SLOTS / 8;
  }
}

/** Bytes of a slot in all columns. */
export const HOUR_SLOT_BYTES = 13 + 8 * 8;
const merging = emptyRow(0);

/** Puts the row of a slot into `row`. Returns false when it has none; `row` is what it was then. */
export function readHour(block: HourBlock, slot: number, startMs: number, row: RollupRow): boolean {
  const count = block.counts[slot] as number;
  if (count === 0) return false;
  row.count = count;
  row.sum = block.sum[slot] as number;
  row.compensation = block.compensation[slot] as number;
  row.min = block.min[slot] as number;
  row.max = block.max[slot] as number;
  row.first = block.first[slot] as number;
  row.firstMs = startMs + (block.firstTimes[slot] as number);
  row.last = block.last[slot] as number;
  row.lastMs = startMs + (block.lastTimes[slot] as number);
  row.increase = block.increase[slot] as number;
  return true;
}

/** Merges a minute into the slot. Requires: it is later than all before it. */
export function mergeHour(block: HourBlock, slot: number, startMs: number, minute: RollupRow, offset: number): void {
  let row = minute;
  if (readHour(block, slot, startMs, merging)) {
    mergeRowInto(merging, minute);
    row = merging;
  }
  block.counts[slot] = row.count;
  block.firstTimes[slot] = row.firstMs - startMs;
  block.lastTimes[slot] = row.lastMs - startMs;
  block.sum[slot] = row.sum;
  block.compensation[slot] = row.compensation;
  block.min[slot] = row.min;
  block.max[slot] = row.max;
  block.first[slot] = row.first;
  block.last[slot] = row.last;
  block.increase[slot] = row.increase;
  touchHour(block, slot, offset);
}

/** A series whose values were all taken back has no row, but an offset: what is sent to take a row back carries it. */
export function touchHour(block: HourBlock, slot: number, offset: number): void {
  if (offset > (block.offset[slot] as number)) block.offset[slot] = offset;
  if (slot >= block.slots) block.slots = slot + 1;
}
