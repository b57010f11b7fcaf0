import { createHash } from 'node:crypto';
import { MANIFEST_PREFIX, parseManifestName, segmentDigest } from '../filename.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { decodeSegmentManifest } from './manifest.ts';
import type { Reaper } from './reaper.ts';

export interface HeldSegment {
  readonly name: string;
  readonly size: number;
}

/** What is sealed at one moment, for whoever copies it: manifests as they were, and the segments that they name, which stay till then. */
export interface HeldObjects extends Disposable {
  readonly manifests: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly segments: readonly HeldSegment[];
  /**
   * Hands out the bytes of a segment, piece by piece. False: they are not those that its name says, damaged there or on their way. Throws
   * `OBJECT_NOT_FOUND`, `OBJECT_STORE_*`.
   */
  read(segment: HeldSegment, take: (piece: Uint8Array) => Promise<void>): Promise<boolean>;
}

// 8 MiB: a fraction of a second on most lines, and what an upload has in memory.
const PIECE_BYTES = 8 * 1024 * 1024;

/** Requires: nothing is sealed, compacted or removed meanwhile. Throws `OBJECT_STORE_*`, `MANIFEST_CORRUPT`. */
export async function holdObjects(store: ObjectStore, reaper: Reaper): Promise<HeldObjects> {
  const manifests: { name: string; bytes: Uint8Array }[] = [];
  const segments: HeldSegment[] = [];
  for await (const { name } of store.list(MANIFEST_PREFIX)) {
    if (parseManifestName(name) === undefined) continue;
    const { bytes } = await store.get(name);
    manifests.push({ name, bytes });
    for (const entry of decodeSegmentManifest(bytes).entries) segments.push({ name: entry.object, size: entry.bytes });
  }
  const held = reaper.hold(new Set(segments.map(({ name }) => name)));
  return {
    manifests,
    segments,
    read: (segment, take) => readSegment(store, segment, take),
    [Symbol.dispose]: () => held[Symbol.dispose](),
  };
}

async function readSegment(
  store: ObjectStore,
  { name, size }: HeldSegment,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<boolean> {
  const hash = createHash('sha256');
  for (let at = 0; at < size; at += PIECE_BYTES) {
    const piece = await store.getRange(name, at, Math.min(PIECE_BYTES, size - at));
    hash.update(piece);
    await take(piece);
  }
  return hash.digest('hex').slice(0, 16) === segmentDigest(name);
}
