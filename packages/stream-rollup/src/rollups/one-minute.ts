import { assert, must } from '@tidemark/base';
import {
  GENERATIONS,
  type RawRole,
  RESOLUTION_MS,
  type Resolution,
  type RowBatch,
  type SampleBatch,
} from '@tidemark/model';
import type { ProcessorContext } from '../processor/context.ts';
import type { Processor } from '../processor/processor.ts';
import { NO_HEADERS, type StreamRecord } from '../processor/record.ts';
import type { AdmissionClock } from '../state/admission-clock.ts';
import type { HourStore } from '../state/hour-store.ts';
import { HOUR_MS } from '../state/open-hour.ts';
import type { PointWindow, WindowPart } from '../state/point-window.ts';
import { SLOT_BITS, SLOTS, SlotBlock } from '../state/slot-block.ts';
import {
  type AppendTally,
  type MissedHours,
  makeTally,
  type StoreTenant,
  type WindowPointStore,
} from '../state/window-store.ts';
import { SlotFolder } from './fold-slot.ts';
import { DROP_REASONS, type RollupMetrics } from './metrics.ts';
import { OneHour, type Turn } from './one-hour.ts';
import type { RollupOptions } from './options.ts';
import { RepairMarks } from './repair-marks.ts';
import { ChunkSections, RowBatcher } from './row-batcher.ts';

// Raw samples in, one-minute rows out; what hours need of minutes goes to one-hour.ts, whose rows take the same turns.
//
//   event time   ------(  window  ]---------------------------------------------------> windows are (end - 60 s, end]
//                                 |end
//   clock        -----------------|--emitDelay--|------ late points ------|grace
//                    points come   rows go out   dirty rows go out again   what is dirty goes out, points are forgotten
//
// The clock is the admission clock of the batches (state/admission-clock.ts): it only depends on the log, so a replay takes
// and refuses the same points. On an idle partition the wall clock stands in for it, for sending rows only;
// points are forgotten by the admission clock alone.
//
// A row is always folded whole from the window's points; its revision is (generation, highest offset of a record with a
// point in it). So a row of some revision says the same whenever and however often it is sent, and the greatest revision
// says all that is in the log.

const WINDOW_MS = RESOLUTION_MS['1m'];
// An idle task looks at the wall clock when rows may be due by it; now and then in any case, for its own numbers, and never more
// often than this, for a task that is behind has rows due all the time.
const LOOK_MAX_MS = 10_000;
const LOOK_MIN_MS = 250;
// Points that come later than this after the rows of their window went out are few: their blocks are opened again.
const PACK_AFTER_MS = 10_000;

export interface OneMinuteOptions {
  readonly windowStore: string;
  readonly hourStore: string;
  readonly clockStore: string;
  /** Children that take the rows. */
  readonly minuteSink: string;
  readonly hourSink: string;
  readonly generation: number;
  /** Where the samples come from: offsets of rows and marks say it. */
  readonly source: RawRole;
  readonly metrics: RollupMetrics;
  readonly limits: RollupOptions;
}

export class OneMinuteRollup implements Processor<unknown, SampleBatch, null, RowBatch> {
  readonly #options: OneMinuteOptions;
  readonly #sections = new ChunkSections();
  readonly #folder = new SlotFolder();
  readonly #batcher: RowBatcher;
  readonly #blocksPerChunk: number;
  #context: ProcessorContext<null, RowBatch> | undefined;
  #store: WindowPointStore | undefined;
  #hours: HourStore | undefined;
  #clock: AdmissionClock | undefined;
  #marks: RepairMarks | undefined;
  #oneHour: OneHour | undefined;
  #turn: Turn = { rowsLeft: 0, admittedAtMs: 0 };
  #continuing = false;
  #pointsUncommitted = 0;
  #committedAtMs = Number.NEGATIVE_INFINITY;
  #lookAtMs = Number.POSITIVE_INFINITY;
  #cancelLook: (() => void) | undefined;

  constructor(options: OneMinuteOptions) {
    const { rowsPerBatchMax } = options.limits;
    assert(rowsPerBatchMax % SLOTS === 0, `rowsPerBatchMax is a multiple of ${SLOTS}`);
    this.#options = options;
    this.#blocksPerChunk = rowsPerBatchMax / SLOTS;
    this.#batcher = this.#batcherFor('1m', options.minuteSink);
  }

  init(context: ProcessorContext<null, RowBatch>): void {
    const { windowStore, hourStore, clockStore, hourSink, limits, metrics } = this.#options;
    this.#context = context;
    const windows = context.getStateStore<WindowPointStore>(windowStore);
    const hours = context.getStateStore<HourStore>(hourStore);
    const clock = context.getStateStore<AdmissionClock>(clockStore);
    // State written before there were hours, or a clock of its own.
    if (!hours.wasRestored && !windows.isNew) hours.wholeFromMs = context.currentStreamTimeMs() + limits.futureMs;
    if (!clock.wasRestored && !windows.isNew) clock.adopt(context.currentStreamTimeMs());
    this.#store = windows;
    this.#hours = hours;
    this.#clock = clock;
    const marks = new RepairMarks(this.#batcherFor('1h', hourSink, GENERATIONS.mark), metrics);
    const batcher = this.#batcherFor('1h', hourSink);
    this.#marks = marks;
    this.#oneHour = new OneHour({ windows, hours, folder: this.#folder, batcher, marks, limits, metrics });
    this.#lookLater();
    this.#observe();
  }

  #batcherFor(resolution: Resolution, sink: string, generation = this.#options.generation): RowBatcher {
    const { limits } = this.#options;
    return new RowBatcher({
      resolution,
      generation,
      source: this.#options.source,
      rowsMax: limits.rowsPerBatchMax,
      sections: this.#sections,
      send: (value) =>
        must(this.#context).forward({ key: null, value, timestampMs: value.admittedAtMs, headers: NO_HEADERS }, sink),
    });
  }

  process(record: StreamRecord<unknown, SampleBatch>): void {
    const context = must(this.#context);
    const store = must(this.#store);
    const { graceMs, futureMs } = this.#options.limits;
    const clock = must(this.#clock);
    const turnedBackFromMs = clock.take(record.timestampMs);
    const clockMs = clock.nowMs;
    const closedThroughMs = clockMs - graceMs;
    const { topic, offset } = must(context.recordMetadata(), 'a record comes from somewhere');
    if (turnedBackFromMs !== undefined) this.#turnBack(turnedBackFromMs, offset);
    this.#noteHistory(clockMs, topic, offset);
    this.#closeWindows(clockMs, offset);
    const tally = makeTally();
    const missed: MissedHours = new Map();
    store.append(record.value, offset, { closedThroughMs, latestMs: clockMs + futureMs }, tally, missed);
    this.#pointsUncommitted += tally.accepted;
    this.#count(tally, record.value.histograms?.series.length ?? 0);
    if (missed.size > 0) this.#markMissed(record.value.tenant, missed, closedThroughMs, offset);
    this.#beginTurn();
    this.#emitDue(clockMs);
    this.#lookLater();
  }

  /** Rows of these hours lack points, now or, where they are still open, when they go out. */
  #markMissed(name: string, missed: MissedHours, closedThroughMs: number, offset: number): void {
    const marks = must(this.#marks);
    const tenant = must(must(this.#store).tenants.find((each) => each.name === name));
    const admittedAtMs = must(this.#clock).nowMs;
    for (const [hourEndMs, series] of missed) {
      for (const [ref, minutes] of series) {
        marks.add(tenant, ref, hourEndMs, { closedThroughMs, offset, admittedAtMs }, minutes);
        if (hourEndMs > closedThroughMs) must(this.#oneHour).missed(hourEndMs, name, ref);
      }
    }
    marks.flush(admittedAtMs);
  }

  /**
   * The clock had run ahead, up to `fromMs`, and is right now. What it closed meanwhile stays closed, and hours it may have
   * touched are made from raw; windows that no point can reach for now go out as they are.
   */
  #turnBack(fromMs: number, offset: number): void {
    const { futureMs } = this.#options.limits;
    const store = must(this.#store);
    const hours = must(this.#hours);
    const clockMs = must(this.#clock).nowMs;
    const reachMs = clockMs + futureMs;
    this.#beginTurn(Number.POSITIVE_INFINITY);
    const beyond = store.windows().filter(({ endMs }) => endMs - WINDOW_MS >= reachMs);
    for (const window of beyond) {
      this.#emit(window, clockMs);
      // Its hour has to know of every series, be it to mark it.
      must(this.#oneHour).take(window);
      store.free(window);
    }
    must(this.#oneHour).closeBeyond(reachMs, clockMs, this.#turn, offset);
    for (const window of store.windows()) window.emittedAtMs = Math.min(window.emittedAtMs, clockMs);
    hours.wholeFromMs = Math.max(hours.wholeFromMs, fromMs + futureMs);
    store.marks.turnBack(clockMs);
    this.#options.metrics.clockTurnedBack.add();
  }

  #beginTurn(rowsLeft = this.#options.limits.rowsPerTurnMax): void {
    this.#turn = { rowsLeft, admittedAtMs: must(this.#clock).nowMs };
  }

  /** What is due goes out now: whatever the checkpoint takes for sent has to be in the log. */
  flush(): void {
    this.#beginTurn(Number.POSITIVE_INFINITY);
    const clockMs = this.#closingClockMs();
    for (const window of must(this.#store).windows()) {
      if (window.emitted || this.#isDue(window, clockMs)) this.#emit(window, clockMs);
    }
    must(this.#oneHour).flush(clockMs, this.#turn);
    this.#pointsUncommitted = 0;
    this.#committedAtMs = clockMs;
    this.#observe();
  }

  #onTick(): void {
    this.#beginTurn();
    this.#emitDue(this.#closingClockMs());
    this.#observe();
    this.#lookLater();
  }

  /** Has the wall clock looked at when the next rows may be due by it, unless it is by then. */
  #lookLater(): void {
    const context = must(this.#context);
    const nowMs = context.currentSystemTimeMs();
    const dueMs = this.#nextDueMs() + this.#options.limits.idleDelayMs;
    const inMs = Math.min(LOOK_MAX_MS, Math.max(LOOK_MIN_MS, dueMs - nowMs));
    if (this.#lookAtMs <= nowMs + inMs) return;
    this.#lookAtMs = nowMs + inMs;
    this.#cancelLook?.();
    this.#cancelLook = context.schedule(inMs, 'wall-clock', () => {
      this.#cancelLook?.();
      this.#lookAtMs = Number.POSITIVE_INFINITY;
      this.#onTick();
    });
  }

  /** On the clock that closes windows; Infinity where nothing is due before more points come. */
  #nextDueMs(): number {
    const { emitDelayMs, reemitIntervalMs } = this.#options.limits;
    let nextMs = must(this.#oneHour).nextDueMs();
    for (const { endMs, emitted, emittedAtMs, revised } of must(this.#store).windows()) {
      if (!emitted) return Math.min(nextMs, endMs + emitDelayMs);
      if (revised) nextMs = Math.min(nextMs, emittedAtMs + reemitIntervalMs);
    }
    return nextMs;
  }

  /** The admission clock; the wall clock where the partition is idle and the wall clock is ahead. */
  #closingClockMs(): number {
    const context = must(this.#context);
    const admissionMs = must(this.#clock).nowMs;
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
    // The hour that holds the oldest open window: what it has of minutes that are over is in its file only.
    store.neededFromMs = Math.floor((clockMs - graceMs) / HOUR_MS) * HOUR_MS - futureMs;
  }

  /** Grace is over for windows that end at `clockMs - graceMs` or before: last rows go out, points go. */
  #closeWindows(clockMs: number, offset: number): void {
    const store = must(this.#store);
    const throughMs = clockMs - this.#options.limits.graceMs;
    const oneHour = must(this.#oneHour);
    this.#beginTurn(Number.POSITIVE_INFINITY);
    for (const window of store.windows()) {
      if (window.endMs > throughMs) break;
      this.#emit(window, clockMs);
      oneHour.take(window);
      store.free(window);
    }
    // An hour may have no window left by now. Series of its minutes were its own, so none was idle before.
    if (oneHour.closeThrough(throughMs, clockMs, this.#turn, offset)) this.#forgetIdle();
  }

  /** Series and tenants that no open window and no open hour has. */
  #forgetIdle(): void {
    const hours = must(this.#hours);
    const renumbering = must(this.#store).forgetIdle((live) => hours.markLive(live));
    if (!renumbering) return;
    hours.renumber(renumbering);
    this.#sections.clear();
  }

  #emitDue(clockMs: number): void {
    const { reemitIntervalMs } = this.#options.limits;
    must(this.#store).packSentUntil(clockMs - PACK_AFTER_MS);
    for (const window of must(this.#store).windows()) {
      if (!this.#isDue(window, clockMs)) break;
      if (window.emitted && (!window.revised || clockMs < window.emittedAtMs + reemitIntervalMs)) continue;
      this.#emit(window, clockMs);
      if (this.#turn.rowsLeft > 0) continue;
      this.#continueSoon();
      return;
    }
    if (!must(this.#oneHour).emitDue(clockMs, this.#turn)) this.#continueSoon();
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
    window.packed = false;
    window.revised = false;
    if (window.emitted) return;
    window.emitted = true;
    const { commitEveryMs, commitPointsMin } = this.#options.limits;
    // A clock that was turned back is no reason to wait for it.
    const sinceMs = Math.abs(clockMs - this.#committedAtMs);
    if (this.#pointsUncommitted >= commitPointsMin || sinceMs >= commitEveryMs) must(this.#context).commit();
  }

  /** Returns whether all of it was sent. */
  #emitPart(window: PointWindow, part: WindowPart, tenant: StoreTenant): boolean {
    const { admittedAtMs } = this.#turn;
    const { blocks } = part;
    for (let first = 0; first < blocks.length; first += this.#blocksPerChunk) {
      if (this.#turn.rowsLeft <= 0) {
        this.#batcher.flush(admittedAtMs);
        return false;
      }
      const last = Math.min(blocks.length, first + this.#blocksPerChunk);
      let whole = false;
      for (let index = first; index < last; index++) {
        const block = blocks[index];
        if (!(block instanceof SlotBlock) || (block.emitted && block.dirtyCount === 0)) continue;
        whole ||= !block.emitted;
        this.#emitBlock(window, part, tenant, index, block);
      }
      // Changed rows of several chunks travel together; a whole chunk has a batch of its own.
      if (whole) this.#batcher.flush(admittedAtMs, first / this.#blocksPerChunk);
    }
    this.#batcher.flush(admittedAtMs);
    return true;
  }

  #emitBlock(window: PointWindow, part: WindowPart, tenant: StoreTenant, index: number, block: SlotBlock): void {
    const oneHour = must(this.#oneHour);
    const hour = oneHour.openHourOf(window.endMs);
    let rows = 0;
    for (let slot = 0; slot < block.slots; slot++) {
      if (block.counts[slot] === 0 || (block.emitted && !block.isDirty(slot))) continue;
      const ref = (index << SLOT_BITS) | slot;
      const row = this.#folder.fold(window, part, block, ref);
      if (!row) continue;
      const offset = window.baseOffset + (block.highest[slot] as number);
      this.#batcher.add(tenant, ref, window.endMs, row, offset, this.#turn.admittedAtMs);
      if (hour) oneHour.revised(hour, tenant.name, ref);
      rows++;
    }
    block.emitted = true;
    block.clearDirty();
    this.#turn.rowsLeft -= rows;
    this.#options.metrics.rowsEmitted.add(rows);
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
      'closedEarly',
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
