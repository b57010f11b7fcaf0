import { assert, ByteReader, ByteWriter } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { type Head, makeSeriesState, type SeriesState } from '../head/head.ts';
import { PAGE_SERIES, PAGE_SERIES_BITS, type SlotPage } from '../head/slots.ts';
import {
  SECTION_CELL_PAGE,
  SECTION_CELLS,
  SECTION_CELLS_0,
  SECTION_SLOTS,
  SECTION_SLOTS_0,
  SECTION_STATE,
  SECTION_STATE_0,
  type Section,
} from './format.ts';
import { restoreCells0, restorePage0, restoreState0 } from './head-pages-0.ts';

// The head's arrays as sections, and back. What a checkpoint takes is the head of one moment, while the head goes on:
//
//   state          copied at once: 24 bytes a series
//   pages          copied one by one when they are written, then given back; or right before an append changes one
//
// So a checkpoint needs memory for what appends change while it is written, and not for a second head.

const STATE_ORDER = [
  'slotCount',
  'windowOf',
  'last',
  'finished',
  'firstCell',
  'lastCell',
  'lastUsed',
  'streamEntries',
] as const satisfies readonly (keyof SeriesState)[];

/** The head as it is when this is made. Requires: one at a time; disposed of when its sections are written, or not wanted. */
export class HeadSnapshot {
  readonly sections: readonly Section[];
  readonly #head: Head;
  /** By page of slots; undefined where none of its series has any. */
  readonly #slots: (LazySection | undefined)[] = [];

  constructor(head: Head, seriesCount: number) {
    assert(head.snapshot === undefined, 'one takes the head at a time');
    this.#head = head;
    const state = STATE_ORDER.map((key) => bytesOf(head.state[key].slice(0, seriesCount)));
    const { slotCount } = head.state;
    for (let page = 0; page * PAGE_SERIES < seriesCount; page++) {
      const end = Math.min(seriesCount, (page + 1) * PAGE_SERIES);
      let depth = 0;
      for (let ref = page * PAGE_SERIES; ref < end; ref++) depth = Math.max(depth, slotCount[ref] as number);
      const take = () => takePage(head.slots.pages[page] as SlotPage, page, depth);
      this.#slots.push(depth > 0 ? new LazySection(SECTION_SLOTS, take) : undefined);
    }
    head.snapshot = this;
    const slots = this.#slots.filter((section) => section !== undefined);
    this.sections = [{ id: SECTION_STATE, pieces: state }, ...slots, ...cellSections(head)];
  }

  /** Slots of these series may change. */
  beforeChange(refs: Uint32Array): void {
    let last = -1;
    for (const ref of refs) {
      const page = ref >>> PAGE_SERIES_BITS;
      if (page === last) continue;
      last = page;
      this.#slots[page]?.take();
    }
  }

  [Symbol.dispose](): void {
    this.#head.snapshot = undefined;
    this.#head.cells.endSnapshot();
  }
}

/** Pieces that are made when they are wanted for the first time. */
class LazySection implements Section {
  readonly id: number;
  readonly #make: () => readonly Uint8Array[];
  #pieces: readonly Uint8Array[] | undefined;

  constructor(id: number, make: () => readonly Uint8Array[]) {
    this.id = id;
    this.#make = make;
  }

  take(): readonly Uint8Array[] {
    this.#pieces ??= this.#make();
    return this.#pieces;
  }

  get pieces(): readonly Uint8Array[] {
    return this.take();
  }
}

function cellSections(head: Head): Section[] {
  const cells = head.cells.beginSnapshot();
  const start = new ByteWriter(8);
  start.u32(cells.used);
  start.u32(cells.freeHead);
  const pages = Array.from({ length: cells.pageCount }, (_, number) => {
    const page = new ByteWriter(4);
    page.u32(number);
    return new LazySection(SECTION_CELL_PAGE, () => [page.finish(), cells.take(number)]);
  });
  return cells.used === 0 ? [] : [{ id: SECTION_CELLS, pieces: [start.finish()] }, ...pages];
}

function takePage(page: SlotPage, number: number, depth: number): Uint8Array[] {
  const start = new ByteWriter(8);
  start.u32(number);
  start.u32(depth);
  const used = depth * PAGE_SERIES;
  const columns = page.columns.map(({ values }) => bytesOf(values.slice(0, used)));
  return [start.finish(), bytesOf(page.offsetsMs.slice(0, used)), ...columns];
}

/** Puts sections back into an empty head. Requires room for `seriesCount`. Throws `CHECKPOINT_CORRUPT`. */
export function restoreSections(
  head: Head,
  sections: readonly { readonly id: number; readonly payload: Uint8Array }[],
  seriesCount: number,
): void {
  for (const { id, payload } of sections) {
    const reader = new ByteReader(payload);
    if (id === SECTION_STATE) restoreState(head, reader, seriesCount);
    else if (id === SECTION_SLOTS) restorePage(head, reader);
    else if (id === SECTION_STATE_0) restoreState0(head, reader, seriesCount);
    else if (id === SECTION_SLOTS_0) restorePage0(head, reader, seriesCount);
    else if (id === SECTION_CELLS_0) restoreCells0(head, reader);
    else if (id === SECTION_CELLS) head.cells.restore(reader.u32(), reader.u32());
    else if (id === SECTION_CELL_PAGE && !head.cells.restorePage(reader.u32(), reader.raw(reader.left))) {
      throw storageError('CHECKPOINT_CORRUPT', 'a page of cells that is not whole, or not there');
    }
  }
}

function restoreState(head: Head, reader: ByteReader, seriesCount: number): void {
  const model = makeSeriesState(0);
  for (const key of STATE_ORDER) {
    const into = head.state[key];
    const bytes = reader.raw(seriesCount * model[key].BYTES_PER_ELEMENT);
    new Uint8Array(into.buffer, into.byteOffset, bytes.length).set(bytes);
  }
}

function restorePage(head: Head, reader: ByteReader): void {
  const page = head.slots.pages[reader.u32()];
  const entries = reader.u32() * PAGE_SERIES;
  if (page === undefined || entries > page.offsetsMs.length) {
    throw storageError('CHECKPOINT_CORRUPT', 'a slot page beyond the head');
  }
  for (const array of [page.offsetsMs, ...page.columns.map((column) => column.values)]) {
    const bytes = entries * array.BYTES_PER_ELEMENT;
    new Uint8Array(array.buffer, array.byteOffset, bytes).set(reader.raw(bytes));
  }
}

function bytesOf(array: Float64Array | SeriesState[keyof SeriesState]): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
