import { isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Quarantine } from '../quarantine.ts';
import type { Manifest } from './manifest.ts';
import { manifestAnew } from './manifest-anew.ts';
import { listManifests, settleManifest } from './manifest-store.ts';

export interface LearnContext {
  readonly objectStore: ObjectStore;
  readonly logger: Logger;
  readonly quarantine: Quarantine;
}

/** What is sealed, of every topic partition; what is damaged of manifests and copies is told, and mended. Throws `OBJECT_STORE_*`. */
export async function learnManifests({ objectStore, logger, quarantine }: LearnContext): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const shard of await listManifests(objectStore)) {
    const anew = async () => {
      const { manifest, unreadable } = await manifestAnew(objectStore, shard);
      logger.error(
        'a manifest and its copy are damaged: it was made anew of segments; answers that these have a part in warn',
        {
          ...shard,
          segments: manifest.entries.length,
          unreadable: unreadable.length,
        },
      );
      for (const name of unreadable) quarantine('segment', name, undefined);
      return manifest;
    };
    const { manifest, damaged, unsettled } = await settleManifest(objectStore, shard, anew);
    manifests.push(manifest);
    for (const name of damaged) quarantine('manifest', name, undefined, DAMAGED, { name });
    if (unsettled === undefined) continue;
    // Known all the same; the next change writes both.
    logger.warn('a manifest and its copy could not be made the same', { ...shard, error: messageOf(unsettled) });
    if (!isTidemarkError(unsettled)) throw unsettled;
  }
  return manifests;
}

const DAMAGED = 'a manifest, or its copy, is damaged or gone: it is written anew';
