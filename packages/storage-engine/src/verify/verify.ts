import type { Disk } from '@tidemark/base';
import { verifyJournal } from '../journal/verify.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { DEFAULT_OPTIONS } from '../options.ts';
import type { LevelStores } from '../partition/level-store.ts';
import { nativeLevelStores } from '../partition/native-level-store.ts';
import type { Manifest } from '../tiering/manifest.ts';
import { verifyObjects } from './objects.ts';
import { verifyOthers } from './others.ts';
import { verifyShards } from './shards.ts';

// Looks at every byte of a store that nobody has open, and says of each file what it is worth:
//
//   ok        every checksum fits, and it says what the files that name it say
//   damaged   it is there and cannot be believed, or contradicts who names it
//   missing   it is named and not there
//   orphan    nobody names it: it costs space until the engine's next start or search removes it
//
// Order: objects (their manifests say what is sealed), shards (checkpoint, series file, windows), the journal, the rest. Of databases
// a twin is opened (links, in quarantine/, gone afterwards); nothing else is written.

export type Verdict = 'ok' | 'damaged' | 'missing' | 'orphan';

export interface Verified {
  /** Of the store's folder, or the name of an object. */
  readonly file: string;
  readonly verdict: Verdict;
  /** What is wrong, or what is there. */
  readonly detail: string;
}

export interface VerifyStore {
  readonly disk: Disk;
  /** Native folder of the windows: usually `disk.nativePath('')`. Or `levelStores`. */
  readonly folder?: string;
  readonly levelStores?: LevelStores;
  readonly objectStore: ObjectStore;
  /** Where the log ends, if that is known: nothing may have been read beyond. By `<topic>/<partition>`. */
  readonly logEnds?: ReadonlyMap<string, number>;
  /** What is older may have gone by retention without every file saying so yet. */
  readonly nowMs: number;
  readonly retentionMs?: typeof DEFAULT_OPTIONS.retentionMs;
}

/** Throws `DISK_*`, `OBJECT_STORE_UNAVAILABLE`: whether anything is damaged is unknown then. */
export async function* verifyStore(request: VerifyStore): AsyncGenerator<Verified> {
  const { disk, objectStore, nowMs } = request;
  const levels = request.levelStores ?? nativeLevelStores(request.folder ?? disk.nativePath?.('') ?? '');
  const retentionMs = request.retentionMs ?? DEFAULT_OPTIONS.retentionMs;
  const manifests = new Map<string, Manifest>();
  yield* verifyObjects(objectStore, manifests);
  const seen = new Set<string>();
  yield* verifyShards({
    disk,
    levels,
    logEnds: request.logEnds,
    manifests,
    seen,
    oldestMs: (tier) => nowMs - retentionMs[tier],
  });
  yield* verifyJournal(disk, seen);
  const objects = [...manifests.values()].flatMap(({ entries }) => entries.map(({ object }) => object));
  yield* verifyOthers(disk, seen, objects);
}
