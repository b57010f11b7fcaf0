import type { Logger } from '@tidemark/base';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { StorageOptions } from '../options.ts';
import { emptyManifest } from '../shard/sealing.ts';
import type { Shard } from '../shard/shard.ts';
import { changeManifest } from './manifest-store.ts';

/**
 * Removes segments that are wholly older than their tier is kept: from the manifest first, then the objects. An object that
 * stays because of a crash in between is nobody's; it costs space and nothing else. Returns how many segments went.
 */
export async function retain(
  context: { readonly objectStore: ObjectStore; readonly options: StorageOptions; readonly logger: Logger },
  shard: Shard,
  nowMs: number,
): Promise<number> {
  const oldestMs = nowMs - context.options.retentionMs[shard.tier];
  const expired = (shard.sealed ?? []).filter((entry) => entry.endMs <= oldestMs);
  if (expired.length === 0) return 0;
  const manifest = await changeManifest(context.objectStore, shard.name, emptyManifest(shard), (current) => {
    const entries = current.entries.filter((entry) => entry.endMs > oldestMs);
    return entries.length === current.entries.length ? undefined : { ...current, entries };
  });
  shard.setSealed(manifest.entries);
  for (const { object } of expired) await context.objectStore.delete(object);
  context.logger.info('retention removed segments', { ...shard.name, tier: shard.tier, segments: expired.length });
  return expired.length;
}
