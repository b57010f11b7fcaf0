import { copyRow, emptyRow, mergeRowInto, RESOLUTION_MS } from '@tidemark/model';
import { type HourBlock, mergeHour, NO_OFFSET, readHour, touchHour } from '../state/hour-block.ts';
import { forEachSlot, type HourStore } from '../state/hour-store.ts';
import { hourEndOf, type OpenHour } from '../state/open-hour.ts';
import type { PointWindow, WindowPart } from '../state/point-window.ts';
import { SlotBlock } from '../state/slot-block.ts';
import { SLOT_BITS, SLOT_MASK } from '../state/slot-marks.ts';
import type { StoreTenant, WindowPointStore } from '../state/window-store.ts';
import type { SlotFolder } from './fold-slot.ts';
import type { RollupMetrics } from './metrics.ts';
import type { RollupOptions } from './options.ts';
import type { MarkFacts, RepairMarks } from './repair-marks.ts';
import type { RowBatcher } from './row-batcher.ts';

// One-hour rows: all minutes of `(end - 1 h, end]`, merged in their order.
//
//   minutes   |##|##|##|##|..|##|--|--|--|--|--|       ## over: merged into the hour's row so far, and forgotten
//                               grace          |end    -- open: folded from their points whenever the hour's row goes out
//
//   clock     ----------------------------------|--emitDelay--|------ late points ------|grace
//                                                rows go out    dirty rows go out again   the hour is forgotten
//
// A minute that is over cannot change any more here, so its part of the hour is one row and not sixty. What goes out is that
// row merged with the minutes still open: all the hour's points, whole, each time. The revision is (generation, highest
// offset of a record with a point in it), as a minute's is.

const MINUTE_MS = RESOLUTION_MS['1m'];

export interface OneHourParts {
  readonly windows: WindowPointStore;
  readonly hours: HourStore;
  readonly folder: SlotFolder;
  readonly batcher: RowBatcher;
  readonly marks: RepairMarks;
  readonly limits: RollupOptions;
  readonly metrics: RollupMetrics;
}

export interface Turn {
  /** How many rows may go out before others have their turn. */
  rowsLeft: number;
  /** What batches carry as their admission clock: the task's. */
  readonly admittedAtMs: number;
}

interface OpenMinute {
  readonly window: PointWindow;
  readonly part: WindowPart;
  readonly points: SlotBlock;
}

export class OneHour {
  readonly #parts: OneHourParts;
  /** What packed minutes are read in, one for each that may be open. */
  readonly #scratch: SlotBlock[] = [];
  readonly #row = emptyRow(0);

  constructor(parts: OneHourParts) {
    this.#parts = parts;
  }

  /** Merges a minute that is over into its hour. Requires: minutes of an hour come in their order. */
  take(window: PointWindow): void {
    const { hours, windows, folder } = this.#parts;
    const hour = hours.hourAt(hourEndOf(window.endMs));
    hour.changed = true;
    window.parts.forEach((part, tenant) => {
      const { name } = windows.tenants[tenant] as StoreTenant;
      part?.forEachSlot((block, slot, ref) => {
        const row = folder.fold(window, part, block, ref);
        if (!row) return;
        const into = hour.blockAt(name, ref >>> SLOT_BITS);
        const offset = window.baseOffset + (block.highest[slot] as number);
        if (row.count === 0) touchHour(into, slot, offset);
        else mergeHour(into, slot, hour.startMs, row, offset);
        into.emitted ||= hour.emitted;
      });
    });
  }

  /** The hour of a minute, if any of its rows may be out: they have to follow what becomes of the minute. */
  openHourOf(minuteEndMs: number): OpenHour | undefined {
    return this.#parts.hours.get(hourEndOf(minuteEndMs));
  }

  /** A minute's row went out, perhaps again: where the hour's row is out already, it has to go out again. */
  revised(hour: OpenHour, tenant: string, ref: number): void {
    const index = ref >>> SLOT_BITS;
    // Block by block, for an hour's rows go out in turns: some blocks may be out while the hour is not.
    if (!hour.emitted && !hour.parts.get(tenant)?.[index]?.emitted) return;
    const block = hour.blockAt(tenant, index);
    block.emitted = true;
    block.markDirty(ref & SLOT_MASK);
    block.slots = Math.max(block.slots, (ref & SLOT_MASK) + 1);
  }

  /** Sends what is due, as far as the turn goes. Returns whether all of it was sent. */
  emitDue(clockMs: number, turn: Turn): boolean {
    for (const hour of this.#dueHours(clockMs)) {
      if (hour.emitted && clockMs < hour.emittedAtMs + this.#parts.limits.reemitIntervalMs) continue;
      this.#emit(hour, clockMs, turn);
      if (turn.rowsLeft <= 0) return false;
    }
    return true;
  }

  /** When, on the clock that closes windows, rows may be due that no minute's are: sent again. Infinity: none. */
  nextDueMs(): number {
    const { hours, limits } = this.#parts;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { endMs, emitted, emittedAtMs } of hours.hours()) {
      nextMs = Math.min(nextMs, emitted ? emittedAtMs + limits.reemitIntervalMs : endMs + limits.emitDelayMs);
    }
    return nextMs;
  }

  /** What is due goes out, and what was sent and has changed. Requires: the turn has no end. */
  flush(clockMs: number, turn: Turn): void {
    for (const hour of this.#dueHours(clockMs)) this.#emit(hour, clockMs, turn);
  }

  /** Points of an open hour came too late for their minutes: when it is over, its row has to be made from raw. */
  missed(hourEndMs: number, tenant: string, ref: number): void {
    const hour = this.#parts.hours.hourAt(hourEndMs);
    const block = hour.blockAt(tenant, ref >>> SLOT_BITS);
    const slot = ref & SLOT_MASK;
    block.missed[slot] = 1;
    if (slot >= block.slots) block.slots = slot + 1;
    block.emitted ||= hour.emitted;
    hour.changed = true;
  }

  /**
   * Grace is over for hours that end at `throughMs` or before: last rows go out, and marks for rows that lack points up to
   * the record at `offset`. Requires: their minutes were taken; the turn has no end.
   * Returns whether there were any.
   */
  closeThrough(throughMs: number, clockMs: number, turn: Turn, offset: number): boolean {
    const { hours } = this.#parts;
    let closed = false;
    for (const hour of hours.hours()) {
      if (hour.endMs > throughMs) break;
      this.#emit(hour, clockMs, turn);
      this.#mark(hour, { closedThroughMs: throughMs, offset, admittedAtMs: turn.admittedAtMs });
      hours.free(hour);
      closed = true;
    }
    return closed;
  }

  /** The clock was turned back: hours after `reachMs` get no points for long; what they have goes out, as `closeThrough` does. */
  closeBeyond(reachMs: number, clockMs: number, turn: Turn, offset: number): void {
    const { hours } = this.#parts;
    for (const hour of hours.hours()) {
      hour.emittedAtMs = Math.min(hour.emittedAtMs, clockMs);
      if (hour.startMs < reachMs) continue;
      this.#emit(hour, clockMs, turn);
      this.#mark(hour, { closedThroughMs: hour.endMs, offset, admittedAtMs: turn.admittedAtMs });
      hours.free(hour);
    }
  }

  #mark(hour: OpenHour, about: MarkFacts): void {
    const { windows, marks } = this.#parts;
    const whole = this.#isWhole(hour);
    const all = { firstMs: hour.startMs + MINUTE_MS, lastMs: hour.endMs };
    for (const tenant of windows.tenants) {
      forEachSlot(hour.parts.get(tenant.name) ?? [], (block, slot, ref) => {
        if (!whole || block.missed[slot] !== 0) marks.add(tenant, ref, hour.endMs, about, all);
      });
    }
    marks.flush(about.admittedAtMs);
  }

  #isWhole(hour: OpenHour): boolean {
    const { hours, windows } = this.#parts;
    return hour.startMs >= Math.max(hours.wholeFromMs, windows.completeFromMs);
  }

  /** Also hours of which all minutes are still open. */
  #dueHours(clockMs: number): readonly OpenHour[] {
    const { windows, hours, limits } = this.#parts;
    const dueMs = clockMs - limits.emitDelayMs;
    for (const { endMs } of windows.windows()) {
      if (hourEndOf(endMs) <= dueMs) hours.hourAt(hourEndOf(endMs));
    }
    return hours.hours().filter(({ endMs, emitted }) => emitted || endMs <= dueMs);
  }

  #emit(hour: OpenHour, clockMs: number, turn: Turn): void {
    const { windows, batcher } = this.#parts;
    if (this.#isWhole(hour)) {
      const open = windows.windows().filter(({ endMs }) => endMs > hour.startMs && endMs <= hour.endMs);
      for (const tenant of windows.tenants) {
        if (!this.#emitTenant(hour, open, tenant, turn)) return;
      }
    }
    batcher.flush(turn.admittedAtMs);
    hour.emittedAtMs = clockMs;
    hour.changed ||= !hour.emitted;
    hour.emitted = true;
  }

  /** Returns whether all of it was sent. */
  #emitTenant(hour: OpenHour, open: readonly PointWindow[], tenant: StoreTenant, turn: Turn): boolean {
    const { batcher, limits } = this.#parts;
    const perChunk = limits.rowsPerBatchMax >>> SLOT_BITS;
    const present = open.flatMap(({ parts }) => parts[tenant.index]?.blocks.length ?? 0);
    const length = Math.max(0, hour.parts.get(tenant.name)?.length ?? 0, ...present);
    for (let index = 0; index < length; index++) {
      if (turn.rowsLeft <= 0) {
        batcher.flush(turn.admittedAtMs);
        return false;
      }
      const known = hour.parts.get(tenant.name)?.[index];
      if (known?.emitted && known.dirtyCount === 0) continue;
      const block = hour.blockAt(tenant.name, index);
      const whole = !block.emitted;
      this.#emitBlock(hour, open, tenant, index, block, turn);
      // Changed rows of several chunks travel together; a whole chunk has a batch of its own.
      if (whole && (index + 1) % perChunk === 0) batcher.flush(turn.admittedAtMs, Math.floor(index / perChunk));
    }
    batcher.flush(turn.admittedAtMs, length > 0 ? Math.floor((length - 1) / perChunk) : undefined);
    return true;
  }

  #emitBlock(
    hour: OpenHour,
    open: readonly PointWindow[],
    tenant: StoreTenant,
    index: number,
    block: HourBlock,
    turn: Turn,
  ): void {
    const { batcher, metrics } = this.#parts;
    const minutes = this.#minutesOf(open, tenant, index);
    const slots = Math.max(block.slots, ...minutes.map(({ points }) => points.slots));
    const row = this.#row;
    let rows = 0;
    for (let slot = 0; slot < slots; slot++) {
      if (block.emitted && !block.isDirty(slot)) continue;
      const ref = (index << SLOT_BITS) | slot;
      let has = readHour(block, slot, hour.startMs, row);
      let offset = block.offset[slot] as number;
      for (const { window, part, points } of minutes) {
        if (points.counts[slot] === 0) continue;
        const minute = this.#parts.folder.fold(window, part, points, ref);
        if (!minute) continue;
        offset = Math.max(offset, window.baseOffset + (points.highest[slot] as number));
        if (minute.count === 0) continue;
        if (has) mergeRowInto(row, minute);
        else copyRow(row, minute);
        has = true;
      }
      if (offset === NO_OFFSET) continue;
      batcher.add(tenant, ref, hour.endMs, has ? row : emptyRow(hour.endMs), offset, turn.admittedAtMs);
      rows++;
    }
    block.emitted = true;
    block.clearDirty();
    turn.rowsLeft -= rows;
    metrics.hourRowsEmitted.add(rows);
  }

  /** A block of each minute that has it, open to be read until the next call. */
  #minutesOf(open: readonly PointWindow[], tenant: StoreTenant, index: number): OpenMinute[] {
    return open.flatMap((window, i) => {
      const part = window.parts[tenant.index];
      this.#scratch[i] ??= new SlotBlock(0);
      const points = part?.read(index, this.#scratch[i]);
      return part && points ? [{ window, part, points }] : [];
    });
  }
}
