import type { Logger } from '@tidemark/base';
import type { Retention } from '@tidemark/model';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { StorageOptions } from '../options.ts';
import type { Shard } from '../shard/shard.ts';
import { mergeLives } from './compact-plan.ts';
import type { SegmentEntry } from './manifest.ts';
import { changeSealed } from './manifest-store.ts';
import type { Reaper } from './reaper.ts';

// What is wholly older than its tier is kept goes: segments from the manifest first, their objects when the lease of readers under
// way is over, local windows that were never sealed (damaged, or the object store was away for that long).
//
//   ──────────┬───────────┬───────────┬───────────┬──▶ time
//     gone    │  segment  │  segment  │  ...      │
//             └────▲──────┘
//        now - retention: what is left of this segment is not answered any more (shard.answersFromMs), though it is there
//
// Rules keep some tenants and metrics longer, or less long (model/retention.ts). A segment goes when the longest of its tenants are
// over; what else is past its time in it is not answered, and goes when compaction writes it anew (wear.ts).
//
// Raw that the rollup has not read yet stays, and is answered, however old.

export interface RetentionContext {
  readonly objectStore: ObjectStore;
  readonly options: StorageOptions;
  readonly retention: Retention;
  readonly logger: Logger;
  readonly reaper: Reaper;
  readonly later: (work: Promise<void>) => void;
}

export interface Retained {
  readonly segments: number;
  readonly windows: number;
  /** Segments past their time that stay because their rows do not exist yet. */
  readonly held: number;
}

/**
 * Says from when on a shard answers. To be said of all shards in one turn, before anything of any is removed: then no answer has
 * some series of a time and not the others.
 */
export function limitAnswers(options: StorageOptions, shard: Shard, nowMs: number): void {
  shard.limitedAtMs = nowMs;
  shard.held = (shard.sealed ?? []).filter((entry) => !mayGo(options, shard, entry));
}

/** Throws what the object store throws. Requires: `limitAnswers` with the same time, and no checkpoint or seal of the shard under way. */
export async function retain(context: RetentionContext, shard: Shard, nowMs: number): Promise<Retained> {
  const { options, retention, logger, reaper } = context;
  const past = (shard.sealed ?? []).filter((entry) => entry.endMs <= nowMs - longestOf(retention, shard, entry));
  const expired = new Set(past.filter((entry) => mayGo(options, shard, entry)).map(({ object }) => object));
  const held = past.length - expired.size;
  if (held > 0) {
    logger.warn('raw segments are past their time but not rolled up yet; they stay', { ...shard.name, segments: held });
  }
  const windows = await dropWindows(context, shard, nowMs - retention.longestMs(shard.tier));
  if (expired.size === 0) return { segments: 0, windows, held };
  const gone: SegmentEntry[] = [];
  await changeSealed(context.objectStore, shard, (current) => {
    gone.splice(0);
    gone.push(...current.entries.filter(({ object }) => expired.has(object)));
    if (gone.length === 0) return undefined;
    const entries = current.entries.filter(({ object }) => !expired.has(object));
    // Nothing of these windows can come back: what is this old is refused. Of younger ones their lives are still known.
    const merged = mergeLives(current.merged, livesOf(gone));
    return {
      ...current,
      entries,
      merged: merged.filter(({ startMs }) => startMs + shard.windowMs > shard.answersFromMs),
    };
  });
  for (const entry of gone) reaper.doom(entry.object, entry.bytes, 'retention');
  logger.info('retention removed segments', { ...shard.name, tier: shard.tier, segments: expired.size });
  return { segments: expired.size, windows, held };
}

/** What is kept longest of those that a segment has something of. */
export function longestOf(retention: Retention, shard: Shard, { tenants }: SegmentEntry): number {
  if (tenants.length === 0) return retention.longestMs(shard.tier);
  return Math.max(...tenants.map(({ tenant }) => retention.ofTenant(tenant, shard.tier).mostMs));
}

/** Parts of one life are one life. */
function livesOf(entries: readonly SegmentEntry[]): SegmentEntry[] {
  const lives = new Map(entries.map((entry) => [`${entry.startMs} ${entry.sequence} ${entry.level}`, entry]));
  return [...lives.values()];
}

/** Whether every row there will be of a segment's samples is safe. */
export function mayGo({ rolledUpThrough }: StorageOptions, shard: Shard, entry: SegmentEntry): boolean {
  return shard.tier !== 'raw' || entry.sealedThroughOffset < rolledUpThrough(shard.name);
}

async function dropWindows(context: RetentionContext, shard: Shard, endMs: number): Promise<number> {
  let dropped = 0;
  for (const window of [...shard.allWindows()]) {
    // What is frozen but not durably so is part of a checkpoint that must be written again.
    if (window.endMs > endMs || window.pendingBytes > 0) continue;
    const through = window.frozen ? window.frozenPosition : shard.position;
    if (shard.tier === 'raw' && through > context.options.rolledUpThrough(shard.name)) continue;
    context.logger.warn('a window that was never sealed is past its time and goes', { window: window.path });
    shard.removeWindow(window);
    if (window.beingRead) context.later(window.destroy());
    else await window.destroy();
    dropped++;
  }
  return dropped;
}
