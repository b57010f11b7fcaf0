import { assert, ByteWriter } from '@tidemark/base';
import { isBrief, readBrief, writeBrief } from '../chunk/brief.ts';
import { readChunk, writeChunk } from '../chunk/chunk.ts';
import { type Column, Columns } from '../chunk/columns.ts';
import { roomFor } from '../series/room.ts';
import { CELL_NONE, Cells } from './cells.ts';
import { OutOfOrder } from './out-of-order.ts';
import { replaces, sameEntry } from './resolve.ts';
import { PAGE_SERIES, PAGE_SERIES_BITS, type SlotPage, Slots } from './slots.ts';

// The newest samples of a shard, in memory.
//
//   append ─> slot (16 raw) ── full ──> stream (small chunks, in cells) ── 112 there ──> one chunk of 128 ─> window
//      │                                   └─ rows: in brief; at 4, 8, 16 and then every 16 encoded anew as one chunk
//      │                                                                   window ends ─> whatever there is ─> window
//      └─ at or below what the series has finished ─> out of order ─ next checkpoint ─> chunks of their own ─> window
//                 native histograms ─ always ──────────┘
//
// A histogram finishes its series first, through its own time: then all numbers in slot and stream are above every histogram of the
// series that came before them, and what comes later at its time or below is out of order too, behind it.
//
// Per series: everything finished (in stream or chunks) comes before `finished`; the slot holds what is above, rising; slot and stream
// belong to one window, and times are distances from its beginning. No object per series and no allocation on the way of a known
// series.
//
// Series of a scrape come in step. So that not all of them become chunks in one scrape, the first chunk of a series in a window is
// cut early, by its number: some at once, some when it is as long as any.

// A slot of doubles that don't compress, with room for headers.
const STREAM_BYTES_PER_ENTRY = 24;

export interface HeadCounts {
  samples: number;
  /** The same bits at the same time again. */
  duplicates: number;
  /** Another value at the same time: the later one stands. */
  conflicts: number;
  outOfOrder: number;
  tooOld: number;
  timeInvalid: number;
  unknownSeries: number;
}

export interface HeadOptions {
  readonly columnCount: number;
  readonly slotSize: number;
  readonly windowMs: number;
  /** With so many entries in its stream a series becomes a chunk when its slot is full again. */
  readonly streamMax: number;
  /** After so many entries the stream is encoded anew, as one; before that at each power of two. Infinity: never. */
  readonly streamFold: number;
  /** Takes a finished run of a series in the window that begins at `startMs`. Must copy. */
  readonly emit: (startMs: number, ref: number, run: Columns, from: number, to: number, inOrder: boolean) => void;
}

/** The arrays of a head by series, all of one length. */
export interface SeriesState {
  slotCount: Uint8Array;
  /** Number of the window that slot and stream are of, counted in window lengths from 1970; NO_WINDOW: none. */
  windowOf: Int32Array;
  /** One above the newest time in the window, from its beginning; 0: nothing of it came yet. */
  last: Uint32Array;
  /** One above the newest time that has left the slot, likewise. */
  finished: Uint32Array;
  firstCell: Uint32Array;
  lastCell: Uint32Array;
  lastUsed: Uint8Array;
  streamEntries: Uint16Array;
  /** 1: the next chunk is cut early. */
  early: Uint8Array;
}

export const NO_WINDOW: number = -(2 ** 31);

export class Head {
  readonly slots: Slots;
  readonly cells = new Cells();
  readonly outOfOrder: OutOfOrder;
  readonly options: HeadOptions;
  state: SeriesState;
  /** Whoever takes the head as it is now, over several turns: knows before slots change. */
  snapshot: { beforeChange(refs: Uint32Array): void } | undefined;
  /** Windows that end at or below this are frozen: whatever comes for them is out of order. */
  frozenThroughMs = Number.NEGATIVE_INFINITY;
  /** Anything older is dropped: its window has left by retention. */
  oldestMs = Number.NEGATIVE_INFINITY;
  readonly #scratch: Columns;
  readonly #streamBytes: Uint8Array;
  readonly #chunk = new ByteWriter(1024);
  #capacity = 0;

  constructor(options: HeadOptions) {
    this.options = options;
    this.slots = new Slots(options.slotSize, options.columnCount);
    this.outOfOrder = new OutOfOrder(options.columnCount);
    this.#scratch = new Columns(options.columnCount, this.entriesMax);
    this.#streamBytes = this.streamBuffer();
    this.state = makeSeriesState(0);
  }

  /** Most entries that a series has in stream and slot. */
  get entriesMax(): number {
    return this.options.streamMax + this.options.slotSize;
  }

  /** Room for the longest stream. */
  streamBuffer(): Uint8Array {
    return new Uint8Array(this.entriesMax * (this.options.columnCount + 1) * STREAM_BYTES_PER_ENTRY);
  }

  get bytes(): number {
    return this.slots.bytes + this.cells.bytes + this.outOfOrder.bytes + this.#capacity * STATE_BYTES;
  }

  /** Makes room for refs below `seriesCount`. */
  reserve(seriesCount: number): void {
    this.slots.reserve(seriesCount);
    if (seriesCount <= this.#capacity) return;
    this.#capacity = roomFor(seriesCount, this.#capacity);
    this.state = grownState(this.state, this.#capacity);
  }

  /**
   * Adds `count` entries: entry i is of series `refs[series[i]]` at `timestampsMs[i]`, in log order. Requires room reserved.
   */
  append(
    refs: Uint32Array,
    series: Uint32Array,
    timestampsMs: Float64Array,
    source: readonly Column[],
    count: number,
    counts: HeadCounts,
  ): void {
    this.snapshot?.beforeChange(refs);
    const { slotSize, pages } = this.slots;
    const { slotCount, last, windowOf } = this.state;
    const { windowMs } = this.options;
    const single = source.length === 1;
    const words = (source[0] as Column).words;
    const seriesCount = this.#capacity;
    for (let i = 0; i < count; i++) {
      const ref = refs[series[i] as number] as number;
      const time = timestampsMs[i] as number;
      if (ref >= seriesCount) {
        counts.unknownSeries++;
        continue;
      }
      if (time !== Math.floor(time) || time > MAX_TIME_MS || time < -MAX_TIME_MS) {
        counts.timeInvalid++;
        continue;
      }
      const depth = slotCount[ref] as number;
      const offset = time - (windowOf[ref] as number) * windowMs;
      if (!single || depth >= slotSize || !(offset >= (last[ref] as number) && offset < windowMs)) {
        this.#appendSlowly(ref, time, source, i, counts);
        continue;
      }
      const page = pages[ref >>> PAGE_SERIES_BITS] as SlotPage;
      const at = depth * PAGE_SERIES + (ref & (PAGE_SERIES - 1));
      page.offsetsMs[at] = offset;
      const into = (page.columns[0] as Column).words;
      into[at * 2] = words[i * 2] as number;
      into[at * 2 + 1] = words[i * 2 + 1] as number;
      slotCount[ref] = depth + 1;
      last[ref] = offset + 1;
      counts.samples++;
    }
  }

  /** Adds histograms, which come after what was appended before: entry i of `[from, count)`, as `append` has them. */
  appendHistograms(
    refs: Uint32Array,
    entries: {
      readonly series: Uint32Array;
      readonly timestampsMs: Float64Array;
      readonly columns: readonly Column[];
      readonly count: number;
    },
    histograms: readonly Uint8Array[],
    counts: HeadCounts,
  ): void {
    this.snapshot?.beforeChange(refs);
    const { series, timestampsMs, columns, count } = entries;
    const from = count - histograms.length;
    for (let i = from; i < count; i++) {
      const ref = refs[series[i] as number] as number;
      const time = timestampsMs[i] as number;
      if (ref >= this.#capacity) counts.unknownSeries++;
      else if (time !== Math.floor(time) || time > MAX_TIME_MS || time < -MAX_TIME_MS) counts.timeInvalid++;
      else if (time < this.oldestMs) counts.tooOld++;
      else {
        this.#finishThrough(ref, time);
        this.outOfOrder.add(ref, time, columns, i, histograms[i - from]);
        counts.samples++;
      }
    }
  }

  /** From here on whatever comes at or below `time` is out of order. */
  #finishThrough(ref: number, time: number): void {
    if (time < this.frozenThroughMs) return;
    const { state } = this;
    if (state.windowOf[ref] === NO_WINDOW || time - this.#windowStartMs(ref) >= this.options.windowMs) {
      this.#enterWindow(ref, time);
    }
    const offset = time - this.#windowStartMs(ref);
    if (offset < (state.finished[ref] as number)) return;
    this.finish(ref);
    state.last[ref] = Math.max(state.last[ref] as number, offset + 1);
    state.finished[ref] = state.last[ref] as number;
  }

  #appendSlowly(ref: number, time: number, source: readonly Column[], i: number, counts: HeadCounts): void {
    const { state } = this;
    if (time < this.oldestMs) {
      counts.tooOld++;
      return;
    }
    const offset = time - this.#windowStartMs(ref);
    // In no window: what it had is frozen, and what is not frozen is new.
    const isIn = state.windowOf[ref] !== NO_WINDOW;
    if (time < this.frozenThroughMs || (isIn && offset < (state.finished[ref] as number))) {
      this.#addOutOfOrder(ref, time, source, i, counts);
      return;
    }
    if (isIn && offset < (state.last[ref] as number)) {
      this.#insert(ref, offset, source, i, counts);
      return;
    }
    if (!isIn || offset >= this.options.windowMs) this.#enterWindow(ref, time);
    if (state.slotCount[ref] === this.slots.slotSize) this.#emptySlot(ref);
    const depth = state.slotCount[ref] as number;
    const own = time - this.#windowStartMs(ref);
    this.slots.put(ref, depth, own, source, i);
    state.slotCount[ref] = depth + 1;
    state.last[ref] = own + 1;
    counts.samples++;
  }

  /** A time inside the slot: the same again, another value, or one that was overtaken. */
  #insert(ref: number, offset: number, source: readonly Column[], i: number, counts: HeadCounts): void {
    const count = this.state.slotCount[ref] as number;
    const page = this.slots.page(ref);
    let depth = count;
    while (depth > 0 && (page.offsetsMs[Slots.at(ref, depth - 1)] as number) >= offset) depth--;
    const at = Slots.at(ref, depth);
    if (depth < count && page.offsetsMs[at] === offset) {
      if (sameEntry(page.columns, at, source, i)) {
        counts.duplicates++;
        return;
      }
      counts.conflicts++;
      if (replaces(page.columns, at, source, i)) this.slots.put(ref, depth, offset, source, i);
      return;
    }
    if (count === this.slots.slotSize) {
      this.#emptySlot(ref);
      this.#addOutOfOrder(ref, this.#windowStartMs(ref) + offset, source, i, counts);
      return;
    }
    this.slots.makeRoom(ref, depth, count);
    this.slots.put(ref, depth, offset, source, i);
    this.state.slotCount[ref] = count + 1;
    counts.samples++;
    counts.outOfOrder++;
  }

  #addOutOfOrder(ref: number, time: number, source: readonly Column[], i: number, counts: HeadCounts): void {
    this.outOfOrder.add(ref, time, source, i);
    counts.samples++;
    counts.outOfOrder++;
  }

  #enterWindow(ref: number, time: number): void {
    this.finish(ref);
    const { state } = this;
    state.windowOf[ref] = Math.floor(time / this.options.windowMs);
    state.last[ref] = 0;
    state.finished[ref] = 0;
    state.early[ref] = 1;
  }

  /** With so many entries in its stream a series becomes a chunk. */
  #streamMaxOf(ref: number): number {
    const { streamMax } = this.options;
    const { slotSize } = this.slots;
    return this.state.early[ref] === 0 ? streamMax : (ref % (Math.floor(streamMax / slotSize) + 1)) * slotSize;
  }

  /** Moves a full slot into the stream, or everything into a chunk when the stream is long enough. */
  #emptySlot(ref: number): void {
    const { state } = this;
    const { streamFold } = this.options;
    const streamed = state.streamEntries[ref] as number;
    if (streamed >= this.#streamMaxOf(ref)) {
      state.early[ref] = 0;
      this.finish(ref);
      return;
    }
    const count = state.slotCount[ref] as number;
    this.#scratch.reset();
    this.#chunk.reset();
    this.#chunk.u8(0);
    this.#chunk.u8(0);
    if (isFolded(streamed, streamed + count, streamFold)) {
      this.copySeries(ref, this.#scratch);
      this.#dropStream(ref);
      writeChunk(this.#chunk, this.#scratch, 0, this.#scratch.length);
    } else {
      this.slots.copy(ref, count, this.#windowStartMs(ref), this.#scratch);
      if (streamFold === Number.POSITIVE_INFINITY) writeChunk(this.#chunk, this.#scratch, 0, count);
      else writeBrief(this.#chunk, this.#scratch, 0, count);
    }
    const length = this.#chunk.length - 2;
    assert(length <= 0xffff, 'a chunk of a stream has a length of two bytes');
    this.#chunk.bytes[0] = length;
    this.#chunk.bytes[1] = length >>> 8;
    const lastCell = state.lastCell[ref] as number;
    const added = this.cells.append(lastCell, state.lastUsed[ref] as number, this.#chunk.bytes, 0, this.#chunk.length);
    if (lastCell === CELL_NONE) state.firstCell[ref] = added;
    state.lastCell[ref] = this.cells.lastCell;
    state.lastUsed[ref] = this.cells.lastUsed;
    state.streamEntries[ref] = streamed + count;
    state.slotCount[ref] = 0;
    state.finished[ref] = state.last[ref] as number;
  }

  /** Emits what a series has in stream and slot as a chunk of its window; the series goes on empty. */
  finish(ref: number): void {
    const { state } = this;
    if (state.slotCount[ref] === 0 && state.streamEntries[ref] === 0) return;
    const run = this.#scratch;
    run.reset();
    this.copySeries(ref, run);
    this.options.emit(this.#windowStartMs(ref), ref, run, 0, run.length, true);
    this.#dropStream(ref);
    state.streamEntries[ref] = 0;
    state.slotCount[ref] = 0;
    state.finished[ref] = state.last[ref] as number;
  }

  #dropStream(ref: number): void {
    const { state } = this;
    this.cells.free(state.firstCell[ref] as number, state.lastCell[ref] as number);
    state.firstCell[ref] = CELL_NONE;
    state.lastCell[ref] = CELL_NONE;
    state.lastUsed[ref] = 0;
  }

  /** Adds what a series has in stream and slot to `into`, times rising. */
  copySeries(ref: number, into: Columns): void {
    const { state } = this;
    if ((state.streamEntries[ref] as number) > 0) {
      const length = this.cells.read(state.firstCell[ref] as number, state.lastUsed[ref] as number, this.#streamBytes);
      let at = 0;
      while (at < length) {
        const size = (this.#streamBytes[at] as number) | ((this.#streamBytes[at + 1] as number) << 8);
        if (isBrief(this.#streamBytes, at + 2)) readBrief(this.#streamBytes, at + 2, at + 2 + size, into);
        else readChunk(this.#streamBytes, at + 2, at + 2 + size, into);
        at += 2 + size;
      }
    }
    this.slots.copy(ref, state.slotCount[ref] as number, this.#windowStartMs(ref), into);
  }

  #windowStartMs(ref: number): number {
    return (this.state.windowOf[ref] as number) * this.options.windowMs;
  }

  /** Where the window begins that slot and stream are of. Requires that it holds any. */
  windowStartMs(ref: number): number {
    assert(this.state.windowOf[ref] !== NO_WINDOW, 'a series that holds anything is in a window');
    return this.#windowStartMs(ref);
  }

  /** Time of the newest entry. Requires that it holds any. */
  lastMs(ref: number): number {
    return this.windowStartMs(ref) + (this.state.last[ref] as number) - 1;
  }

  /** Time of the newest entry of a series, if that stands in its slot. */
  newestInSlot(ref: number): number | undefined {
    if (ref >= this.#capacity) return undefined;
    const count = this.state.slotCount[ref] as number;
    return count === 0
      ? undefined
      : this.#windowStartMs(ref) + (this.slots.page(ref).offsetsMs[Slots.at(ref, count - 1)] as number);
  }

  /** Adds the newest entry of a slot to `into`. Requires that there is one. */
  copyNewest(ref: number, into: Columns): void {
    const count = this.state.slotCount[ref] as number;
    this.slots.copy(ref, count, this.#windowStartMs(ref), into, count - 1);
  }

  /** Whether the oldest entry a series has in stream or slot is before `timeMs`. Requires that it holds any. */
  beginsBefore(ref: number, timeMs: number): boolean {
    const { state } = this;
    const offset = timeMs - this.#windowStartMs(ref);
    const slotted = (state.slotCount[ref] as number) > 0;
    if (slotted && (this.slots.page(ref).offsetsMs[Slots.at(ref, 0)] as number) < offset) return true;
    if (state.streamEntries[ref] === 0) return false;
    if ((state.finished[ref] as number) <= offset) return true;
    this.#scratch.reset();
    this.copySeries(ref, this.#scratch);
    return (this.#scratch.timestampsMs[0] as number) < timeMs;
  }

  /** Whether a series has anything in stream or slot. */
  holds(ref: number): boolean {
    if (ref >= this.#capacity) return false;
    return this.state.slotCount[ref] !== 0 || this.state.streamEntries[ref] !== 0;
  }

  /** Freezes every window that ends at or below `endMs`: their series are finished, later comers are out of order. */
  freezeThrough(endMs: number, seriesCount: number): void {
    assert(seriesCount <= this.#capacity, 'there is room for every series');
    const through = Math.floor(endMs / this.options.windowMs);
    for (let ref = 0; ref < seriesCount; ref++) {
      if ((this.state.windowOf[ref] as number) >= through) continue;
      this.finish(ref);
      this.state.windowOf[ref] = NO_WINDOW;
    }
    this.frozenThroughMs = Math.max(this.frozenThroughMs, endMs);
  }

  /** Turns what came out of order into chunks of their windows. Returns how many entries were replaced on the way. */
  drainOutOfOrder(): number {
    const { windowMs, emit } = this.options;
    return this.outOfOrder.drain((ref, run, from, to) => {
      for (let at = from; at < to; ) {
        const startMs = Math.floor((run.timestampsMs[at] as number) / windowMs) * windowMs;
        let end = at + 1;
        while (end < to && (run.timestampsMs[end] as number) < startMs + windowMs) end++;
        emit(startMs, ref, run, at, end, false);
        at = end;
      }
    });
  }
}

// Two entries encoded anew save less than it costs.
const LEAST_FOLD = 4;

/** Whether a stream is encoded anew when it grows from `before` entries to `after`. */
function isFolded(before: number, after: number, fold: number): boolean {
  if (fold === Number.POSITIVE_INFINITY || after < LEAST_FOLD) return false;
  const step = after < fold ? 1 << (31 - Math.clz32(after)) : fold;
  return Math.floor(after / step) > Math.floor(before / step);
}

// The year 144,683: times and their differences stay exact in every encoding.
const MAX_TIME_MS = 2 ** 52 - 1;

const STATE_BYTES = 25;

export function makeSeriesState(capacity: number): SeriesState {
  return {
    slotCount: new Uint8Array(capacity),
    windowOf: new Int32Array(capacity).fill(NO_WINDOW),
    last: new Uint32Array(capacity),
    finished: new Uint32Array(capacity),
    firstCell: new Uint32Array(capacity).fill(CELL_NONE),
    lastCell: new Uint32Array(capacity).fill(CELL_NONE),
    lastUsed: new Uint8Array(capacity),
    streamEntries: new Uint16Array(capacity),
    early: new Uint8Array(capacity),
  };
}

function grownState(old: SeriesState, capacity: number): SeriesState {
  const state = makeSeriesState(capacity);
  for (const key of Object.keys(state) as (keyof SeriesState)[]) state[key].set(old[key] as never);
  return state;
}
