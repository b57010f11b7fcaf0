import type { Disk } from '@tidemark/base';
import { isCriticalTopic, type TimeRange } from '@tidemark/model';
import { TOMBSTONES_FILE } from '../filename.ts';
import { loadTwice, saveTwice } from '../kept-twice.ts';
import type { Window } from '../partition/window.ts';
import type { Quarantine } from '../quarantine.ts';
import type { Shard } from '../shard/shard.ts';
import type { SegmentEntry } from '../tiering/manifest.ts';
import { decodeTombstones, encodeTombstones, type Tombstone } from './tombstone.ts';

// The deletes that are still to be honoured when something is read or compacted.
//
//   record of the raw log ─ cut.ts ─▶ every life of a window lies wholly before the delete, or wholly after it
//        │                            before: its frozen position is at or below the delete's offset + 1
//        └▶ tombstone ─ reads leave out what lives before it have ─ compaction writes them anew without ─▶ forgotten
//
// Rows say themselves how far they have read, so row tiers need no cut. The file, kept twice, is written before the checkpoints that pass
// the record, so a replay knows every delete that it will not meet again.

// A row's points are at most this much before its time.
const ROW_REACH_MS = 3_600_000;
// Rows of what was read before a delete may still be on their way: an hour is folded when it is over.
const ROWS_SETTLE_MS = 3 * 3_600_000;

export class Tombstones {
  #list: Tombstone[] = [];
  #unsaved = false;
  /** When deletes were lost; undefined: they never were. */
  #lostMs: number | undefined;

  get count(): number {
    return this.#list.length;
  }

  /**
   * Where neither copy is whole, deletes are lost: what they deleted and is not reclaimed is back, and answers say so. Throws `DISK_*`
   * for what may pass.
   */
  async load(disk: Disk, nowMs: number, quarantine: Quarantine): Promise<void> {
    const found = await loadTwice({ disk, name: TOMBSTONES_FILE, decode: decodeTombstones, quarantine });
    this.#list = [...(found.content?.tombstones ?? [])];
    this.#lostMs = found.isLost ? nowMs : found.content?.lostMs;
    this.#unsaved = !found.isSettled;
  }

  /** What an answer over the range has to say of deletes that were lost. */
  warningOf({ startMs }: TimeRange): string | undefined {
    if (this.#lostMs === undefined || startMs >= this.#lostMs) return undefined;
    const at = new Date(this.#lostMs).toISOString();
    return `both copies of the file of deletes were damaged at ${at}: what was deleted before may be back; delete it again`;
  }

  /** Throws `DISK_*`. */
  async save(disk: Disk): Promise<void> {
    if (!this.#unsaved) return;
    this.#unsaved = false;
    try {
      await saveTwice(disk, TOMBSTONES_FILE, encodeTombstones({ tombstones: this.#list, lostMs: this.#lostMs }));
    } catch (error) {
      this.#unsaved = true;
      throw error;
    }
  }

  /** The same again changes nothing. */
  add(tombstone: Tombstone): void {
    const { topic, partition, offset } = tombstone;
    if (this.#list.some((one) => one.topic === topic && one.partition === partition && one.offset === offset)) return;
    this.#list.push(tombstone);
    this.#unsaved = true;
  }

  /** Above the offset of every one of a raw partition. */
  endOf(topic: string, partition: number): number {
    let end = 0;
    for (const one of this.#list) {
      if (one.topic === topic && one.partition === partition) end = Math.max(end, one.offset + 1);
    }
    return end;
  }

  /** Those that may mean something in a shard; of a tenant and a range, or all. */
  of(shard: Shard, tenant?: string, range?: TimeRange): readonly Tombstone[] {
    if (this.#list.length === 0) return this.#list;
    const { topic, partition } = shard.name;
    return this.#list.filter(
      (one) =>
        one.partition === partition &&
        (shard.tier === 'raw' ? one.topic === topic : !isCriticalTopic(one.topic)) &&
        (tenant === undefined || one.tenant === tenant) &&
        (range === undefined || reaches(one, shard, range)),
    );
  }

  /** Forgets those that nothing needs any more. `longestMs`: nothing is kept for longer. */
  retire(shards: readonly Shard[], nowMs: number, longestMs: number): void {
    if (this.#lostMs !== undefined && this.#lostMs < nowMs - longestMs) {
      this.#lostMs = undefined;
      this.#unsaved = true;
    }
    const needed = this.#list.filter((one) => {
      if (nowMs - one.atMs < ROWS_SETTLE_MS) return true;
      return shards.some((shard) => this.of(shard).includes(one) && isNeeded(one, shard));
    });
    if (needed.length === this.#list.length) return;
    this.#list = needed;
    this.#unsaved = true;
  }
}

function reaches({ startMs, endMs }: Tombstone, shard: Shard, range: TimeRange): boolean {
  const reachMs = shard.tier === 'raw' ? 0 : ROW_REACH_MS;
  return startMs < range.endMs && range.startMs - reachMs <= endMs;
}

function isNeeded(tombstone: Tombstone, shard: Shard): boolean {
  if (shard.sealed === undefined || (shard.tier === 'raw' && shard.durablePosition <= tombstone.offset)) return true;
  if (shard.sealed.some((entry) => concernsSegment(tombstone, shard, entry))) return true;
  for (const window of shard.allWindows()) if (concernsWindow(tombstone, shard, window)) return true;
  return false;
}

/** Whether a segment may have what the tombstone deletes: it was before the delete, and not written anew since. */
export function concernsSegment(tombstone: Tombstone, shard: Shard, entry: SegmentEntry): boolean {
  return (
    tombstone.offset > entry.cleanedThrough &&
    (shard.tier !== 'raw' || entry.sealedThroughOffset <= tombstone.offset) &&
    entry.tenants.some(({ tenant }) => tenant === tombstone.tenant) &&
    reaches(tombstone, shard, entry)
  );
}

/** Whether a window may have what the tombstone deletes. What a head has of raw always came after. */
export function concernsWindow(tombstone: Tombstone, shard: Shard, window: Window): boolean {
  if (!reaches(tombstone, shard, window)) return false;
  if (shard.tier !== 'raw') return true;
  return window.frozen && window.frozenPosition <= tombstone.offset + 1;
}
