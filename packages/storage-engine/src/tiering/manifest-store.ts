import { bytesEqual, isTidemarkError, type TidemarkError } from '@tidemark/base';
import { storageError } from '../errors.ts';
import {
  MANIFEST_PREFIX,
  manifestCopyName,
  manifestName,
  parseManifestCopyName,
  parseManifestName,
  type ShardName,
} from '../filename.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Shard } from '../shard/shard.ts';
import { decodeSegmentManifest, encodeSegmentManifest, type Manifest } from './manifest.ts';

// Reads and changes a manifest, of which there is a copy. A change whose reply was lost is found again by reading: `change` sees the
// newest manifest every time and returns undefined when what it wants is already there.
//
//   change   copy := what is to stand ──▶ manifest := the same             each by compare-and-swap
//   read     the manifest; where it is damaged or gone, the copy
//
// So the copy says what the manifest says, or what it was about to say: segments are put before anything names them, and none is removed
// that either of the two names. A start makes both the same. Where neither is whole, a manifest is made of segments (manifest-anew.ts).
// One of a later version is no damage: nothing here reads or changes anything of its shard then (`STORAGE_NEWER`).

// Meeting another writer five times in a row means something is wrong; the next seal tries again anyway.
const ATTEMPTS_MAX = 5;

export interface StoredManifest {
  readonly manifest: Manifest;
  /** Of the manifest itself, damaged or not; undefined: it is gone. */
  readonly etag: string | undefined;
  /** The manifest is damaged or gone: this is what its copy says. */
  readonly isOfCopy: boolean;
}

/** Undefined when nothing was ever sealed. Throws `OBJECT_STORE_UNAVAILABLE`, and `MANIFEST_CORRUPT` where the copy is not whole either. */
export async function readManifestObject(store: ObjectStore, shard: ShardName): Promise<StoredManifest | undefined> {
  const own = await readOne(store, manifestName(shard), shard);
  if (own.manifest !== undefined) return { manifest: own.manifest, etag: own.etag, isOfCopy: false };
  const copy = await readOne(store, manifestCopyName(shard), shard);
  if (copy.manifest !== undefined) return { manifest: copy.manifest, etag: own.etag, isOfCopy: true };
  const damage = own.damage ?? copy.damage;
  if (damage !== undefined) throw damage;
  return undefined;
}

/** Topic partitions that have a manifest, or a copy of one. Throws `OBJECT_STORE_UNAVAILABLE`. */
export async function listManifests(store: ObjectStore): Promise<ShardName[]> {
  const shards = new Map<string, ShardName>();
  for await (const { name } of store.list(MANIFEST_PREFIX)) {
    const shard = parseManifestName(name) ?? parseManifestCopyName(name);
    if (shard !== undefined) shards.set(manifestName(shard), shard);
  }
  return [...shards.values()];
}

/** Every object that a manifest or its copy names. Throws `OBJECT_STORE_UNAVAILABLE`, `MANIFEST_CORRUPT`: then anything may be named. */
export async function namedObjects(store: ObjectStore): Promise<Set<string>> {
  const named = new Set<string>();
  for (const shard of await listManifests(store)) {
    const own = await readOne(store, manifestName(shard), shard);
    const copy = await readOne(store, manifestCopyName(shard), shard);
    const damage = own.damage ?? copy.damage;
    if (own.manifest === undefined && copy.manifest === undefined && damage !== undefined) throw damage;
    for (const { manifest } of [own, copy]) for (const { object } of manifest?.entries ?? []) named.add(object);
  }
  return named;
}

export interface Settled {
  readonly manifest: Manifest;
  /** Names of what was damaged, or gone where it should be. */
  readonly damaged: readonly string[];
  /** Why they are not the same yet. */
  readonly unsettled: unknown;
}

/**
 * Reads a manifest and its copy and makes both the same. `anew` makes one where neither is whole. Throws `OBJECT_STORE_*`, what `anew`
 * throws, and why that could not be written: what is known of it nobody could change.
 */
export async function settleManifest(
  store: ObjectStore,
  shard: ShardName,
  anew: () => Promise<Manifest>,
): Promise<Settled> {
  const [name, copyName] = [manifestName(shard), manifestCopyName(shard)];
  const [own, copy] = [await readOne(store, name, shard), await readOne(store, copyName, shard)];
  const known = own.manifest ?? copy.manifest;
  const manifest = known ?? (await anew());
  const bytes = own.bytes ?? copy.bytes ?? encodeSegmentManifest(manifest);
  const damaged = [...(own.bytes === undefined ? [name] : []), ...(copy.damage === undefined ? [] : [copyName])];
  try {
    if (!isSame(copy.bytes, bytes)) await putOver(store, copyName, bytes, copy.etag);
    if (!isSame(own.bytes, bytes)) await putOver(store, name, bytes, own.etag);
  } catch (error) {
    if (known === undefined) throw error;
    return { manifest, damaged, unsettled: error };
  }
  return { manifest, damaged, unsettled: undefined };
}

/** Applies `change` to the newest manifest; returns what stands after. Throws `OBJECT_CHANGED` when others always win. */
export async function changeManifest(
  store: ObjectStore,
  shard: ShardName,
  empty: Manifest,
  change: (manifest: Manifest) => Manifest | undefined,
): Promise<Manifest> {
  const [name, copyName] = [manifestName(shard), manifestCopyName(shard)];
  for (let attempt = 1; ; attempt++) {
    // Before the manifest is read: a copy of what somebody else makes of it meanwhile is not written over.
    const copy = await store.head(copyName);
    const current = await readManifestObject(store, shard);
    const changed = change(current?.manifest ?? empty);
    if (changed === undefined) return current?.manifest ?? empty;
    try {
      const bytes = encodeSegmentManifest(changed);
      await putOver(store, copyName, bytes, copy?.etag);
      await putOver(store, name, bytes, current?.etag);
      return changed;
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX || !isTidemarkError(error, 'OBJECT_CHANGED')) throw error;
    }
  }
}

/**
 * The same for a shard, which then knows what stands. One change of a shard's manifest at a time: whoever ends last must have
 * read last. Throws what `changeManifest` throws; then the shard does not know whether it was changed.
 */
export function changeSealed(
  store: ObjectStore,
  shard: Shard,
  change: (manifest: Manifest) => Manifest | undefined,
): Promise<Manifest> {
  return shard.manifestWork.run(async () => {
    const empty: Manifest = { tier: shard.tier, ...shard.name, entries: [], merged: [] };
    shard.sealedInDoubt = true;
    const manifest = await changeManifest(store, shard.name, empty, change);
    shard.setSealed(manifest);
    shard.sealedInDoubt = false;
    return manifest;
  });
}

/** After a change whose outcome is not known: the shard learns what stands. Throws what `changeManifest` throws. */
export async function settleSealed(store: ObjectStore, shard: Shard): Promise<void> {
  if (shard.sealedInDoubt) await changeSealed(store, shard, () => undefined);
}

interface One {
  readonly etag?: string | undefined;
  /** Of a whole one. */
  readonly bytes?: Uint8Array;
  readonly manifest?: Manifest;
  readonly damage?: TidemarkError;
}

const DAMAGE = new Set(['MANIFEST_CORRUPT', 'BYTES_MALFORMED', 'OBJECT_CORRUPT']);

async function readOne(store: ObjectStore, name: string, shard: ShardName): Promise<One> {
  let etag: string | undefined;
  try {
    const object = await store.get(name);
    etag = object.etag;
    const manifest = decodeSegmentManifest(object.bytes);
    if (manifest.topic !== shard.topic || manifest.partition !== shard.partition) {
      throw storageError('MANIFEST_CORRUPT', `${name} is the manifest of ${manifest.topic}/${manifest.partition}`);
    }
    return { etag, bytes: object.bytes, manifest };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    if (error.code === 'OBJECT_NOT_FOUND') return {};
    if (error.code === 'STORAGE_NEWER')
      throw storageError(error.code, `${name}: ${error.message}`, error.details, error);
    if (!DAMAGE.has(error.code)) throw error;
    return { etag: etag ?? (await store.head(name))?.etag, damage: error };
  }
}

/** Throws `OBJECT_CHANGED`. */
async function putOver(store: ObjectStore, name: string, bytes: Uint8Array, etag: string | undefined): Promise<void> {
  if (etag !== undefined) await store.putIfMatches(name, bytes, etag);
  else if (!(await store.putIfAbsent(name, bytes))) {
    throw storageError('OBJECT_CHANGED', `the object ${name} is no longer absent`, { name });
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && bytesEqual(a, 0, a.length, b, 0, b.length);
}
