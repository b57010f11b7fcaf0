import { isTidemarkError } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { type ShardName, segmentsPrefix, tierOf } from '../filename.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { WINDOW_MS } from '../options.ts';
import { type OpenedFooter, type RangeReader, readFooter } from '../segment/reader.ts';
import { mergeLives } from './compact-plan.ts';
import { MADE_ANEW, type Manifest, type SegmentEntry, sortEntries } from './manifest.ts';

// A manifest of what segments say of themselves, where it is damaged and its copy too.
//
//   objects of the partition ─ footers ─▶ what another was made of goes ─▶ of what was written anew the latest stays ─▶ entries
//
// Objects that wait for the end of their lease are not told from those that were named, nor is what is missing missed: so every segment is
// marked, and answers that it has a part in warn, until retention takes it. Segments of versions before 2 do not say what they were made of:
// they stay, and merged with what was made of them they give the same samples.

interface Found {
  readonly object: string;
  readonly bytes: number;
  readonly footer: OpenedFooter;
}

/** Throws `OBJECT_STORE_*`. Segments that are damaged themselves are left out and counted. */
export async function manifestAnew(
  store: ObjectStore,
  shard: ShardName,
): Promise<{ readonly manifest: Manifest; readonly unreadable: readonly string[] }> {
  const found: Found[] = [];
  const unreadable: string[] = [];
  for await (const { name, size } of store.list(segmentsPrefix(shard))) {
    try {
      found.push({ object: name, bytes: size, footer: await readFooter(rangesOf(store, name, size)) });
    } catch (error) {
      if (!isTidemarkError(error) || error.code.startsWith('OBJECT_STORE_')) throw error;
      unreadable.push(name);
    }
  }
  const kept = latest(found.filter((one) => !found.some((other) => isMadeOf(other, one))));
  const compacted = kept.filter(({ footer }) => footer.level > 0).flatMap(({ footer }) => footer.sources);
  const lives = compacted.map((life) => ({ ...life, level: 0 }));
  const manifest: Manifest = {
    tier: found[0]?.footer.tier ?? tierOf(shard),
    topic: shard.topic,
    partition: shard.partition,
    entries: sortEntries(kept.map(entryOf)),
    merged: mergeLives([], lives),
  };
  return { manifest, unreadable };
}

/** Whether `whole` was compacted from all that `part` is, or is made of. */
function isMadeOf(whole: Found, part: Found): boolean {
  if (whole.footer.level <= part.footer.level) return false;
  const { startMs, sequence, level, sources } = part.footer;
  const lives = level === 0 ? [{ startMs, sequence }] : sources;
  return lives.length > 0 && lives.every((life) => hasLife(whole.footer, life));
}

function hasLife({ sources }: OpenedFooter, life: { readonly startMs: number; readonly sequence: number }): boolean {
  return sources.some(({ startMs, sequence }) => startMs === life.startMs && sequence === life.sequence);
}

/** Of segments that are the same part of the same: the one that most deletes are carried out in. */
function latest(found: readonly Found[]): Found[] {
  const parts = new Map<string, Found>();
  const cleaned = new Map<string, number>();
  const lifeOf = ({ footer }: Found) => `${footer.startMs} ${footer.endMs} ${footer.sequence} ${footer.level}`;
  for (const one of found) {
    cleaned.set(lifeOf(one), Math.max(cleaned.get(lifeOf(one)) ?? -1, one.footer.cleanedThrough));
  }
  for (const one of found) {
    if (one.footer.cleanedThrough === cleaned.get(lifeOf(one))) parts.set(`${lifeOf(one)} ${one.footer.part}`, one);
  }
  return [...parts.values()];
}

function entryOf({ object, bytes, footer }: Found): SegmentEntry {
  const { startMs, endMs, sequence, part, sealedThroughOffset, cleanedThrough } = footer;
  const level = footer.version < 2 && endMs - startMs > WINDOW_MS[footer.tier] ? 1 : footer.level;
  const tenants = footer.tenants.map(({ tenant, series, samples, bytes: own }) => ({
    tenant,
    series,
    samples,
    bytes: own,
    metrics: undefined,
  }));
  const said = { startMs, endMs, sequence, part, object, bytes, sealedThroughOffset, level, cleanedThrough, tenants };
  return { ...said, lost: MADE_ANEW };
}

function rangesOf(store: ObjectStore, name: string, size: number): RangeReader {
  return {
    name,
    size,
    read: async (start, length) => {
      const piece = await store.getRange(name, start, length);
      if (piece.length === length) return piece;
      throw storageError('SEGMENT_CORRUPT', `segment ${name} ends at ${start + piece.length}`, { name });
    },
  };
}
