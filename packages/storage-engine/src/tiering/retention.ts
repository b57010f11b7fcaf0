import type { Logger } from '@tidemark/base';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { StorageOptions } from '../options.ts';
import type { Shard } from '../shard/shard.ts';
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
// Raw that the rollup has not read yet stays, and is answered, however old.

export interface RetentionContext {
  readonly objectStore: ObjectStore;
  readonly options: StorageOptions;
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
  const endMs = nowMs - options.retentionMs[shard.tier];
  const held = pastOf(shard, endMs).filter((entry) => !mayGo(options, shard, entry));
  shard.answersFromMs = Math.min(endMs, ...held.map((entry) => entry.startMs));
}

/** Throws what the object store throws. Requires: `limitAnswers` with the same time, and no checkpoint or seal of the shard under way. */
export async function retain(context: RetentionContext, shard: Shard, nowMs: number): Promise<Retained> {
  const endMs = nowMs - context.options.retentionMs[shard.tier];
  const past = pastOf(shard, endMs);
  const expired = new Set(past.filter((entry) => mayGo(context.options, shard, entry)).map(({ object }) => object));
  const held = past.filter(({ object }) => !expired.has(object));
  if (held.length > 0) {
    context.logger.warn('raw segments are past their time but not rolled up yet; they stay', {
      ...shard.name,
      segments: held.length,
    });
  }
  const windows = await dropWindows(context, shard, endMs);
  if (expired.size === 0) return { segments: 0, windows, held: held.length };
  const gone: SegmentEntry[] = [];
  await changeSealed(context.objectStore, shard, (current) => {
    gone.splice(0);
    gone.push(...current.entries.filter(({ object }) => expired.has(object)));
    if (gone.length === 0) return undefined;
    const entries = current.entries.filter(({ object }) => !expired.has(object));
    // Nothing of these windows can come back: what is this old is refused.
    const merged = current.merged.filter(({ startMs }) => startMs + shard.windowMs > shard.answersFromMs);
    return { ...current, entries, merged };
  });
  for (const entry of gone) context.reaper.doom(entry.object, entry.bytes, 'retention');
  context.logger.info('retention removed segments', { ...shard.name, tier: shard.tier, segments: expired.size });
  return { segments: expired.size, windows, held: held.length };
}

function pastOf(shard: Shard, endMs: number): SegmentEntry[] {
  return (shard.sealed ?? []).filter((entry) => entry.endMs <= endMs);
}

function mayGo({ rolledUpThrough }: StorageOptions, shard: Shard, entry: SegmentEntry): boolean {
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
