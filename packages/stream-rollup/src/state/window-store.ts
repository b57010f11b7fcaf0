import { assert, release, TidemarkError } from '@tidemark/base';
import type { SampleBatch } from '@tidemark/model';
import { ClosedWindows } from './closed-windows.ts';
import { hourEndOf } from './open-hour.ts';
import { BlockPool, copySlot, PointWindow, type WindowPart } from './point-window.ts';
import { ReplayMarks } from './replay-marks.ts';
import { NO_SERIES, SeriesTable } from './series-table.ts';
import { addPoint, DUPLICATE, makeRoom, REPLACED, SLOT_BITS, SLOT_MASK, SlotBlock } from './slot-block.ts';
import { FILE_KIND, readStateFile } from './state-file.ts';
import type { CheckpointPosition, StateFolder, StateStore, StoreBuilder } from './store.ts';
import {
  decodeSeriesFile,
  decodeToken,
  decodeWindowFile,
  encodeSeriesFile,
  encodeToken,
  encodeWindowFile,
  seriesFileName,
  windowFileName,
} from './window-files.ts';

// The points of all open windows, in memory, in columns.
//
//   store -- tenants: series table each
//         \- windows, by end --- parts, by tenant --- blocks of 512 series --- points
//
// Windows are `(end - windowMs, end]`. A window takes points until it is freed; what may come in is the caller's policy,
// given as times. Files are written per window, when it changed, and read back whole.

export interface WindowStoreOptions {
  readonly windowMs: number;
  /** Series of all tenants together, per task. Points of more are counted under `seriesLimit`. */
  readonly seriesMax?: number;
}

/** Which points are taken. Depends on nothing but the log's content, so that a replay decides alike. */
export interface AppendPolicy {
  /** Windows that end here or before are over. */
  readonly closedThroughMs: number;
  /** Points after this are refused. */
  readonly latestMs: number;
}

/** What became of the points of a batch. */
export interface AppendTally {
  accepted: number;
  /** Accepted in a window whose rows were out already. */
  late: number;
  duplicate: number;
  replaced: number;
  beyondGrace: number;
  tooFarInFuture: number;
  timestampInvalid: number;
  windowIncomplete: number;
  closedEarly: number;
  seriesLimit: number;
}

/** Points that the log has and no row made here will have: by hour's end, then by series, ends of the first and last minute. */
export type MissedHours = Map<number, Map<number, MinuteSpan>>;

export interface MinuteSpan {
  firstMs: number;
  lastMs: number;
}

export function makeTally(): AppendTally {
  return {
    accepted: 0,
    late: 0,
    duplicate: 0,
    replaced: 0,
    beyondGrace: 0,
    tooFarInFuture: 0,
    timestampInvalid: 0,
    windowIncomplete: 0,
    closedEarly: 0,
    seriesLimit: 0,
  };
}

export interface StoreTenant {
  readonly index: number;
  readonly name: string;
  readonly series: SeriesTable;
}

/** What became of the numbers of series when some were forgotten: by tenant name, old ref to new, or NO_SERIES. */
export type Renumbering = ReadonlyMap<string, Uint32Array>;

// 5 million series in one task are some 2 GB of open windows: more partitions are the answer, not a larger process.
const SERIES_MAX = 5_000_000;
// A new file per checkpoint that met new series; more than this are read back slowly and written as one.
const SERIES_FILES_MAX = 16;
/** The block before the first: nothing is ever put in it. */
const NO_BLOCK = new SlotBlock(0);
type Fate = typeof TAKEN | typeof MISSED | typeof REFUSED;
const TAKEN = 0;
/** It belongs into a row, and there is none here any more. */
const MISSED = 1;
const REFUSED = 2;
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff0_0000;
const BITS = new Uint32Array(2);
const BITS_VALUE = new Float64Array(BITS.buffer);

export function windowPointStore(name: string, options: WindowStoreOptions): StoreBuilder {
  return { name, build: () => new WindowPointStore(name, options) };
}

export class WindowPointStore implements StateStore {
  readonly name: string;
  readonly windowMs: number;
  readonly #seriesMax: number;
  readonly marks = new ReplayMarks();
  readonly closed = new ClosedWindows();
  /** Windows that begin before this are not known whole: their first points may lie before what could be replayed. */
  completeFromMs = Number.NEGATIVE_INFINITY;
  /** What the log must keep, as a time: see replay-marks.ts. */
  neededFromMs = Number.NEGATIVE_INFINITY;
  readonly #pool = new BlockPool();
  #tenants: StoreTenant[] = [];
  #tenantByName = new Map<string, StoreTenant>();
  #windows = new Map<number, PointWindow>();
  /** `#windows` by rising end; undefined when one came or went since. */
  #sorted: readonly PointWindow[] | undefined;
  #folder: StateFolder | undefined;
  #epoch = 1;
  #seriesFiles: number[] = [];
  /** By tenant: how many of its series are in files. */
  #seriesFiled: number[] = [];
  /** Names of the files the last token stands for. */
  #kept = new Set<string>();
  #closed = false;

  constructor(name: string, options: WindowStoreOptions) {
    assert(options.windowMs > 0 && options.windowMs <= 65_535, 'times within a window are u16');
    this.name = name;
    this.windowMs = options.windowMs;
    this.#seriesMax = options.seriesMax ?? SERIES_MAX;
  }

  get tenants(): readonly StoreTenant[] {
    return this.#tenants;
  }

  get seriesCount(): number {
    return this.#tenants.reduce((sum, { series }) => sum + series.count, 0);
  }

  /** Open windows by rising end. */
  windows(): readonly PointWindow[] {
    this.#sorted ??= [...this.#windows.values()].sort((a, b) => a.endMs - b.endMs);
    return this.#sorted;
  }

  get windowCount(): number {
    return this.#windows.size;
  }

  /** Whether nothing was ever put in or loaded. */
  get isNew(): boolean {
    return this.marks.list().length === 0;
  }

  /**
   * Puts the batch's points into their windows.
   *
   * Requires: offsets rise from call to call. Adds to `tally`; every point of the batch is counted there once, and a late
   * one as accepted too. Adds to `missed` what came too late for its window, if it is of a series that is known.
   */
  append(
    batch: SampleBatch,
    offset: number,
    policy: AppendPolicy,
    tally: AppendTally,
    missed: MissedHours = new Map(),
  ): void {
    this.#mustBeOpen();
    const tenant = this.#tenantOf(batch.tenant);
    const refs = tenant.series.resolve(batch.series);
    const { sampleSeries, timestampsMs, values } = batch;
    // The window at hand takes times in (lowMs, highMs]; the block at hand and its columns are below.
    let lowMs = Number.POSITIVE_INFINITY;
    let highMs = Number.NEGATIVE_INFINITY;
    let window: PointWindow | undefined;
    let part: WindowPart | undefined;
    let before: WindowPart | undefined;
    let highest = 0;
    let block: SlotBlock | undefined;
    let blockIndex = -1;
    let { counts, starts, capacities, times } = NO_BLOCK;
    let blockValues = NO_BLOCK.values;
    let accepted = 0;
    let late = 0;
    for (let i = 0; i < values.length; i++) {
      const atMs = timestampsMs[i] as number;
      if (!(atMs > lowMs && atMs <= highMs)) {
        const endMs = Math.ceil(atMs / this.windowMs) * this.windowMs;
        const fate = this.#fateOf(atMs, endMs, policy, tally);
        if (fate !== TAKEN) {
          if (fate === MISSED) noteMissed(missed, endMs, refs[sampleSeries[i] as number] as number);
          continue;
        }
        window = this.#windowAt(endMs, offset);
        before = this.#windows.get(endMs - this.windowMs)?.parts[tenant.index];
        part = window.partOf(tenant.index);
        window.changed = true;
        highest = offset - window.baseOffset;
        lowMs = endMs - this.windowMs;
        highMs = Math.min(endMs, policy.latestMs);
        blockIndex = -1;
      }
      const time = atMs - lowMs;
      const ref = refs[sampleSeries[i] as number] as number;
      if (ref === NO_SERIES) {
        tally.seriesLimit++;
        continue;
      }
      if (time !== Math.trunc(time)) {
        tally.timestampInvalid++;
        continue;
      }
      if (ref >>> SLOT_BITS !== blockIndex || block === undefined) {
        blockIndex = ref >>> SLOT_BITS;
        block = (part as WindowPart).blockAt(blockIndex, this.#pool, before);
        ({ counts, starts, capacities, times, values: blockValues } = block);
      }
      const slot = ref & SLOT_MASK;
      const value = values[i] as number;
      const count = counts[slot] as number;
      let at = (starts[slot] as number) + count;
      if (value === value && (count === 0 || (times[at - 1] as number) < time)) {
        // The usual case: a number, later than all before it.
        if (count === capacities[slot]) {
          at += makeRoom(block, slot, count);
          ({ times, values: blockValues } = block);
        }
        times[at] = time;
        blockValues[at] = value;
        block.highest[slot] = highest;
        counts[slot] = count + 1;
        if (slot >= block.slots) block.slots = slot + 1;
      } else {
        const changed = this.#appendUnusual(batch, i, part as WindowPart, block, ref, time, highest, tally);
        ({ times, values: blockValues } = block);
        if (!changed) continue;
      }
      accepted++;
      if (block.emitted) block.markDirty(slot);
      if ((window as PointWindow).emitted) {
        (window as PointWindow).revised = true;
        late++;
      }
    }
    tally.accepted += accepted;
    tally.late += late;
  }

  /** A NaN (whose bits must survive), a repeated time, or a point out of order. Returns whether anything changed. */
  #appendUnusual(
    batch: SampleBatch,
    i: number,
    part: WindowPart,
    block: SlotBlock,
    ref: number,
    time: number,
    highest: number,
    tally: AppendTally,
  ): boolean {
    const { low, high } = bitsAt(batch.values, i);
    const outcome = addPoint(block, ref & SLOT_MASK, time, low, high, highest);
    if (outcome === DUPLICATE) {
      tally.duplicate++;
      return false;
    }
    if (outcome === REPLACED) {
      tally.replaced++;
      if (low === STALE_LOW && high === STALE_HIGH) part.blanked.add(ref);
    }
    return true;
  }

  #fateOf(atMs: number, endMs: number, policy: AppendPolicy, tally: AppendTally): Fate {
    if (!Number.isSafeInteger(atMs)) tally.timestampInvalid++;
    else if (atMs > policy.latestMs) tally.tooFarInFuture++;
    else if (endMs <= policy.closedThroughMs) {
      tally.beyondGrace++;
      this.closed.add(endMs);
      return MISSED;
    } else if (endMs - this.windowMs < this.completeFromMs) {
      tally.windowIncomplete++;
      return MISSED;
    } else if (this.closed.has(endMs)) {
      tally.closedEarly++;
      return MISSED;
    } else return TAKEN;
    return REFUSED;
  }

  /** Packs windows whose rows went out, or out again, at `clockMs` or before: what did not change since. */
  packSentUntil(clockMs: number): void {
    for (const window of this.windows()) {
      if (!window.emitted || window.packed || window.emittedAtMs > clockMs) continue;
      for (const part of window.parts) part?.pack(this.#pool);
      window.packed = true;
    }
  }

  /** Forgets the window and its points. */
  free(window: PointWindow): void {
    this.#windows.delete(window.endMs);
    this.#sorted = undefined;
    this.closed.add(window.endMs);
    window.release(this.#pool);
  }

  /**
   * Forgets series without a point in any open window, and tenants without a series, once they are more than the others.
   * `markMore` sets the flags of series that are still needed elsewhere. Numbers the rest anew: what is returned says how;
   * undefined when nothing was done.
   */
  forgetIdle(markMore: (live: ReadonlyMap<string, Uint8Array>) => void): Renumbering | undefined {
    const live = this.#tenants.map(({ series }) => new Uint8Array(series.count));
    for (const window of this.#windows.values()) {
      window.parts.forEach((part, tenant) => {
        for (const ref of part?.refs() ?? []) (live[tenant] as Uint8Array)[ref] = 1;
      });
    }
    markMore(new Map(this.#tenants.map(({ name }, i) => [name, live[i] as Uint8Array])));
    const counts = live.map((flags) => flags.reduce((n, flag) => n + flag, 0));
    const seriesLive = counts.reduce((sum, count) => sum + count, 0);
    const tenantsLive = counts.filter((count) => count > 0).length;
    // Below these, numbering anew frees nothing worth the work.
    const many = this.seriesCount > seriesLive * 2 + 1_024 || this.#tenants.length > tenantsLive * 2 + 64;
    if (!many) return undefined;
    const before = this.#tenants;
    const refs = before.map(({ series }, i) => series.retain(live[i] as Uint8Array));
    this.#tenants = before.filter((_, i) => counts[i] !== 0).map((tenant, index) => ({ ...tenant, index }));
    this.#tenantByName = new Map(this.#tenants.map((tenant) => [tenant.name, tenant]));
    const renumbering = new Map(before.map(({ name }, i) => [name, refs[i] as Uint32Array]));
    for (const [endMs, window] of this.#windows) {
      this.#windows.set(endMs, this.#renumbered(window, before, renumbering));
    }
    this.#sorted = undefined;
    this.#epoch++;
    this.#seriesFiles = [];
    this.#seriesFiled = [];
    return renumbering;
  }

  #renumbered(window: PointWindow, before: readonly StoreTenant[], moved: Renumbering): PointWindow {
    const next = new PointWindow(window.endMs, window.baseOffset);
    next.emitted = window.emitted;
    next.revised = window.revised;
    next.emittedAtMs = window.emittedAtMs;
    window.parts.forEach((part, tenant) => {
      const { name } = before[tenant] as StoreTenant;
      const to = this.#tenantByName.get(name);
      if (!part || !to) return;
      const target = next.partOf(to.index);
      const refs = moved.get(name) as Uint32Array;
      part.forEachSlot((block, slot, ref) => {
        const to = refs[ref] as number;
        const copy = copySlot(block, slot, target, to, this.#pool);
        copy.emitted = window.emitted;
        if (window.emitted && (!block.emitted || block.isDirty(slot))) copy.markDirty(to & SLOT_MASK);
      });
      for (const ref of part.blanked) target.blanked.add(refs[ref] as number);
    });
    window.release(this.#pool);
    return next;
  }

  replayFrom(): number | undefined {
    return this.marks.offsetFor(this.neededFromMs);
  }

  async restore(folder: StateFolder, token: Uint8Array | undefined): Promise<void> {
    this.#folder = folder;
    this.#forgetAll();
    if (token === undefined) return;
    const { epoch, completeFromMs, marks, seriesFiles, windows, closedEndsMs } = decodeToken(token);
    const { disk, path } = folder;
    this.#epoch = epoch;
    this.completeFromMs = completeFromMs;
    this.marks.load(marks);
    this.closed.load(closedEndsMs);
    for (const sequence of seriesFiles) {
      const file = `${path}/${seriesFileName(sequence)}`;
      await readStateFile(disk, file, FILE_KIND.series, (reader) =>
        decodeSeriesFile(reader, file, epoch, sequence, (name) => this.#tenantOf(name)),
      );
    }
    this.#seriesFiles = [...seriesFiles];
    this.#seriesFiled = this.#tenants.map(({ series }) => series.count);
    for (const ref of windows) {
      const file = `${path}/${windowFileName(ref)}`;
      const window = await readStateFile(disk, file, FILE_KIND.window, (reader) =>
        decodeWindowFile(reader, file, epoch, ref, this.windowMs, this.#pool, (name) => this.#tenantOf(name)),
      );
      this.#windows.set(ref.endMs, window);
    }
    this.#sorted = undefined;
    this.#kept = this.#namesInUse();
  }

  async checkpoint({ sequence }: CheckpointPosition): Promise<Uint8Array> {
    this.#mustBeOpen();
    const { disk, path } = this.#restored();
    if (this.#seriesFiles.length >= SERIES_FILES_MAX) {
      this.#seriesFiles = [];
      this.#seriesFiled = [];
    }
    if (this.#tenants.some(({ series }, i) => series.count > (this.#seriesFiled[i] ?? 0))) {
      const bytes = encodeSeriesFile(this.#epoch, sequence, this.#tenants, this.#seriesFiled);
      await disk.writeAtomic(`${path}/${seriesFileName(sequence)}`, bytes);
      this.#seriesFiles.push(sequence);
      this.#seriesFiled = this.#tenants.map(({ series }) => series.count);
    }
    const windows = this.windows();
    for (const window of windows) {
      if (window.changed) {
        const name = windowFileName({ endMs: window.endMs, sequence });
        const bytes = encodeWindowFile(this.#epoch, sequence, window, this.#tenants);
        await disk.writeAtomic(`${path}/${name}`, bytes);
        release([bytes]);
        window.fileSequence = sequence;
        window.changed = false;
      }
    }
    this.#kept = this.#namesInUse();
    return encodeToken({
      epoch: this.#epoch,
      completeFromMs: this.completeFromMs,
      marks: this.marks.list(),
      seriesFiles: this.#seriesFiles,
      windows: windows.map(({ endMs, fileSequence, emitted }) => ({ endMs, sequence: fileSequence, emitted })),
      closedEndsMs: this.closed.list(),
    });
  }

  async settled(): Promise<void> {
    const { disk, path } = this.#restored();
    for (const name of await disk.list(path)) if (!this.#kept.has(name)) await disk.remove(`${path}/${name}`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#forgetAll();
  }

  /** What is held for points, series and the pool. */
  memoryBytes(): { points: number; series: number; pool: number } {
    let points = 0;
    for (const window of this.#windows.values()) {
      for (const part of window.parts) for (const block of part?.blocks ?? []) points += block?.memoryBytes ?? 0;
    }
    const series = this.#tenants.reduce((sum, tenant) => sum + tenant.series.memoryBytes, 0);
    return { points, series, pool: this.#pool.memoryBytes };
  }

  #namesInUse(): Set<string> {
    return new Set([
      ...this.#seriesFiles.map(seriesFileName),
      ...this.windows().map(({ endMs, fileSequence }) => windowFileName({ endMs, sequence: fileSequence })),
    ]);
  }

  #forgetAll(): void {
    this.#tenants = [];
    this.#tenantByName = new Map();
    this.#windows = new Map();
    this.#sorted = undefined;
    this.#seriesFiles = [];
    this.#seriesFiled = [];
    this.#epoch = 1;
    this.completeFromMs = Number.NEGATIVE_INFINITY;
    this.marks.load([]);
    this.closed.load([]);
  }

  #tenantOf(name: string): StoreTenant {
    const known = this.#tenantByName.get(name);
    if (known) return known;
    const room = () => this.#seriesMax - this.seriesCount;
    const tenant = { index: this.#tenants.length, name, series: new SeriesTable(room) };
    this.#tenants.push(tenant);
    this.#tenantByName.set(name, tenant);
    return tenant;
  }

  #windowAt(endMs: number, offset: number): PointWindow {
    const known = this.#windows.get(endMs);
    if (known) return known;
    const window = new PointWindow(endMs, offset);
    this.#windows.set(endMs, window);
    this.#sorted = undefined;
    return window;
  }

  #restored(): StateFolder {
    assert(this.#folder !== undefined, 'a store is restored before it is used');
    return this.#folder;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new TidemarkError('STATE_CLOSED', `the store ${this.name} is closed`, { store: this.name });
  }
}

function noteMissed(missed: MissedHours, minuteEndMs: number, ref: number): void {
  if (ref === NO_SERIES) return;
  const endMs = hourEndOf(minuteEndMs);
  let series = missed.get(endMs);
  if (!series) {
    series = new Map();
    missed.set(endMs, series);
  }
  const span = series.get(ref);
  if (!span) series.set(ref, { firstMs: minuteEndMs, lastMs: minuteEndMs });
  else if (minuteEndMs < span.firstMs) span.firstMs = minuteEndMs;
  else if (minuteEndMs > span.lastMs) span.lastMs = minuteEndMs;
}

/** The bits of `values[i]`, which may lie at any offset of its buffer. */
function bitsAt(values: Float64Array, i: number): { low: number; high: number } {
  BITS_VALUE.set(values.subarray(i, i + 1));
  return { low: BITS[0] as number, high: BITS[1] as number };
}
