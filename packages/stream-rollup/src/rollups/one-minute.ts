import { assert, must } from '@tidemark/base';
import { foldRow, RESOLUTION_MS, type RollupRow, type RowBatch, type SampleBatch } from '@tidemark/model';
import type { ProcessorContext } from '../processor/context.ts';
import type { Processor } from '../processor/processor.ts';
import { NO_HEADERS, type StreamRecord } from '../processor/record.ts';
import type { PointWindow, WindowPart } from '../state/point-window.ts';
import { POINTS_PER_SLOT_MAX, SLOT_BITS, SLOTS, type SlotBlock } from '../state/slot-block.ts';
import { type AppendTally, makeTally, type StoreTenant, type WindowPointStore } from '../state/window-store.ts';
import { DROP_REASONS, type RollupMetrics } from './metrics.ts';
import type { RollupOptions } from './options.ts';
import { RowBatcher } from './row-batcher.ts';

// Raw samples in, one-minute rows out.
//
//   event time   ------(  window  ]---------------------------------------------------> windows are (end - 60 s, end]
//                                 |end
//   clock        -----------------|--emitDelay--|------ late points ------|grace
//                    points come   rows go out   dirty rows go out again   what is dirty goes out, points are forgotten
//
// The clock is the admission clock of the batches, which is this task's stream time: it only depends on the log, so a
// replay takes and refuses the same points. On an idle partition the wall clock stands in for it, for sending rows only;
// points are forgotten by the admission clock alone.
//
// A row is always folded whole from the window's points; its revision is (generation, highest offset of a record with a
// point in it). So a row of some revision says the same whenever and however often it is sent, and the greatest revision
// says all that is in the log.

const WINDOW_MS = RESOLUTION_MS['1m'];
// How often an idle task looks at the wall clock.
const IDLE_CHECK_MS = 1_000;

export interface OneMinuteOptions {
  readonly storeName: string;
  readonly generation: number;
  readonly metrics: RollupMetrics;
  readonly limits: RollupOptions;
}

export class OneMinuteRollup implements Processor<unknown, SampleBatch, null, RowBatch> {
  readonly #options: OneMinuteOptions;
  readonly #batcher: RowBatcher;
  readonly #blocksPerChunk: number;
  // One slot's points for the fold.
  #times = new Float64Array(256);
  #values = new Float64Array(256);
  #words = new Uint32Array(this.#values.buffer);
  #context: ProcessorContext<null, RowBatch> | undefined;
  #store: WindowPointStore | undefined;
  #rowsLeft = 0;
  #continuing = false;

  constructor(options: OneMinuteOptions) {
    const { rowsPerBatchMax } = options.limits;
    assert(rowsPerBatchMax % SLOTS === 0, `rowsPerBatchMax is a multiple of ${SLOTS}`);
    this.#options = options;
    this.#blocksPerChunk = rowsPerBatchMax / SLOTS;
    this.#batcher = new RowBatcher(rowsPerBatchMax, options.generation, (batch) => this.#forward(batch));
  }

  init(context: ProcessorContext<null, RowBatch>): void {
    this.#context = context;
    this.#store = context.getStateStore<WindowPointStore>(this.#options.storeName);
    context.schedule(IDLE_CHECK_MS, 'wall-clock', () => this.#onTick());
    this.#observe();
  }

  process(record: StreamRecord<unknown, SampleBatch>): void {
    const context = must(this.#context);
    const store = must(this.#store);
    const { graceMs, futureMs } = this.#options.limits;
    const clockMs = context.currentStreamTimeMs();
    const { topic, offset } = must(context.recordMetadata(), 'a record comes from somewhere');
    this.#noteHistory(clockMs, topic, offset);
    this.#closeWindows(clockMs);
    const tally = makeTally();
    store.append(record.value, offset, { closedThroughMs: clockMs - graceMs, latestMs: clockMs + futureMs }, tally);
    this.#count(tally, record.value.histograms?.series.length ?? 0);
    this.#rowsLeft = this.#options.limits.rowsPerTurnMax;
    this.#emitDue(clockMs);
  }

  /** What is due goes out now: whatever the checkpoint takes for sent has to be in the log. */
  flush(): void {
    this.#rowsLeft = Number.POSITIVE_INFINITY;
    const clockMs = this.#closingClockMs();
    for (const window of must(this.#store).windows()) {
      if (window.emitted || this.#isDue(window, clockMs)) this.#emit(window, clockMs);
    }
    this.#observe();
  }

  #onTick(): void {
    this.#rowsLeft = this.#options.limits.rowsPerTurnMax;
    this.#emitDue(this.#closingClockMs());
    this.#observe();
  }

  /** The admission clock; the wall clock where the partition is idle and the wall clock is ahead. */
  #closingClockMs(): number {
    const context = must(this.#context);
    const admissionMs = context.currentStreamTimeMs();
    if (!context.caughtUp()) return admissionMs;
    return Math.max(admissionMs, context.currentSystemTimeMs() - this.#options.limits.idleDelayMs);
  }

  /** Where the log would have to be replayed from, should the files be lost. */
  #noteHistory(clockMs: number, topic: string, offset: number): void {
    const store = must(this.#store);
    const { graceMs, futureMs } = this.#options.limits;
    if (store.isNew && must(this.#context).startOffset(topic) > 0) {
      // Records before the first are gone or not ours to see; no point in them was further ahead than futureMs.
      store.completeFromMs = clockMs + futureMs;
    }
    store.marks.add(clockMs, offset);
    const oldestOpenStartMs = Math.floor((clockMs - graceMs) / WINDOW_MS) * WINDOW_MS;
    store.neededFromMs = oldestOpenStartMs - futureMs;
  }

  /** Grace is over for windows that end at `clockMs - graceMs` or before: last rows go out, points go. */
  #closeWindows(clockMs: number): void {
    const store = must(this.#store);
    let closed = false;
    for (const window of store.windows()) {
      if (window.endMs > clockMs - this.#options.limits.graceMs) break;
      this.#rowsLeft = Number.POSITIVE_INFINITY;
      this.#emit(window, clockMs);
      store.free(window);
      closed = true;
    }
    if (closed && store.forgetIdleSeries()) this.#batcher.forgetSections();
  }

  #emitDue(clockMs: number): void {
    const { reemitIntervalMs } = this.#options.limits;
    for (const window of must(this.#store).windows()) {
      if (!this.#isDue(window, clockMs)) break;
      if (window.emitted && clockMs < window.emittedAtMs + reemitIntervalMs) continue;
      this.#emit(window, clockMs);
      if (this.#rowsLeft > 0) continue;
      this.#continueSoon();
      return;
    }
  }

  /** Lets the task append and fetch, and goes on. */
  #continueSoon(): void {
    if (this.#continuing) return;
    this.#continuing = true;
    const cancel = must(this.#context).schedule(1, 'wall-clock', () => {
      cancel();
      this.#continuing = false;
      this.#onTick();
    });
  }

  #isDue(window: PointWindow, clockMs: number): boolean {
    return clockMs >= window.endMs + this.#options.limits.emitDelayMs;
  }

  /** Sends rows that were not sent or have changed since, as many as this turn allows. */
  #emit(window: PointWindow, clockMs: number): void {
    const store = must(this.#store);
    const { tenants } = store;
    for (let i = 0; i < window.parts.length; i++) {
      const part = window.parts[i];
      if (part && !this.#emitPart(window, part, must(tenants[i]))) return;
    }
    window.emittedAtMs = clockMs;
    if (window.emitted) return;
    window.emitted = true;
    must(this.#context).commit();
  }

  /** Returns whether all of it was sent. */
  #emitPart(window: PointWindow, part: WindowPart, tenant: StoreTenant): boolean {
    const admittedAtMs = must(this.#context).currentStreamTimeMs();
    const { blocks } = part;
    for (let first = 0; first < blocks.length; first += this.#blocksPerChunk) {
      if (this.#rowsLeft <= 0) {
        this.#batcher.flush(admittedAtMs);
        return false;
      }
      const last = Math.min(blocks.length, first + this.#blocksPerChunk);
      let whole = false;
      for (let index = first; index < last; index++) {
        const block = blocks[index];
        if (!block || (block.emitted && block.dirtyCount === 0)) continue;
        whole ||= !block.emitted;
        this.#emitBlock(window, part, tenant, index, block, admittedAtMs);
      }
      // Changed rows of several chunks travel together; a whole chunk has a batch of its own.
      if (whole) this.#batcher.flush(admittedAtMs, first / this.#blocksPerChunk);
    }
    this.#batcher.flush(admittedAtMs);
    return true;
  }

  #emitBlock(
    window: PointWindow,
    part: WindowPart,
    tenant: StoreTenant,
    index: number,
    block: SlotBlock,
    admittedAtMs: number,
  ): void {
    let rows = 0;
    for (let slot = 0; slot < block.slots; slot++) {
      if (block.counts[slot] === 0 || (block.emitted && !block.isDirty(slot))) continue;
      const ref = (index << SLOT_BITS) | slot;
      const row = this.#fold(window, block, slot) ?? (part.blanked.has(ref) ? emptyRow(window.endMs) : undefined);
      if (!row) continue;
      const offset = window.baseOffset + (block.highest[slot] as number);
      this.#batcher.add(tenant, ref, window.endMs, row, offset, admittedAtMs);
      rows++;
    }
    block.emitted = true;
    block.clearDirty();
    this.#rowsLeft -= rows;
    this.#options.metrics.rowsEmitted.add(rows);
  }

  #fold(window: PointWindow, block: SlotBlock, slot: number): RollupRow | undefined {
    const start = block.starts[slot] as number;
    const count = block.counts[slot] as number;
    if (count > this.#times.length) this.#growScratch(count);
    const times = this.#times;
    const words = this.#words;
    const beginMs = window.endMs - WINDOW_MS;
    for (let i = 0; i < count; i++) {
      times[i] = beginMs + (block.times[start + i] as number);
      words[i * 2] = block.words[(start + i) * 2] as number;
      words[i * 2 + 1] = block.words[(start + i) * 2 + 1] as number;
    }
    return foldRow(times, this.#values, 0, count);
  }

  #growScratch(count: number): void {
    const size = Math.min(POINTS_PER_SLOT_MAX, count * 2);
    this.#times = new Float64Array(size);
    this.#values = new Float64Array(size);
    this.#words = new Uint32Array(this.#values.buffer);
  }

  #forward(batch: RowBatch): void {
    must(this.#context).forward({ key: null, value: batch, timestampMs: batch.admittedAtMs, headers: NO_HEADERS });
  }

  #count(tally: AppendTally, histograms: number): void {
    const { latePoints, duplicatePoints, replacedPoints, droppedPoints } = this.#options.metrics;
    if (tally.late > 0) latePoints.add(tally.late);
    if (tally.duplicate > 0) duplicatePoints.add(tally.duplicate);
    if (tally.replaced > 0) replacedPoints.add(tally.replaced);
    for (const name of [
      'beyondGrace',
      'tooFarInFuture',
      'timestampInvalid',
      'windowIncomplete',
      'seriesLimit',
    ] as const) {
      if (tally[name] > 0) droppedPoints.with(DROP_REASONS[name]).add(tally[name]);
    }
    if (histograms > 0) droppedPoints.with(DROP_REASONS.histogram).add(histograms);
  }

  #observe(): void {
    const { taskId } = must(this.#context);
    const store = must(this.#store);
    this.#options.metrics.openWindows.with(taskId).set(store.windowCount);
    this.#options.metrics.series.with(taskId).set(store.seriesCount);
  }
}

/** Takes a row back: its window turned out to hold stale markers only. Readers take a count of 0 for no row. */
function emptyRow(endMs: number): RollupRow {
  const nothing = Number.NaN;
  return {
    count: 0,
    sum: 0,
    compensation: 0,
    min: nothing,
    max: nothing,
    first: nothing,
    firstMs: endMs,
    last: nothing,
    lastMs: endMs,
    increase: 0,
  };
}
