import { type Disk, isTidemarkError } from '@tidemark/base';
import { isCriticalTopic, type TimeRange } from '@tidemark/model';
import { storageError } from '../errors.ts';
import { TOMBSTONES_FILE } from '../filename.ts';
import type { Window } from '../partition/window.ts';
import type { Shard } from '../shard/shard.ts';
import type { SegmentEntry } from '../tiering/manifest.ts';
import { decodeTombstones, encodeTombstones, type Tombstone } from './tombstone.ts';

// The deletes that are still to be honoured when something is read or compacted.
//
//   record of the raw log ─ cut.ts ─▶ every life of a window lies wholly before the delete, or wholly after it
//        │                            before: its frozen position is at or below the delete's offset + 1
//        └▶ tombstone ─ reads leave out what lives before it have ─ compaction writes them anew without ─▶ forgotten
//
// Rows say themselves how far they have read, so row tiers need no cut. The file is written before the checkpoints that pass the
// record, so a replay knows every delete that it will not meet again.

// A row's points are at most this much before its time.
const ROW_REACH_MS = 3_600_000;
// Rows of what was read before a delete may still be on their way: an hour is folded when it is over.
const ROWS_SETTLE_MS = 3 * 3_600_000;

export class Tombstones {
  #list: Tombstone[] = [];
  #unsaved = false;

  get count(): number {
    return this.#list.length;
  }

  /** Throws `TOMBSTONES_CORRUPT`: without the file, what was deleted would be back. */
  async load(disk: Disk): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = await disk.read(TOMBSTONES_FILE);
    } catch (error) {
      if (isTidemarkError(error, 'DISK_NOT_FOUND')) return;
      throw error;
    }
    try {
      this.#list = decodeTombstones(bytes);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      throw storageError(
        'TOMBSTONES_CORRUPT',
        `${TOMBSTONES_FILE} in the store's folder is damaged (${error.message}); restore it from a backup, or move it away: then what was deleted and not reclaimed yet is back, and must be deleted again`,
        {},
        error,
      );
    }
  }

  /** Throws `DISK_*`. */
  async save(disk: Disk): Promise<void> {
    if (!this.#unsaved) return;
    this.#unsaved = false;
    try {
      await disk.writeAtomic(TOMBSTONES_FILE, encodeTombstones(this.#list));
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

  /** Forgets those that nothing needs any more. */
  retire(shards: readonly Shard[], nowMs: number): void {
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
