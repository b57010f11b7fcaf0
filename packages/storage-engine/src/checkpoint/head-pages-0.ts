import type { ByteReader } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { CELL_BYTES, CELL_PAGE_BYTES } from '../head/cells.ts';
import { type Head, NO_WINDOW } from '../head/head.ts';
import { PAGE_SERIES, Slots } from '../head/slots.ts';

// State and slots as checkpoints of version 0 have them: times are f64, from 1970.
//
//   state    slotCount u8 | lastMs f64 | finishedMs f64 | windowEndMs f64 (-Infinity: none) | firstCell u32 | lastCell u32
//            | lastUsed u8 | streamEntries u16                                            column by column
//   slots    page u32 | depth u32 | times f64[1024 x depth] | column f64[1024 x depth] each
//   cells    used u32 | freeHead u32 | cell byte[64]*

export function restoreState0(head: Head, reader: ByteReader, seriesCount: number): void {
  const { state } = head;
  const { windowMs } = head.options;
  const column = <A extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(into: A): A => {
    const bytes = reader.raw(seriesCount * into.BYTES_PER_ELEMENT);
    new Uint8Array(into.buffer, into.byteOffset, bytes.length).set(bytes);
    return into;
  };
  column(state.slotCount);
  const [lastMs, finishedMs, windowEndMs] = [0, 1, 2].map(() => column(new Float64Array(seriesCount)));
  for (let ref = 0; ref < seriesCount; ref++) {
    const endMs = windowEndMs?.[ref] as number;
    if (endMs === Number.NEGATIVE_INFINITY) continue;
    const startMs = endMs - windowMs;
    state.windowOf[ref] = startMs / windowMs;
    state.last[ref] = Math.max(0, (lastMs?.[ref] as number) - startMs + 1);
    state.finished[ref] = Math.max(0, (finishedMs?.[ref] as number) - startMs + 1);
  }
  column(state.firstCell);
  column(state.lastCell);
  column(state.lastUsed);
  column(state.streamEntries);
}

/** Requires that the state is restored. */
export function restorePage0(head: Head, reader: ByteReader, seriesCount: number): void {
  const { windowMs } = head.options;
  const { slotCount, windowOf } = head.state;
  const number = reader.u32();
  const page = head.slots.pages[number];
  const depth = reader.u32();
  if (page === undefined || depth > head.slots.slotSize) {
    throw storageError('CHECKPOINT_CORRUPT', 'a slot page beyond the head');
  }
  const bytes = depth * PAGE_SERIES * 8;
  const times = new Float64Array(depth * PAGE_SERIES);
  new Uint8Array(times.buffer).set(reader.raw(bytes));
  for (const { values } of page.columns) new Uint8Array(values.buffer, values.byteOffset, bytes).set(reader.raw(bytes));
  const end = Math.min(seriesCount, (number + 1) * PAGE_SERIES);
  for (let ref = number * PAGE_SERIES; ref < end; ref++) {
    const count = slotCount[ref] as number;
    if (count > 0 && windowOf[ref] === NO_WINDOW) {
      throw storageError('CHECKPOINT_CORRUPT', 'a slot of no window', { ref });
    }
    for (let d = 0; d < count; d++) {
      const at = Slots.at(ref, d);
      page.offsetsMs[at] = (times[at] as number) - (windowOf[ref] as number) * windowMs;
    }
  }
}

export function restoreCells0(head: Head, reader: ByteReader): void {
  const used = reader.u32();
  head.cells.restore(used, reader.u32());
  if (reader.left !== used * CELL_BYTES) throw storageError('CHECKPOINT_CORRUPT', 'cells are not whole', { used });
  for (let page = 0; reader.left > 0; page++) {
    head.cells.restorePage(page, reader.raw(Math.min(reader.left, CELL_PAGE_BYTES)));
  }
}
