import { ByteReader, ByteWriter } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { CELL_BYTES } from '../head/cells.ts';
import { type Head, makeSeriesState, type SeriesState } from '../head/head.ts';
import { PAGE_SERIES, type SlotPage } from '../head/slots.ts';
import { SECTION_CELLS, SECTION_SLOTS, SECTION_STATE, type Section } from './format.ts';

// The head's arrays as sections, and back. Taking them copies memory and does nothing else (about 4 GB/s), so the head goes on
// at once; checksums and writing come after, from the copies.

const STATE_ORDER = [
  'slotCount',
  'lastMs',
  'finishedMs',
  'windowEndMs',
  'firstCell',
  'lastCell',
  'lastUsed',
  'streamEntries',
] as const satisfies readonly (keyof SeriesState)[];

export function takeSections(head: Head, seriesCount: number): Section[] {
  const sections: Section[] = [];
  sections.push({
    id: SECTION_STATE,
    pieces: STATE_ORDER.map((key) => bytesOf(head.state[key].slice(0, seriesCount))),
  });
  const { slotCount } = head.state;
  for (let page = 0; page * PAGE_SERIES < seriesCount; page++) {
    const end = Math.min(seriesCount, (page + 1) * PAGE_SERIES);
    let depth = 0;
    for (let ref = page * PAGE_SERIES; ref < end; ref++) depth = Math.max(depth, slotCount[ref] as number);
    if (depth > 0) sections.push(takePage(head.slots.pages[page] as SlotPage, page, depth));
  }
  const cells = head.cells.snapshot();
  if (cells.used > 0) {
    const start = new ByteWriter(8);
    start.u32(cells.used);
    start.u32(cells.freeHead);
    sections.push({ id: SECTION_CELLS, pieces: [start.finish(), ...cells.pages] });
  }
  return sections;
}

function takePage(page: SlotPage, number: number, depth: number): Section {
  const start = new ByteWriter(8);
  start.u32(number);
  start.u32(depth);
  const used = depth * PAGE_SERIES;
  const columns = page.columns.map(({ values }) => bytesOf(values.slice(0, used)));
  return { id: SECTION_SLOTS, pieces: [start.finish(), bytesOf(page.timestampsMs.slice(0, used)), ...columns] };
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
    else if (id === SECTION_CELLS) {
      const used = reader.u32();
      const freeHead = reader.u32();
      if (reader.left !== used * CELL_BYTES) throw storageError('CHECKPOINT_CORRUPT', 'cells are not whole', { used });
      head.cells.restore(used, freeHead, reader.raw(reader.left));
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
  const bytes = reader.u32() * PAGE_SERIES * 8;
  if (page === undefined || bytes > page.timestampsMs.byteLength) {
    throw storageError('CHECKPOINT_CORRUPT', 'a slot page beyond the head');
  }
  for (const array of [page.timestampsMs, ...page.columns.map((column) => column.values)]) {
    new Uint8Array(array.buffer, array.byteOffset, bytes).set(reader.raw(bytes));
  }
}

function bytesOf(array: SeriesState[keyof SeriesState]): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
