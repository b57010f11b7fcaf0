import { assert, type Logger } from '@tidemark/base';
import { segmentName } from '../filename.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Window } from '../partition/window.ts';
import { BlockCache, LoadedBlocks } from '../read/block-cache.ts';
import type { GatheredSeries } from '../read/chunk-ref.ts';
import { SeriesDecoder } from '../read/decode.ts';
import { SegmentWriter } from '../segment/writer.ts';
import type { ObjectClaims } from '../tiering/claims.ts';
import { type SegmentEntry, sealedLives, sortEntries } from '../tiering/manifest.ts';
import { changeSealed, readManifestObject } from '../tiering/manifest-store.ts';
import { canonicalOrder } from './canonical-order.ts';
import { type CheckpointContext, checkpointShard } from './checkpointing.ts';
import type { Shard } from './shard.ts';

// A window that is over becomes a segment:
//
//   checkpoint that freezes it      its LevelDB has all of it, durable; later comers get a life of their own
//   manifest read                   is the object store there? encoding takes seconds, and would be tried again every half minute
//   re-encode, put if absent        named by its digest: the same frozen window gives the same object, however often
//   manifest, compare-and-swap      now the segment is the truth, up to the position of the freezing checkpoint
//   window out of memory, removed   reads that began before keep it until they end
//
// A crash between any two is harmless: before the swap the window is still there and is sealed again; after it the manifest
// says that the window may go. `sealedThroughOffset` is exact because a frozen window takes nothing more.

const SERIES_AT_ONCE = 256;

export interface SealContext extends CheckpointContext {
  readonly objectStore: ObjectStore;
  readonly claims: ObjectClaims;
  readonly blocks: BlockCache;
  readonly logger: Logger;
}

export interface SealedWindow {
  readonly shard: Shard;
  readonly startMs: number;
  readonly sequence: number;
  readonly objects: readonly string[];
  readonly series: number;
  readonly samples: number;
  readonly bytes: number;
}

export interface SealRequest {
  readonly nowMs: number;
  /** Supplements don't wait for company. */
  readonly supplementsToo: boolean;
}

/** Seals what is over. Throws what the object store throws; what was not sealed stays, and is tried again next time. */
export async function sealShard(context: SealContext, shard: Shard, request: SealRequest): Promise<SealedWindow[]> {
  if (shard.sealed === undefined) return [];
  const { sealGraceMs, supplementAfterMs } = context.options;
  const throughMs = Math.floor((request.nowMs - sealGraceMs) / shard.windowMs) * shard.windowMs;
  const due = (window: Window) =>
    !takesAgain(shard, window) &&
    (window.sequence === 0 || request.supplementsToo || request.nowMs - window.openedAtMs >= supplementAfterMs);
  // Also what a checkpoint that failed had frozen: it is not durable yet.
  const wanting = [...shard.allWindows()].some(
    (window) => !window.frozenDurably && window.endMs <= throughMs && (window.frozen || due(window)),
  );
  if (wanting || (throughMs > shard.head.frozenThroughMs && shard.registry.count > 0)) {
    await checkpointShard(context, shard, throughMs, due);
  }
  await context.options.at('seal:frozen');
  const frozen = [...shard.allWindows()].filter(
    (window) =>
      window.frozenDurably && window.endMs <= throughMs && window.generation > 0 && !beingRefilled(shard, window),
  );
  frozen.sort((a, b) => a.startMs - b.startMs || a.sequence - b.sequence);
  if (frozen.length > 0) await readManifestObject(context.objectStore, shard.name);
  const done: SealedWindow[] = [];
  for (const window of frozen) {
    const sealed = await sealWindow(context, shard, window);
    if (sealed !== undefined) done.push(sealed);
  }
  return done;
}

/**
 * It takes what comes again from below the position: frozen at the position it would seem to be from behind deletes that are yet to
 * come, and to have all that came before it.
 */
function takesAgain(shard: Shard, { startMs }: Window): boolean {
  return shard.refill?.windows.has(startMs) === true;
}

/**
 * It may lack nothing soon: what is sealed with a gap keeps it. Nor may a whole life be sealed beside it: what comes again is skipped from
 * then on as far as that has it, and what came again before would outrank it.
 */
function beingRefilled(shard: Shard, window: Window): boolean {
  return window.refilled || shard.refill?.before.has(window) === true;
}

async function sealWindow(context: SealContext, shard: Shard, window: Window): Promise<SealedWindow | undefined> {
  if (window.wrecked || window.table.count === 0) return unsealable(context, window);
  assert(window.pendingBytes === 0, 'a durably frozen window waits for nothing');
  using claimed = context.claims.begin();
  const entries = await putSegments(context, shard, window, (name) => claimed.take(name));
  // Nothing of it can be read, and no segment could say so.
  if (entries.length === 0 && window.damage.length > 0) return unsealable(context, window);
  await context.options.at('seal:put');
  const manifest = await changeSealed(context.objectStore, shard, (current) => {
    if (
      sealedLives(current)
        .get(window.startMs)
        ?.some(({ sequence }) => sequence === window.sequence)
    )
      return undefined;
    return { ...current, entries: sortEntries([...current.entries, ...entries]) };
  });
  await context.options.at('seal:manifest');
  if (!entries.every(({ object }) => manifest.entries.some((entry) => entry.object === object))) {
    context.logger.error('a window was sealed by another process with other content; the local copy stays', {
      window: window.path,
    });
    return undefined;
  }
  shard.removeWindow(window);
  context.blocks.forget(window);
  // A slow reader must not keep checkpoints waiting: the manifest says already that the window may go.
  if (window.beingRead) context.later(window.destroy());
  else await window.destroy();
  await context.options.at('seal:removed');
  return {
    shard,
    startMs: window.startMs,
    sequence: window.sequence,
    objects: entries.map(({ object }) => object),
    series: entries.reduce((sum, entry) => sum + entry.tenants.reduce((s, t) => s + t.series, 0), 0),
    samples: entries.reduce((sum, entry) => sum + entry.tenants.reduce((s, t) => s + t.samples, 0), 0),
    bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
  };
}

/** It stays as it is, and its warnings with it, until somebody looks. */
function unsealable({ logger }: SealContext, window: Window): undefined {
  if (!window.saidUnsealable) {
    logger.error('a window cannot be sealed: its database cannot be read', { window: window.path });
  }
  window.saidUnsealable = true;
}

async function putSegments(
  context: SealContext,
  shard: Shard,
  window: Window,
  claim: (name: string) => Promise<void>,
): Promise<SegmentEntry[]> {
  const entries: SegmentEntry[] = [];
  const decoder = new SeriesDecoder(shard.head.options.columnCount);
  const range = { startMs: window.startMs, endMs: window.endMs };
  // Blocks lie as samples came, a segment by metrics: each is wanted again and again until all of it is written, and never after.
  const passing = new BlockCache(context.options.blockCacheBytes);
  let writer: SegmentWriter | undefined;
  let lostBefore = 0;
  const put = async (full: SegmentWriter) => {
    const lost = decoder.lost + window.damage.length;
    const { bytes, digest, tenants } = full.finish(lost - lostBefore);
    lostBefore = lost;
    const { startMs, endMs, sequence } = window;
    const object = segmentName(shard.name, { tier: shard.tier, startMs, sequence }, entries.length, digest);
    await claim(object);
    await context.objectStore.putIfAbsent(object, bytes);
    entries.push({
      startMs,
      endMs,
      sequence,
      part: entries.length,
      object,
      bytes: bytes.length,
      sealedThroughOffset: window.frozenPosition - 1,
      lost: 0,
      level: 0,
      cleanedThrough: -1,
      tenants,
    });
  };
  const refs = canonicalOrder(shard.registry, window.table.seriesRefs());
  for (let at = 0; at < refs.length; at += SERIES_AT_ONCE) {
    const some = refs.subarray(at, at + SERIES_AT_ONCE);
    const series = Array.from(some, (ref) => gatherSeries(shard, window, ref));
    const blocks = await LoadedBlocks.load(passing, series);
    for (const [i, ref] of some.entries()) {
      const { columns, from, to } = decoder.entries(series[i] as GatheredSeries, blocks, range);
      if (from === to) continue;
      const tenant = shard.registry.tenantOf(ref).name;
      const labels = shard.registry.labelBytes(ref);
      if (writer?.endsBefore(tenant, labels, context.options.segmentBytesMax) === true) {
        await put(writer);
        writer = undefined;
      }
      writer ??= makeWriter(shard, window, entries.length);
      writer.add(tenant, labels, columns, from, to);
      if (writer.bytes < context.options.segmentBytesMax) continue;
      await put(writer);
      writer = undefined;
    }
  }
  if (writer !== undefined) await put(writer);
  shard.counts.mergedAway += decoder.replaced;
  return entries.map((entry, i) => (i === 0 ? { ...entry, lost: decoder.lost + window.damage.length } : entry));
}

function makeWriter(shard: Shard, window: Window, part: number): SegmentWriter {
  return new SegmentWriter({
    tier: shard.tier,
    ...shard.name,
    startMs: window.startMs,
    endMs: window.endMs,
    sequence: window.sequence,
    part,
    sealedThroughOffset: window.frozenPosition - 1,
    columnCount: shard.head.options.columnCount,
    level: 0,
    cleanedThrough: -1,
    sources: [],
  });
}

function gatherSeries(shard: Shard, window: Window, ref: number): GatheredSeries {
  const { table } = window;
  const series: GatheredSeries = { owner: shard.registry, ref, chunks: [], runs: [] };
  for (let at = table.last(ref); at >= 0; at = table.previous(at)) {
    series.chunks.push({
      source: window,
      bytes: undefined,
      block: table.block(at),
      offset: table.offset(at),
      length: table.length(at),
      minMs: table.minMs(at),
      maxMs: table.maxMs(at),
      samples: table.samples(at),
      rank: table.rank(at),
    });
  }
  return series;
}
