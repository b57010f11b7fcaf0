import { Columns } from '../chunk/columns.ts';
import { type Erasure, eraseEntries, erasuresOf } from '../deletes/erase.ts';
import type { Tombstone } from '../deletes/tombstone.ts';
import { concernsWindow } from '../deletes/tombstones.ts';
import type { ChunkTable } from '../head/chunk-table.ts';
import type { PendingChunks } from '../head/pending.ts';
import { matchSeries } from '../index/matcher-plan.ts';
import type { Window } from '../partition/window.ts';
import { type GatheredSeries, LIFE_RANK, NEWEST_RANK } from '../read/chunk-ref.ts';
import type { Gathered, GatherRequest } from '../read/gather.ts';
import type { Turns } from '../read/turns.ts';
import type { ReadUnderWay, Shard } from './shard.ts';
import { WantedRefs } from './wanted-refs.ts';

// What a shard has outside of segments, as it was when the read began, though it is taken over many turns. What happens meanwhile:
//
//   append       has each series that it is about to change taken first: a series is taken once, before its first change
//   checkpoint   moves entries from head to windows, pending to flushing to table: a series is taken whole in one turn, so it
//                finds each entry in one place. What was out of order at the beginning is copied then; where a checkpoint has
//                made chunks of it since, both say the same
//   new window   is held as soon as there is one: a checkpoint may move entries into it
//   seal         removes a window from the shard; held windows stay, in memory and on disk, until the answer is made. Segments
//                are those of the beginning, so what moves into a new one comes from the window still
//   new series   have refs above those that were matched, and are not asked for

// Head entries are copied into columns of this many, not into some for every series.
const COPIED_ENTRIES = 4096;

/**
 * Begins to read; undefined when the shard has nothing of the tenant. The rest is up to `finish`; releasing `gathered` ends the
 * read in any case.
 */
export function beginShardRead(shard: Shard, request: GatherRequest, gathered: Gathered): ShardRead | undefined {
  const tenant = shard.registry.tenant(request.tenant);
  if (tenant === undefined) return undefined;
  const read = new ShardRead(shard, matchSeries(tenant, request.matchers), request, gathered);
  shard.reads.add(read);
  gathered.onRelease(() => shard.reads.delete(read));
  return read;
}

export class ShardRead implements ReadUnderWay {
  readonly #shard: Shard;
  readonly #request: GatherRequest;
  readonly #gathered: Gathered;
  /** May be a list that grows: only the first `#count` are ours. */
  readonly #refs: readonly number[];
  readonly #count: number;
  /** Those that are still to be taken. */
  readonly #wanted: WantedRefs;
  readonly #windows: Window[] = [];
  readonly #deletes: readonly Tombstone[];
  /** What is deleted, by ref; of rows all of it, of samples what is in these windows. */
  readonly #erasures: ReadonlyMap<number, readonly Erasure[]> | undefined;
  #copies: Columns | undefined;
  #inUse: Columns[] = [];
  readonly #free: Columns[] = [];
  /** Series that had something out of order at the beginning. */
  #early: readonly number[] = [];
  #apart = false;
  #at = 0;
  /** The series looked up last: one is asked for as often as it has pieces. */
  #found: { readonly ref: number; readonly series: GatheredSeries } | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(shard: Shard, refs: readonly number[], request: GatherRequest, gathered: Gathered) {
    this.#shard = shard;
    this.#request = request;
    this.#gathered = gathered;
    this.#refs = refs;
    this.#count = refs.length;
    this.#deletes = request.deletes ?? [];
    const tenant = shard.registry.tenant(request.tenant);
    this.#erasures = tenant && erasuresOf(tenant, this.#deletes);
    this.#wanted = new WantedRefs(refs, shard.registry.count);
    for (const window of shard.allWindows()) this.holdWindow(window);
    if (shard.head.outOfOrder.count > 0) this.#takeOutOfOrder();
  }

  /** How many series it will take. */
  get count(): number {
    return this.#count;
  }

  labelBytesAt(index: number): Uint8Array {
    return this.#shard.registry.labelBytes(this.#refs[index] as number);
  }

  /**
   * No other shard or segment has any of these series: from here on, whatever is gathered of one is all of it. Throws
   * `SELECT_TOO_MANY_SERIES`.
   */
  standApart(): void {
    // What waits out of order was put down at the beginning: the rest of those series now, to join it.
    for (const ref of this.#early) this.#take(ref);
    this.#apart = true;
  }

  /** Takes on, until there are `seriesMax` gathered. Returns whether all is taken. Throws as `finish` does. */
  async takeSome(seriesMax: number, turns: Turns): Promise<boolean> {
    while (this.#at < this.#count) {
      if (this.#gathered.series.length >= seriesMax) return false;
      if (turns.due()) await turns.take();
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#take(this.#refs[this.#at++] as number);
    }
    this.#shard.reads.delete(this);
    if (this.#failure !== undefined) throw this.#failure.error;
    return true;
  }

  /** Takes what is left. Throws `SELECT_TOO_MANY_SERIES` and the signal's reason. */
  async finish(turns: Turns): Promise<void> {
    await this.takeSome(Number.POSITIVE_INFINITY, turns);
  }

  /** The copies that all series gathered so far lie in; `giveBack` when they are not needed any more. */
  handOver(): readonly Columns[] {
    const used = this.#inUse;
    this.#inUse = [];
    this.#copies = undefined;
    this.#found = undefined;
    return used;
  }

  giveBack(copies: readonly Columns[]): void {
    for (const copy of copies) {
      copy.reset();
      this.#free.push(copy);
    }
  }

  beforeChange(refs: Uint32Array): void {
    if (this.#failure !== undefined) return;
    try {
      for (const ref of refs) if (this.#wanted.has(ref)) this.#take(ref);
    } catch (error) {
      // The reader's, not the writer's: `finish` throws it.
      this.#failure = { error };
    }
  }

  holdWindow(window: Window): void {
    const { startMs, endMs } = this.#request.range;
    // Another life has all that a refilled one had.
    if (window.refilled || window.startMs >= endMs || window.endMs <= startMs) return;
    this.#windows.push(window);
    this.#gathered.onRelease(window.retain());
    for (const what of window.damage) this.#gathered.warnings.add(what);
  }

  /** Everything of one series, in one turn. */
  #take(ref: number): void {
    if (!this.#wanted.has(ref)) return;
    this.#wanted.delete(ref);
    // Rows may be deleted in a head too.
    const erasesRows = this.#shard.tier !== 'raw' && this.#erasures?.has(ref) === true;
    if (this.#request.newestOnly && !erasesRows && this.#takeNewest(ref)) return;
    for (const window of this.#windows) {
      if (window.table.count > 0 && this.#takeChunks(window, ref, window.table, undefined)) return;
      for (const list of window.flushing) if (this.#takeChunks(window, ref, list.table, list)) return;
      if (this.#takeChunks(window, ref, window.pending.table, window.pending)) return;
    }
    this.#takeHead(ref);
  }

  /** True when nothing more need be known of the series. */
  #takeChunks(window: Window, ref: number, table: ChunkTable, list: PendingChunks | undefined): boolean {
    const { range, labelsOnly } = this.#request;
    for (let at = table.last(ref); at >= 0; at = table.previous(at)) {
      const minMs = table.minMs(at);
      const maxMs = table.maxMs(at);
      if (minMs >= range.endMs || maxMs < range.startMs) continue;
      const series = this.#of(ref);
      if (labelsOnly === true) return true;
      series.chunks.push({
        source: list === undefined ? window : undefined,
        bytes: list?.pageOf(table.block(at)),
        block: table.block(at),
        offset: table.offset(at),
        length: table.length(at),
        minMs,
        maxMs,
        samples: table.samples(at),
        rank: window.sequence * LIFE_RANK + table.rank(at),
        erased: this.#erasedIn(window, ref),
      });
    }
    return false;
  }

  #takeHead(ref: number): void {
    const { head, windows } = this.#shard;
    const { range, labelsOnly } = this.#request;
    if (!head.holds(ref)) return;
    const startMs = head.windowStartMs(ref);
    if (head.lastMs(ref) < range.startMs || startMs >= range.endMs) return;
    if (labelsOnly === true) {
      if (head.beginsBefore(ref, range.endMs)) this.#of(ref);
      return;
    }
    const columns = this.#roomForSeries();
    const from = columns.length;
    head.copySeries(ref, columns);
    this.#eraseRows(ref, columns, from);
    const to = columns.length;
    if (to === from) return;
    if ((columns.timestampsMs[from] as number) >= range.endMs) {
      columns.length = from;
      return;
    }
    const sequence = windows.get(startMs)?.at(-1)?.sequence ?? this.#shard.nextSequence(startMs);
    this.#of(ref).runs.push({ columns, from, to, rank: sequence * LIFE_RANK, rising: true });
  }

  /**
   * The newest entry alone, where it stands in the slot: everything else a shard has of the series is older, for what comes
   * at or before a slot's last entry is put into the slot or decided there. False where it is not to be had so.
   */
  #takeNewest(ref: number): boolean {
    const { head } = this.#shard;
    const { startMs, endMs } = this.#request.range;
    const newestMs = head.newestInSlot(ref);
    if (newestMs === undefined || newestMs < startMs || newestMs >= endMs) return false;
    const columns = this.#roomForSeries();
    const from = columns.length;
    head.copyNewest(ref, columns);
    this.#of(ref).runs.push({ columns, from, to: from + 1, rank: NEWEST_RANK, rising: true });
    return true;
  }

  #erasedIn(window: Window, ref: number): readonly Erasure[] | undefined {
    const erasures = this.#erasures?.get(ref);
    if (erasures === undefined) return undefined;
    const offsets = this.#deletes
      .filter((tombstone) => concernsWindow(tombstone, this.#shard, window))
      .map(({ offset }) => offset);
    return erasures.filter(({ offset }) => offsets.includes(offset));
  }

  /** What a head has of samples came after every delete; rows say themselves what they came of. */
  #eraseRows(ref: number, columns: Columns, from: number): void {
    const erasures = this.#shard.tier === 'raw' ? undefined : this.#erasures?.get(ref);
    if (erasures !== undefined) eraseEntries(columns, from, erasures);
  }

  #of(ref: number): GatheredSeries {
    if (this.#found?.ref === ref) return this.#found.series;
    const { registry } = this.#shard;
    const series = this.#apart ? this.#gathered.add(registry, ref) : this.#gathered.of(registry, ref);
    this.#found = { ref, series };
    return series;
  }

  #roomForSeries(): Columns {
    const { entriesMax, options } = this.#shard.head;
    const copies = this.#copies;
    if (copies !== undefined && copies.length + entriesMax <= copies.timestampsMs.length) return copies;
    this.#copies =
      this.#free.pop() ?? new Columns(options.columnCount, Math.min(entriesMax * this.#count, COPIED_ENTRIES));
    this.#inUse.push(this.#copies);
    return this.#copies;
  }

  #takeOutOfOrder(): void {
    const { range, labelsOnly } = this.#request;
    const { outOfOrder, options } = this.#shard.head;
    const taken = new Map<number, Columns>();
    const times = outOfOrder.entries.timestampsMs;
    for (let i = 0; i < outOfOrder.count; i++) {
      const ref = outOfOrder.refAt(i);
      if (!this.#wanted.has(ref) || (times[i] as number) < range.startMs || (times[i] as number) >= range.endMs)
        continue;
      let columns = taken.get(ref);
      if (columns === undefined) {
        columns = new Columns(options.columnCount, labelsOnly === true ? 0 : 8);
        taken.set(ref, columns);
      }
      if (labelsOnly !== true) columns.addRange(outOfOrder.entries, i, i + 1);
    }
    this.#early = [...taken.keys()];
    for (const [ref, columns] of taken) {
      const series = this.#of(ref);
      if (labelsOnly === true) continue;
      this.#eraseRows(ref, columns, 0);
      series.runs.push({ columns, from: 0, to: columns.length, rank: NEWEST_RANK, rising: false });
    }
  }
}
