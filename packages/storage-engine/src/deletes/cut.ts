import type { Shard } from '../shard/shard.ts';
import type { Tombstone } from './tombstone.ts';

/**
 * Ends what a raw shard has of a delete's time in memory and windows, so that it lies apart from all that comes after: head and
 * what is out of order become chunks, and windows go on in a next life. All in one turn, between the records before and after the
 * delete; a replay does the same at the same place.
 *
 * All series, not only those that are meant: a window that is frozen has everything that came before, or a replay that finds it
 * sealed would skip what it has not. So a delete costs a chunk for each series of its time that is in memory.
 *
 * `of`: only windows that begin there are cut: the others were, when the delete came for the first time.
 */
export function cutShard(
  shard: Shard,
  { startMs, endMs, offset }: Tombstone,
  of?: { has(startMs: number): boolean },
): void {
  const { head, registry, windowMs } = shard;
  head.reserve(registry.count);
  for (let ref = 0; ref < registry.count; ref++) {
    if (!head.holds(ref)) continue;
    const headStartMs = head.windowStartMs(ref);
    if (headStartMs + windowMs > startMs && headStartMs <= endMs) head.finish(ref);
  }
  // What is drained now ranks above what the last checkpoint drained, and below what the next one will.
  shard.attempted++;
  shard.counts.mergedAway += head.drainOutOfOrder();
  for (const window of shard.allWindows()) {
    if (of?.has(window.startMs) === false) continue;
    if (window.frozen || window.empty || window.startMs > endMs || window.endMs <= startMs) continue;
    window.frozenPosition = offset + 1;
  }
}
