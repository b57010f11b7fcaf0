import { type Column, type Columns, makeColumn } from '../chunk/columns.ts';

// The last few samples of every series, as they came, column by column. Times are distances from the beginning of the window that
// the series is in: the slot belongs to one window, and the longest has 7 days.
//
//   page (1,024 series)          series 0   1   2  ...  1023
//     times     depth 0        |    t   |  t  |  t |
//               depth 1        |    t   |  t  |                    depth = slotSize: the series' slot is full
//     values    depth 0        |    v   |  v  |  v |
//
// Depth-major, because series of a scrape fill in step: a batch writes one stretch of memory, and a checkpoint takes only the
// depths in use.

export const PAGE_SERIES_BITS = 10;
export const PAGE_SERIES = 1 << PAGE_SERIES_BITS;

export interface SlotPage {
  /** From the beginning of the window of each series. */
  readonly offsetsMs: Uint32Array;
  readonly columns: readonly Column[];
}

export class Slots {
  readonly slotSize: number;
  readonly columnCount: number;
  readonly pages: SlotPage[] = [];

  constructor(slotSize: number, columnCount: number) {
    this.slotSize = slotSize;
    this.columnCount = columnCount;
  }

  get bytes(): number {
    return this.pages.length * PAGE_SERIES * this.slotSize * (4 + 8 * this.columnCount);
  }

  reserve(seriesCount: number): void {
    const entries = PAGE_SERIES * this.slotSize;
    while (this.pages.length * PAGE_SERIES < seriesCount) {
      this.pages.push({
        offsetsMs: new Uint32Array(entries),
        columns: Array.from({ length: this.columnCount }, () => makeColumn(new Float64Array(entries))),
      });
    }
  }

  /** Where entry `depth` of a series lies in its page. */
  static at(ref: number, depth: number): number {
    return depth * PAGE_SERIES + (ref & (PAGE_SERIES - 1));
  }

  page(ref: number): SlotPage {
    return this.pages[ref >>> PAGE_SERIES_BITS] as SlotPage;
  }

  /** Writes entry `depth` of a series from entry `i` of a batch. */
  put(ref: number, depth: number, offsetMs: number, source: readonly Column[], i: number): void {
    const page = this.page(ref);
    const at = Slots.at(ref, depth);
    page.offsetsMs[at] = offsetMs;
    for (let c = 0; c < source.length; c++) {
      const { words } = page.columns[c] as Column;
      const from = (source[c] as Column).words;
      words[at * 2] = from[i * 2] as number;
      words[at * 2 + 1] = from[i * 2 + 1] as number;
    }
  }

  /** Moves entries `[depth, count)` of a series up by one. Requires room. */
  makeRoom(ref: number, depth: number, count: number): void {
    const page = this.page(ref);
    for (let d = count; d > depth; d--) {
      const to = Slots.at(ref, d);
      const from = Slots.at(ref, d - 1);
      page.offsetsMs[to] = page.offsetsMs[from] as number;
      for (const { words } of page.columns) {
        words[to * 2] = words[from * 2] as number;
        words[to * 2 + 1] = words[from * 2 + 1] as number;
      }
    }
  }

  /** Adds the first `count` entries of a series, whose window begins at `startMs`, to `into`, without those below `from`. */
  copy(ref: number, count: number, startMs: number, into: Columns, from = 0): void {
    into.reserve(count - from);
    const page = this.page(ref);
    for (let d = from; d < count; d++) {
      const at = Slots.at(ref, d);
      const to = into.length++;
      into.timestampsMs[to] = startMs + (page.offsetsMs[at] as number);
      for (let c = 0; c < page.columns.length; c++) {
        const source = (page.columns[c] as Column).words;
        const { words } = into.columns[c] as Column;
        words[to * 2] = source[at * 2] as number;
        words[to * 2 + 1] = source[at * 2 + 1] as number;
      }
    }
  }
}
