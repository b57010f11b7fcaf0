import { SLOT_BITS, SLOT_MASK, SLOTS, SlotMarks } from './slot-marks.ts';

// The points of 512 series in one window, in columns.
//
//   slot       0        1        2   ...           a slot is one series; slots are numbered by arrival
//   starts     0        6        12                where its points begin
//   counts     6        6        5                 how many there are
//   capacities 6        6        6                 how many fit before it has to move to the end
//   highest    41       41       40                highest offset of a record with a point in it, less the window's base
//
//   times     |t t t t t t|t t t t t t|t t t t t .|...   ms after the window's beginning, 1 to windowMs; rising within a slot
//   values    |v v v v v v|v v v v v v|v v v v v .|...   bits as they came
//
// A slot first gets the room it needed in the window before, so that a steady scrape wastes nothing; when it needs more it
// moves to the end with twice the room. Points are unique by time at every moment: the same bits again change nothing,
// other bits replace (the last in log order wins).

export { SLOT_BITS, SLOT_MASK, SLOTS };

/** Counts and times are u16. */
export const POINTS_PER_SLOT_MAX = 65_535;
// 4: a 15 s scrape. A slot's first window only; from then on the window before says it.
const FIRST_CAPACITY = 4;
// 1,024: a series that had more points than this may ask for the room again as it comes.
const HINT_MAX = 1_024;
// Blocks begin with the room the window before says; a little is missing where its last points were still to come.
const GROWTH = 1.2;
const SMALL = 1_024;

export class SlotBlock extends SlotMarks {
  readonly starts = new Uint32Array(SLOTS);
  readonly counts = new Uint16Array(SLOTS);
  readonly capacities = new Uint16Array(SLOTS);
  readonly highest = new Uint32Array(SLOTS);
  times: Uint16Array;
  values: Float64Array;
  /** The bits of `values`. */
  words: Uint32Array;
  /** Points of room given to slots, gaps included. */
  used = 0;
  /** Slots below this may have points. */
  slots = 0;
  /** Counts of the window before, if it had this block: how much room a slot probably needs. */
  hints: Uint16Array | undefined;

  constructor(pointsExpected: number) {
    super();
    const capacity = Math.max(64, pointsExpected);
    this.times = new Uint16Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Uint32Array(this.values.buffer);
  }

  /** Empty again; keeps its memory. */
  reset(): void {
    this.counts.fill(0);
    this.capacities.fill(0);
    this.used = 0;
    this.slots = 0;
    this.emitted = false;
    this.hints = undefined;
    this.clearDirty();
  }

  /** Points of all slots. */
  get points(): number {
    let points = 0;
    for (let slot = 0; slot < this.slots; slot++) points += this.counts[slot] as number;
    return points;
  }

  get memoryBytes(): number {
    return SLOTS * 12 + SLOTS / 8 + this.values.length * 10;
  }
}

/** What became of a point. */
export const APPENDED = 0;
export const DUPLICATE = 1;
export const REPLACED = 2;
export type PointOutcome = typeof APPENDED | typeof DUPLICATE | typeof REPLACED;

/** Adds one point whose bits are `low` and `high`. Requires `1 <= time <= 65535`, `highest` not below any before. */
export function addPoint(
  block: SlotBlock,
  slot: number,
  time: number,
  low: number,
  high: number,
  highest: number,
): PointOutcome {
  const count = block.counts[slot] as number;
  let at = (block.starts[slot] as number) + count;
  if (count > 0 && (block.times[at - 1] as number) >= time) {
    at = lowerBound(block.times, block.starts[slot] as number, at, time);
    if (block.times[at] === time) return replacePoint(block, slot, at, low, high, highest);
  }
  if (count === block.capacities[slot]) at += makeRoom(block, slot, count);
  const end = (block.starts[slot] as number) + count;
  if (at < end) {
    block.times.copyWithin(at + 1, at, end);
    block.values.copyWithin(at + 1, at, end);
  }
  block.times[at] = time;
  block.words[at * 2] = low;
  block.words[at * 2 + 1] = high;
  block.highest[slot] = highest;
  block.counts[slot] = count + 1;
  if (slot >= block.slots) block.slots = slot + 1;
  return APPENDED;
}

function replacePoint(
  block: SlotBlock,
  slot: number,
  at: number,
  low: number,
  high: number,
  highest: number,
): PointOutcome {
  if (block.words[at * 2] === low && block.words[at * 2 + 1] === high) return DUPLICATE;
  block.words[at * 2] = low;
  block.words[at * 2 + 1] = high;
  block.highest[slot] = highest;
  return REPLACED;
}

/** First index in `[from, to)` with a time not below `time`; there is one. */
function lowerBound(times: Uint16Array, from: number, to: number, time: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((times[middle] as number) < time) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Returns by how much the slot's points moved. */
export function makeRoom(block: SlotBlock, slot: number, count: number): number {
  const start = block.starts[slot] as number;
  const capacity = block.capacities[slot] as number;
  const hint = Math.min(HINT_MAX, block.hints?.[slot] ?? 0);
  const wanted = Math.min(POINTS_PER_SLOT_MAX, capacity === 0 ? hint || FIRST_CAPACITY : capacity * 2);
  const isLast = capacity > 0 && start + capacity === block.used;
  const moved = isLast ? start : block.used;
  reservePoints(block, moved + wanted);
  block.used = moved + wanted;
  block.starts[slot] = moved;
  block.capacities[slot] = wanted;
  if (moved !== start) {
    block.times.copyWithin(moved, start, start + count);
    block.values.copyWithin(moved, start, start + count);
  }
  return moved - start;
}

/** Makes the columns hold at least `points`. */
export function reservePoints(block: SlotBlock, points: number): void {
  if (points <= block.values.length) return;
  const capacity = Math.max(points, Math.ceil(block.values.length * (block.values.length < SMALL ? 2 : GROWTH)));
  const times = new Uint16Array(capacity);
  times.set(block.times.subarray(0, block.used));
  block.times = times;
  const values = new Float64Array(capacity);
  const words = new Uint32Array(values.buffer);
  words.set(block.words.subarray(0, block.used * 2));
  block.values = values;
  block.words = words;
}

/** Fills an empty slot with points that are in order. */
export function placeSlot(
  block: SlotBlock,
  slot: number,
  times: Uint16Array,
  words: Uint32Array,
  highest: number,
): void {
  const start = block.used;
  reservePoints(block, start + times.length);
  block.times.set(times, start);
  block.words.set(words, start * 2);
  block.used = start + times.length;
  block.starts[slot] = start;
  block.counts[slot] = times.length;
  block.capacities[slot] = times.length;
  block.highest[slot] = highest;
  if (slot >= block.slots) block.slots = slot + 1;
}
