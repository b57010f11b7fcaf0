import { isTidemarkError } from '@tidemark/base';
import { MANIFEST_PREFIX, manifestName, parseManifestName, type ShardName } from '../filename.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Shard } from '../shard/shard.ts';
import { decodeSegmentManifest, encodeSegmentManifest, type Manifest } from './manifest.ts';

// Reads and changes a manifest. A change whose reply was lost is found again by reading: `change` sees the newest manifest
// every time and returns undefined when what it wants is already there.

// Meeting another writer five times in a row means something is wrong; the next seal tries again anyway.
const ATTEMPTS_MAX = 5;

/** Undefined when nothing was ever sealed. Throws `OBJECT_STORE_UNAVAILABLE`, `MANIFEST_CORRUPT`. */
export async function readManifestObject(
  store: ObjectStore,
  shard: ShardName,
): Promise<{ readonly manifest: Manifest; readonly etag: string } | undefined> {
  try {
    const { bytes, etag } = await store.get(manifestName(shard));
    return { manifest: decodeSegmentManifest(bytes), etag };
  } catch (error) {
    if (isTidemarkError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Throws `OBJECT_STORE_UNAVAILABLE`, `MANIFEST_CORRUPT`. */
export async function readAllManifests(store: ObjectStore): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for await (const { name } of store.list(MANIFEST_PREFIX)) {
    const shard = parseManifestName(name);
    const found = shard && (await readManifestObject(store, shard));
    if (found) manifests.push(found.manifest);
  }
  return manifests;
}

/** Applies `change` to the newest manifest; returns what stands after. Throws `OBJECT_CHANGED` when others always win. */
export async function changeManifest(
  store: ObjectStore,
  shard: ShardName,
  empty: Manifest,
  change: (manifest: Manifest) => Manifest | undefined,
): Promise<Manifest> {
  for (let attempt = 1; ; attempt++) {
    const current = await readManifestObject(store, shard);
    const changed = change(current?.manifest ?? empty);
    if (changed === undefined) return current?.manifest ?? empty;
    try {
      const bytes = encodeSegmentManifest(changed);
      if (current !== undefined) await store.putIfMatches(manifestName(shard), bytes, current.etag);
      else if (!(await store.putIfAbsent(manifestName(shard), bytes))) continue;
      return changed;
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX || !isTidemarkError(error, 'OBJECT_CHANGED')) throw error;
    }
  }
}

/**
 * The same for a shard, which then knows what stands. One change of a shard's manifest at a time: whoever ends last must have
 * read last. Throws what `changeManifest` throws.
 */
export function changeSealed(
  store: ObjectStore,
  shard: Shard,
  change: (manifest: Manifest) => Manifest | undefined,
): Promise<Manifest> {
  return shard.manifestWork.run(async () => {
    const empty: Manifest = { tier: shard.tier, ...shard.name, entries: [], merged: [] };
    const manifest = await changeManifest(store, shard.name, empty, change);
    shard.setSealed(manifest);
    return manifest;
  });
}
