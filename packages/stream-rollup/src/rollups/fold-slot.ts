import { copyRow, emptyRow, foldRowInto, RESOLUTION_MS, type RollupRow } from '@tidemark/model';
import type { PointWindow, WindowPart } from '../state/point-window.ts';
import { POINTS_PER_SLOT_MAX, SLOT_MASK, type SlotBlock } from '../state/slot-block.ts';

// The points of one series in one window, as a row.

const WINDOW_MS = RESOLUTION_MS['1m'];

export class SlotFolder {
  #times = new Float64Array(256);
  #values = new Float64Array(256);
  #words = new Uint32Array(this.#values.buffer);

  readonly #row = emptyRow(0);

  /**
   * A row with a count of 0 where a value was taken back; undefined where there never was one. It is the folder's: valid until
   * the next fold.
   */
  fold(window: PointWindow, part: WindowPart, block: SlotBlock, ref: number): RollupRow | undefined {
    const slot = ref & SLOT_MASK;
    const start = block.starts[slot] as number;
    const count = block.counts[slot] as number;
    if (count > this.#times.length) this.#grow(count);
    const times = this.#times;
    const words = this.#words;
    const beginMs = window.endMs - WINDOW_MS;
    for (let i = 0; i < count; i++) {
      times[i] = beginMs + (block.times[start + i] as number);
      words[i * 2] = block.words[(start + i) * 2] as number;
      words[i * 2 + 1] = block.words[(start + i) * 2 + 1] as number;
    }
    const row = this.#row;
    if (foldRowInto(row, times, this.#values, 0, count)) return row;
    if (!part.blanked.has(ref)) return undefined;
    copyRow(row, emptyRow(window.endMs));
    return row;
  }

  #grow(count: number): void {
    const size = Math.min(POINTS_PER_SLOT_MAX, count * 2);
    this.#times = new Float64Array(size);
    this.#values = new Float64Array(size);
    this.#words = new Uint32Array(this.#values.buffer);
  }
}
