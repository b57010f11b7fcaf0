import { mergeRows, type RollupRow } from '@tidemark/model';
import { SLOTS, SlotMarks } from './slot-marks.ts';

// The rows, so far, of 512 series in one hour, in columns: what the minutes say that are over and forgotten, merged in their
// order. A slot with a count of 0 has no row.

export class HourBlock extends SlotMarks {
  readonly counts = new Uint32Array(SLOTS);
  /** Milliseconds after the hour's beginning, 1 to 3,600,000. */
  readonly firstTimes = new Uint32Array(SLOTS);
  readonly lastTimes = new Uint32Array(SLOTS);
  /** 1: points of this hour came too late for their minutes; when the hour is over it has to be made from raw. */
  readonly missed = new Uint8Array(SLOTS);
  /** By HOUR_FLOATS. */
  readonly floats: readonly Float64Array[] = HOUR_FLOATS.map(() => new Float64Array(SLOTS));
  /** Slots below this may have rows or dirty marks. */
  slots = 0;

  constructor() {
    super();
    (this.floats[OFFSET] as Float64Array).fill(NO_OFFSET);
  }

  get memoryBytes(): number {
    return SLOTS * (13 + HOUR_FLOATS.length * 8) + SLOTS / 8;
  }
}

/** The float columns, in the order in which files have them; `offset` is the highest of a record with a point in the row. */
export const HOUR_FLOATS = ['sum', 'compensation', 'min', 'max', 'first', 'last', 'increase', 'offset'] as const;
/** The offset of a slot that nothing was merged into. */
export const NO_OFFSET = -1;
const SUM = 0;
const COMPENSATION = 1;
const MIN = 2;
const MAX = 3;
const FIRST = 4;
const LAST = 5;
const INCREASE = 6;
const OFFSET = 7;

/** The row of a slot. Undefined when it has none. */
export function readHour(block: HourBlock, slot: number, startMs: number): RollupRow | undefined {
  const count = block.counts[slot] as number;
  if (count === 0) return undefined;
  const { floats } = block;
  const at = (column: number) => (floats[column] as Float64Array)[slot] as number;
  return {
    count,
    sum: at(SUM),
    compensation: at(COMPENSATION),
    min: at(MIN),
    max: at(MAX),
    first: at(FIRST),
    firstMs: startMs + (block.firstTimes[slot] as number),
    last: at(LAST),
    lastMs: startMs + (block.lastTimes[slot] as number),
    increase: at(INCREASE),
  };
}

export function offsetOf(block: HourBlock, slot: number): number {
  return (block.floats[OFFSET] as Float64Array)[slot] as number;
}

/** Merges a minute into the slot. Requires: it is later than all before it. */
export function mergeHour(block: HourBlock, slot: number, startMs: number, row: RollupRow, offset: number): void {
  const before = readHour(block, slot, startMs);
  writeHour(block, slot, startMs, before ? mergeRows(before, row) : row, Math.max(offset, offsetOf(block, slot)));
}

export function writeHour(block: HourBlock, slot: number, startMs: number, row: RollupRow, offset: number): void {
  const { floats } = block;
  const put = (column: number, value: number) => {
    (floats[column] as Float64Array)[slot] = value;
  };
  block.counts[slot] = row.count;
  block.firstTimes[slot] = row.firstMs - startMs;
  block.lastTimes[slot] = row.lastMs - startMs;
  put(SUM, row.sum);
  put(COMPENSATION, row.compensation);
  put(MIN, row.min);
  put(MAX, row.max);
  put(FIRST, row.first);
  put(LAST, row.last);
  put(INCREASE, row.increase);
  put(OFFSET, offset);
  if (slot >= block.slots) block.slots = slot + 1;
}

/** A series whose values were all taken back has no row, but an offset: what is sent to take a row back carries it. */
export function touchHour(block: HourBlock, slot: number, offset: number): void {
  const offsets = block.floats[OFFSET] as Float64Array;
  offsets[slot] = Math.max(offset, offsets[slot] as number);
  if (slot >= block.slots) block.slots = slot + 1;
}
