import { assert, type Clock, Mutex } from '@tidemark/base';
import { overlaps, type Retention, type SeriesSection, type TimeRange } from '@tidemark/model';
import type { SeriesFile } from '../checkpoint/series-file.ts';
import type { Column } from '../chunk/columns.ts';
import { ROW_COLUMN_COUNT } from '../chunk/rollup-columns.ts';
import { storageError } from '../errors.ts';
import { type ShardName, windowPath } from '../filename.ts';
import { Head } from '../head/head.ts';
import type { Tier } from '../head/resolve.ts';
import { keepEntries } from '../intake.ts';
import { SLOT_SIZE, STREAM_ENTRIES, type StorageOptions, WINDOW_MS } from '../options.ts';
import { Window, type WindowContext } from '../partition/window.ts';
import { LabelPool } from '../series/label-pool.ts';
import { SeriesRegistry } from '../series/registry.ts';
import type { PartitionLabels } from '../series/shared-labels.ts';
import { type Sealed, type SealedLife, type SegmentEntry, sealedLives } from '../tiering/manifest.ts';
import { makeShardCounts } from './counts.ts';
import type { Refill } from './refill.ts';

// One topic partition: its series, its head, its windows, and what is sealed of it.
//
//   record ─ below the position? ignored ─ sealed already? skipped ─ head ─ finished chunks ─ windows ─ segments
//
// Everything here happens on one thread and between awaits; checkpoints and seals of a shard never overlap.

export interface ShardContext {
  readonly clock: Clock;
  readonly options: StorageOptions;
  readonly retention: Retention;
  readonly windows: Omit<WindowContext, 'registry'>;
  readonly labels: PartitionLabels;
}

/** Entries of one record: entry i is of series `series[i]` of the section. */
export interface ShardEntries {
  readonly tenant: string;
  readonly section: SeriesSection;
  readonly series: Uint32Array;
  readonly timestampsMs: Float64Array;
  readonly columns: readonly Column[];
  readonly count: number;
  /** The last of the entries are native histograms: these. */
  readonly histograms?: readonly Uint8Array[];
}

/** What is to be known of a checkpoint that the next start may have to fall back to. */
export interface KeptCheckpoint {
  readonly generation: number;
  readonly position: number;
  readonly seriesFile: number;
}

export interface DamagedFile {
  readonly what: 'checkpoint' | 'series';
  readonly path: string;
}

/** A read that goes on over several turns (shard-read.ts). */
export interface ReadUnderWay {
  /** The next append may change these series. */
  beforeChange(refs: Uint32Array): void;
  /** There is a new window. */
  holdWindow(window: Window): void;
}

export class Shard {
  readonly name: ShardName;
  readonly tier: Tier;
  readonly windowMs: number;
  registry: SeriesRegistry;
  head: Head;
  readonly counts = makeShardCounts();
  /** Lives of each window by its start, oldest first; only the last may be unfrozen. */
  readonly windows = new Map<number, Window[]>();
  /** The next offset to apply. */
  position = 0;
  /** Position of the last durable checkpoint. */
  durablePosition = 0;
  /** Generation of the last durable checkpoint. */
  generation = 0;
  /** Generation of the last attempt. */
  attempted = 0;
  /** Generation of a checkpoint whose writing failed: it may be there all the same. 0: none. */
  unsettled = 0;
  /** The newest durable checkpoint. */
  newest: KeptCheckpoint | undefined;
  /** The older of the two checkpoints that are kept; undefined where there is but one. */
  older: KeptCheckpoint | undefined;
  /** Checkpoints and series files that were found damaged: kept aside when a next checkpoint is durable. */
  damagedFiles: readonly DamagedFile[] = [];
  /** Of the newest checkpoint; undefined before the first, and where its numbers of series count no more. */
  seriesFile: SeriesFile | undefined;
  /** The other: the next checkpoint goes with it. */
  spareSeriesFile: SeriesFile | undefined;
  /** The greatest number that a series file had. */
  seriesFileLast = -1;
  /** The greatest number of a series file when files that nothing names were last removed. */
  clearedThrough = -1;
  /** Set while records below the position come again (refill.ts). */
  refill: Refill | undefined;
  readonly reads = new Set<ReadUnderWay>();
  /** Others that hold numbers of series over several turns: those must not change meanwhile. */
  refHolders = 0;
  /** Windows have gone since it was last asked which series have nothing any more. */
  seriesMayGo = true;
  /** What is sealed; undefined while the manifest could not be read. */
  sealed: readonly SegmentEntry[] | undefined;
  /** The manifest may say otherwise: a change is under way, or nobody knows what became of it. */
  sealedInDoubt = false;
  /** Lives that were sealed, by window, whether their segments are compacted or not. */
  lives: ReadonlyMap<number, readonly SealedLife[]> = new Map();
  /** Manifest changes, one at a time. */
  readonly manifestWork = new Mutex();
  /** When it was last said what is past its time (retention.ts). */
  limitedAtMs = Number.NEGATIVE_INFINITY;
  /** Raw segments that no row was made of by then. */
  held: readonly SegmentEntry[] = [];
  #sealedThrough = new Map<number, number>();
  #sealedThroughMax = -1;
  /** Above every offset that any segment has anything of. */
  sealedEnd = 0;
  readonly #context: ShardContext;

  constructor(context: ShardContext, name: ShardName, tier: Tier) {
    this.#context = context;
    this.name = name;
    this.tier = tier;
    this.windowMs = WINDOW_MS[tier];
    this.registry = this.makeRegistry();
    this.head = this.makeHead();
  }

  /**
   * Nothing before this is answered of what is kept for so long: it is past its time, whether it is removed yet or not. Raw that
   * the rollup has not read yet is answered, however old.
   */
  answersFrom(keptMs: number): number {
    const endMs = this.limitedAtMs - keptMs;
    return this.held.reduce((from, entry) => (entry.endMs <= endMs ? Math.min(from, entry.startMs) : from), endMs);
  }

  /** Nothing before this is answered of anything. */
  get answersFromMs(): number {
    return this.answersFrom(this.#context.retention.longestMs(this.tier));
  }

  makeRegistry(pool = new LabelPool(this.#context.labels.of(this.name.partition))): SeriesRegistry {
    const { refusedSeries } = this.counts;
    const refuse = (reason: string, count: number) =>
      refusedSeries.set(reason, (refusedSeries.get(reason) ?? 0) + count);
    return new SeriesRegistry(this.#context.options.seriesPerShardMax, { refuse }, pool);
  }

  makeHead(slotSize = SLOT_SIZE[this.tier]): Head {
    return new Head({
      columnCount: this.tier === 'raw' ? 1 : ROW_COLUMN_COUNT,
      slotSize,
      // Seven slots, where larger ones were kept: as long as streams were then.
      streamMax: Math.max(STREAM_ENTRIES[this.tier].max, slotSize * 7),
      streamFold: STREAM_ENTRIES[this.tier].fold,
      windowMs: this.windowMs,
      // Out of order is drained by a checkpoint only: its generation ranks what it takes.
      emit: (startMs, ref, run, from, to, inOrder) =>
        this.windowFor(startMs).pending.add(ref, run, from, to, inOrder ? 0 : this.attempted),
    });
  }

  /** The same series under other numbers (forgetting.ts). Requires: nobody holds a number. */
  replaceSeries(registry: SeriesRegistry, head: Head): void {
    assert(this.reads.size + this.refHolders === 0, 'nobody holds numbers of series');
    this.registry = registry;
    this.head = head;
  }

  /** Says what the manifest says. */
  setSealed(sealed: Sealed): void {
    this.sealed = sealed.entries;
    this.lives = sealedLives(sealed);
    this.#sealedThrough = sealedThrough(this.lives);
    this.#sealedThroughMax = Math.max(-1, ...this.#sealedThrough.values());
    this.sealedEnd = 0;
    for (const lives of this.lives.values())
      for (const { sealedThroughOffset } of lives) this.sealedEnd = Math.max(this.sealedEnd, sealedThroughOffset + 1);
  }

  /** The life of a window that takes samples now. */
  windowFor(startMs: number): Window {
    let lives = this.windows.get(startMs);
    if (lives === undefined) {
      lives = [];
      this.windows.set(startMs, lives);
    }
    const last = lives[lives.length - 1];
    if (last !== undefined && !last.frozen) return last;
    const window = this.makeWindow(startMs, Math.max(this.nextSequence(startMs), last ? last.sequence + 1 : 0));
    lives.push(window);
    for (const read of this.reads) read.holdWindow(window);
    return window;
  }

  /** The life that follows those sealed. */
  nextSequence(startMs: number): number {
    return (this.lives.get(startMs)?.at(-1)?.sequence ?? -1) + 1;
  }

  /**
   * Whether segments have what a life of a window took of records below `position`: the manifest names that very life, through
   * there. An earlier life may be missing from the manifest (it could not be read when later ones were sealed), and another
   * process may have sealed a life of that number with less in it: neither says anything about what is here.
   */
  isSealed(startMs: number, sequence: number, position: number): boolean {
    const own = this.lives.get(startMs)?.find((life) => life.sequence === sequence);
    if (own === undefined) return false;
    return position <= Math.max(own.sealedThroughOffset, this.#sealedThrough.get(startMs) ?? -1) + 1;
  }

  /** Whether segments have all that records below `position` brought for a window. */
  isCovered(startMs: number, position: number): boolean {
    return position <= (this.#sealedThrough.get(startMs) ?? -1) + 1;
  }

  /** Whether segments have anything of records at or above `position`. */
  sealedBeyond(position: number): boolean {
    return this.#sealedThroughMax >= position;
  }

  makeWindow(startMs: number, sequence: number): Window {
    const path = windowPath(this.name, { tier: this.tier, startMs, sequence });
    const context = { ...this.#context.windows, registry: this.registry };
    return new Window(context, path, startMs, startMs + this.windowMs, sequence, this.#context.clock.nowMs());
  }

  *allWindows(): Iterable<Window> {
    for (const lives of this.windows.values()) yield* lives;
  }

  removeWindow(window: Window): void {
    const lives = this.windows.get(window.startMs) ?? [];
    const left = lives.filter((life) => life !== window);
    if (left.length === 0) this.windows.delete(window.startMs);
    else this.windows.set(window.startMs, left);
    this.seriesMayGo = true;
  }

  /** Whether a checkpoint would write anything new. */
  get changedSinceCheckpoint(): boolean {
    if (this.position !== this.durablePosition) return true;
    // The log is told what both have: else it would keep what nobody needs for as long as nothing comes.
    if (this.generation > 0 && this.older?.position !== this.position) return true;
    for (const window of this.allWindows()) if (window.pendingBytes > 0 || window.refilled) return true;
    return false;
  }

  /** Whether anything outside of segments may lie in the range. */
  reaches(range: TimeRange): boolean {
    for (const window of this.allWindows()) if (overlaps(window, range)) return true;
    // The head's newest may be of a window that has no chunks yet.
    for (let ref = 0; ref < this.registry.count; ref++) {
      if (!this.head.holds(ref)) continue;
      if (this.head.lastMs(ref) >= range.startMs && this.head.windowStartMs(ref) < range.endMs) return true;
    }
    return this.head.outOfOrder.count > 0;
  }

  get pendingBytes(): number {
    let bytes = 0;
    for (const window of this.allWindows()) bytes += window.pendingBytes;
    return bytes;
  }

  /** Applies a record. False: it was below the position. Throws `STORAGE_OVERLOADED`; then nothing was applied. */
  apply(offset: number, entries: ShardEntries): boolean {
    const isAgain = offset < this.position;
    const wanted = isAgain ? this.#ofRefill(entries) : entries;
    if (wanted === undefined) {
      this.counts.redelivered++;
      return false;
    }
    this.#append(offset, wanted);
    if (!isAgain) this.position = offset + 1;
    return true;
  }

  /** The entries of windows that are refilled; undefined when there are none. */
  #ofRefill(entries: ShardEntries): ShardEntries | undefined {
    const { refill } = this;
    if (refill === undefined) return undefined;
    const kept: number[] = [];
    for (let i = 0; i < entries.count; i++) {
      const startMs = Math.floor((entries.timestampsMs[i] as number) / this.windowMs) * this.windowMs;
      if (!refill.windows.has(startMs)) continue;
      refill.received.add(startMs);
      kept.push(i);
    }
    return kept.length === 0 ? undefined : keepEntries(entries, kept);
  }

  #append(offset: number, entries: ShardEntries): void {
    this.#checkRoom();
    const { clock, retention } = this.#context;
    this.head.oldestMs = Math.max(0, clock.nowMs() - retention.longestMs(this.tier));
    const refs = this.registry.resolve(entries.tenant, entries.section);
    this.head.reserve(this.registry.count);
    const kept = offset <= this.#sealedThroughMax ? this.#unsealed(offset, entries) : entries;
    for (const read of this.reads) read.beforeChange(refs);
    const { histograms = [] } = kept;
    const numbers = kept.count - histograms.length;
    this.head.append(refs, kept.series, kept.timestampsMs, kept.columns, numbers, this.counts);
    if (histograms.length > 0) this.head.appendHistograms(refs, kept, histograms, this.counts);
  }

  #checkRoom(): void {
    const { outOfOrderMax, histogramBytesMax, pendingBytesMax } = this.#context.options;
    const { histogramBytes } = this.head.outOfOrder;
    if (histogramBytes >= histogramBytesMax) {
      throw overloaded('bytes of native histograms', histogramBytes, histogramBytesMax);
    }
    if (this.head.outOfOrder.count >= outOfOrderMax) {
      throw overloaded('out-of-order samples', this.head.outOfOrder.count, outOfOrderMax);
    }
    const pendingBytes = this.pendingBytes;
    if (pendingBytes >= pendingBytesMax) throw overloaded('bytes of finished chunks', pendingBytes, pendingBytesMax);
  }

  /** The entries whose window has no segment that already has this offset. */
  #unsealed(offset: number, entries: ShardEntries): ShardEntries {
    const { timestampsMs, count } = entries;
    const kept: number[] = [];
    for (let i = 0; i < count; i++) {
      const startMs = Math.floor((timestampsMs[i] as number) / this.windowMs) * this.windowMs;
      if ((this.#sealedThrough.get(startMs) ?? -1) >= offset) this.counts.replayed++;
      else kept.push(i);
    }
    if (kept.length === count) return entries;
    return keepEntries(entries, kept);
  }
}

/**
 * By window, the offset through which segments have everything. A life that is missing ends it: what that one had is in no
 * segment, and must not be skipped when the log brings it again.
 */
function sealedThrough(windows: ReadonlyMap<number, readonly SealedLife[]>): Map<number, number> {
  const through = new Map<number, number>();
  for (const [startMs, lives] of windows) {
    for (const [next, { sequence, sealedThroughOffset }] of lives.entries()) {
      if (sequence > next) break;
      through.set(startMs, Math.max(through.get(startMs) ?? -1, sealedThroughOffset));
    }
  }
  return through;
}

function overloaded(what: string, value: number, limit: number): Error {
  return storageError('STORAGE_OVERLOADED', `${value} ${what} wait for a checkpoint; the limit is ${limit}`, {
    value,
    limit,
  });
}
