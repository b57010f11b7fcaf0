import { createHash } from 'node:crypto';
import { type Disk, must } from '@tidemark/base';
import { withdrawCheckpoint, writeCheckpoint } from '../checkpoint/checkpoint-file.ts';
import type { CheckpointWindow } from '../checkpoint/format.ts';
import { takeSections } from '../checkpoint/head-pages.ts';
import { SeriesFile } from '../checkpoint/series-file.ts';
import type { Tombstones } from '../deletes/tombstones.ts';
import { seriesFileName, shardFolder } from '../filename.ts';
import type { StorageOptions } from '../options.ts';
import type { StorePool } from '../partition/store-pool.ts';
import type { Window } from '../partition/window.ts';
import { type StagedFlush, writeWindow } from '../partition/window-writer.ts';
import type { Shard } from './shard.ts';

// A checkpoint makes everything applied so far durable, while appends go on.
//
//   one turn    freeze windows that are over ─ drain out of order ─ pending -> flushing ─ copy the head ─ note the position
//   then        series file ─> LevelDB of each window ─> checkpoint file ─> flushing -> table
//                   each synced before the next; the checkpoint file makes the rest count
//
// A crash before the checkpoint file is durable leaves the one before: longer files and newer generations are cut back when
// the shard opens. A failure leaves chunks in `flushing`; the next checkpoint takes them along.

export interface CheckpointContext {
  readonly disk: Disk;
  readonly pool: StorePool;
  readonly options: StorageOptions;
  readonly installationKey: Uint8Array;
  readonly tombstones: Tombstones;
}

/** Windows for which `freeze` says yes are frozen. Returns the bytes of the file. Requires: one at a time per shard. */
export async function checkpointShard(
  context: CheckpointContext,
  shard: Shard,
  freezeThroughMs = Number.NEGATIVE_INFINITY,
  freeze: (window: Window) => boolean = () => false,
): Promise<number> {
  const generation = ++shard.attempted;
  const { head, registry } = shard;
  const seriesCount = registry.count;
  head.reserve(seriesCount);
  if (freezeThroughMs > head.frozenThroughMs) head.freezeThrough(freezeThroughMs, seriesCount);
  shard.counts.mergedAway += head.drainOutOfOrder();
  // One that was written and has nothing is damaged: a checkpoint that did not name it would be its end.
  const windows = [...shard.allWindows()].filter((window) => !window.empty || window.generation > 0);
  for (const window of windows) {
    if (!window.frozen && window.endMs <= freezeThroughMs && freeze(window)) window.frozenPosition = shard.position;
    window.prepare();
  }
  const { position } = shard;
  const { frozenThroughMs } = head;
  const sections = takeSections(head, seriesCount);
  const frozen = new Map(windows.map((window) => [window, window.frozenPosition]));

  const folder = shardFolder(shard.name);
  if (shard.unsettled > 0) await withdrawCheckpoint(context.disk, folder, shard.unsettled);
  shard.unsettled = 0;
  // Whoever passes the record of a delete must know the delete.
  await context.tombstones.save(context.disk);
  shard.seriesFile ??= await makeSeriesFile(context.disk, folder);
  await shard.seriesFile.extend(registry, seriesCount);
  await context.options.at('checkpoint:series');
  const staged = new Map<Window, StagedFlush>();
  for (const window of windows) {
    if (window.flushing.length === 0) continue;
    staged.set(window, await writeWindow({ ...context, registry }, window, generation));
  }
  await context.options.at('checkpoint:windows');
  shard.unsettled = generation;
  const bytes = await writeCheckpoint(
    context.disk,
    folder,
    {
      tier: shard.tier,
      ...shard.name,
      generation,
      position,
      columnCount: head.options.columnCount,
      slotSize: head.options.slotSize,
      windowMs: shard.windowMs,
      frozenThroughMs,
      seriesCount,
      seriesFile: shard.seriesFile.number,
      seriesFileBytes: shard.seriesFile.bytes,
      installation: installationMark(context.installationKey),
      windows: windows.map(
        (window): CheckpointWindow => ({
          startMs: window.startMs,
          sequence: window.sequence,
          frozenPosition: must(frozen.get(window)),
          generation: staged.has(window) ? generation : window.generation,
        }),
      ),
    },
    sections,
  );
  shard.unsettled = 0;
  for (const flush of staged.values()) flush.commit();
  for (const [window, frozenPosition] of frozen) if (frozenPosition > 0) window.frozenDurably = true;
  shard.generation = generation;
  shard.durablePosition = position;
  await context.options.at('checkpoint:written');
  return bytes;
}

/** Says whose data it is without saying the key. */
export function installationMark(key: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update('tidemark installation').update(key).digest().subarray(0, 8));
}

async function makeSeriesFile(disk: Disk, folder: string): Promise<SeriesFile> {
  await disk.makeFolder(folder);
  return SeriesFile.create(disk, `${folder}/${seriesFileName(0)}`, 0);
}
