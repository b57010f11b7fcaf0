import { assert, type Clock } from '@tidemark/base';
import { SeriesFile } from '../checkpoint/series-file.ts';
import { seriesFileName, shardFolder } from '../filename.ts';
import type { ChunkTable } from '../head/chunk-table.ts';
import { transplantHead } from '../head/transplant.ts';
import { Turns } from '../read/turns.ts';
import { NO_REF, type SeriesRegistry } from '../series/registry.ts';
import { type CheckpointContext, checkpointShard } from './checkpointing.ts';
import type { Shard } from './shard.ts';

// Series that have nothing outside of segments any more leave memory: the living are numbered anew, in the order they had.
//
//   in turns    living ones counted ─ labels into a new registry ─ a new series file, synced      the old ones go on meanwhile
//   one turn    what came since ─ head, windows and out of order under the new numbers ─ swap     no read is under way
//   then        a checkpoint: now the new numbers count ─ old series files go when no checkpoint names them
//
// A series that comes back is new: what it brings for windows that are frozen is out of order, and for others it has nothing.
// A crash before that checkpoint finds the old numbers in the old checkpoint and the old series file. Numbers in windows on disk
// are of their own dictionaries and stay.

export interface ForgetContext extends CheckpointContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

// Reads hold numbers of series; they are short, and a moment without any comes soon.
const TRIES = 1000;
// Worth a new numbering: this many, and this share of all.
const LEAST_SHARE = 4;

/** Returns how many series went. Requires: no checkpoint or seal of the shard under way. Throws `DISK_*`, the signal's reason. */
export async function forgetSeries(context: ForgetContext, shard: Shard): Promise<number> {
  if (!shard.seriesMayGo || shard.seriesFile === undefined) return 0;
  const before = shard.registry.count;
  const living = markLiving(shard);
  const dead = before - living.reduce((sum, one) => sum + one, 0);
  if (dead < context.options.forgetSeriesMin || dead * LEAST_SHARE < before) {
    shard.seriesMayGo = false;
    return 0;
  }
  const turns = new Turns(context.clock, context.signal);
  const registry = shard.makeRegistry(shard.registry.poolOfLiving(living));
  const refs = new Uint32Array(before).fill(NO_REF);
  for (let ref = 0; ref < before; ref++) {
    if (turns.due()) await turns.take();
    if (living[ref] === 1) refs[ref] = copySeries(shard.registry, ref, registry);
  }
  const folder = shardFolder(shard.name);
  const number = ++shard.seriesFileLast;
  const file = await SeriesFile.create(context.disk, `${folder}/${seriesFileName(number)}`, number);
  try {
    await file.extend(registry, registry.count);
    for (let left = TRIES; shard.reads.size + shard.refHolders > 0; left--) {
      if (left === 0) {
        await file.close();
        return 0;
      }
      await turns.take();
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  renumber(shard, registry, refs);
  const old = [shard.seriesFile, shard.spareSeriesFile];
  // The older checkpoint goes on naming one that has the old numbers.
  shard.seriesFile = undefined;
  shard.spareSeriesFile = file;
  shard.seriesMayGo = false;
  for (const one of old) await one?.close();
  await checkpointShard(context, shard);
  return dead;
}

/** 1 for every series that has something in head or windows. */
function markLiving(shard: Shard): Uint8Array {
  const { head, registry } = shard;
  const living = new Uint8Array(registry.count);
  for (let ref = 0; ref < living.length; ref++) if (head.holds(ref)) living[ref] = 1;
  for (let i = 0; i < head.outOfOrder.count; i++) living[head.outOfOrder.refAt(i)] = 1;
  for (const table of tablesOf(shard)) for (const ref of table.seriesRefs()) living[ref] = 1;
  // What a damaged window knows of may be all there is of it.
  for (const window of shard.allWindows()) for (const ref of window.ordinals.keys()) living[ref] = 1;
  return living;
}

function* tablesOf(shard: Shard): Iterable<ChunkTable> {
  for (const window of shard.allWindows()) {
    yield window.table;
    yield window.pending.table;
    for (const list of window.flushing) yield list.table;
  }
}

function copySeries(from: SeriesRegistry, ref: number, to: SeriesRegistry): number {
  const labels = from.labelBytes(ref);
  return to.resolveOne(to.tenantNamed(from.tenantOf(ref).name), labels, 0, labels.length);
}

/** In one turn: `registry` has what `earlier` says; whatever has come to life since is added. */
function renumber(shard: Shard, registry: SeriesRegistry, earlier: Uint32Array): void {
  const living = markLiving(shard);
  const refs = new Uint32Array(living.length).fill(NO_REF);
  refs.set(earlier);
  for (let ref = 0; ref < refs.length; ref++) {
    if (living[ref] === 1 && refs[ref] === NO_REF) refs[ref] = copySeries(shard.registry, ref, registry);
  }
  const head = shard.makeHead();
  head.reserve(registry.count);
  transplantHead(shard.head, head, refs);
  for (const table of tablesOf(shard)) table.renumber(refs);
  for (const { ordinals } of shard.allWindows()) {
    const old = [...ordinals.entries()];
    ordinals.clear();
    for (const [ref, ordinal] of old) {
      const fresh = refs[ref] as number;
      assert(fresh !== NO_REF, 'a series of a window lives');
      ordinals.set(fresh, ordinal);
    }
  }
  shard.replaceSeries(registry, head);
}
