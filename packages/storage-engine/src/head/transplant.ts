import { CELL_NONE } from './cells.ts';
import type { Head } from './head.ts';
import { Slots } from './slots.ts';

/**
 * Puts the series of one head into another, empty one, under other numbers: `refs[ref]` is the new number of `ref`, or NO_REF
 * where it is left behind. Requires room reserved there, and that nothing that is left behind has anything.
 */
export function transplantHead(from: Head, to: Head, refs: Uint32Array): void {
  const stream = from.streamBuffer();
  to.frozenThroughMs = from.frozenThroughMs;
  to.oldestMs = from.oldestMs;
  for (let ref = 0; ref < refs.length; ref++) {
    const fresh = refs[ref] as number;
    if (fresh >= refs.length) continue;
    to.state.last[fresh] = from.state.last[ref] as number;
    to.state.finished[fresh] = from.state.finished[ref] as number;
    to.state.windowOf[fresh] = from.state.windowOf[ref] as number;
    to.state.early[fresh] = from.state.early[ref] as number;
    const count = from.state.slotCount[ref] as number;
    to.state.slotCount[fresh] = count;
    for (let depth = 0; depth < count; depth++) {
      const page = from.slots.page(ref);
      const at = Slots.at(ref, depth);
      to.slots.put(fresh, depth, page.offsetsMs[at] as number, page.columns, at);
    }
    const firstCell = from.state.firstCell[ref] as number;
    if (firstCell === CELL_NONE) continue;
    const length = from.cells.read(firstCell, from.state.lastUsed[ref] as number, stream);
    to.state.firstCell[fresh] = to.cells.append(CELL_NONE, 0, stream, 0, length);
    to.state.lastCell[fresh] = to.cells.lastCell;
    to.state.lastUsed[fresh] = to.cells.lastUsed;
    to.state.streamEntries[fresh] = from.state.streamEntries[ref] as number;
  }
  const { entries } = from.outOfOrder;
  for (let i = 0; i < from.outOfOrder.count; i++) {
    const fresh = refs[from.outOfOrder.refAt(i)] as number;
    to.outOfOrder.add(fresh, entries.timestampsMs[i] as number, entries.columns, i, entries.histograms?.[i]);
  }
}
