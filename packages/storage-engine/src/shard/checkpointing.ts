import { type Disk, isTidemarkError, must } from '@tidemark/base';
import { withdrawCheckpoint, writeCheckpoint } from '../checkpoint/checkpoint-file.ts';
import type { CheckpointWindow } from '../checkpoint/format.ts';
import { HeadSnapshot } from '../checkpoint/head-pages.ts';
import type { Tombstones } from '../deletes/tombstones.ts';
import { shardFolder } from '../filename.ts';
import type { StorageOptions } from '../options.ts';
import type { StorePool } from '../partition/store-pool.ts';
import type { Window } from '../partition/window.ts';
import { type StagedFlush, writeWindow } from '../partition/window-writer.ts';
import type { Quarantine } from '../quarantine.ts';
import { installationMark } from './installation.ts';
import { clearFolder, damagedGenerations, extendedSeriesFile, keepBeside } from './kept-files.ts';
import { keepBarren } from './refill.ts';
import type { Shard } from './shard.ts';
import { supersede } from './superseding.ts';

// A checkpoint makes everything applied so far durable, while appends go on.
//
//   one turn    freeze windows that are over ─ drain out of order ─ pending -> flushing ─ the head of now ─ note the position
//   then        series file ─> LevelDB of each window ─> checkpoint file ─> flushing -> table
//                   each synced before the next; the checkpoint file makes the rest count
//
// A crash before the checkpoint file is durable leaves the one before: longer files and newer generations are cut back when
// the shard opens. A failure leaves chunks in `flushing`; the next checkpoint takes them along. A database that is damaged is left to
// itself (superseding.ts).

export interface CheckpointContext {
  /** Takes work that need not be waited for now, but before the engine is closed. */
  readonly later: (work: Promise<void>) => void;
  readonly quarantine: Quarantine;
  readonly disk: Disk;
  readonly pool: StorePool;
  readonly options: StorageOptions;
  readonly installationKey: Uint8Array;
  readonly tombstones: Tombstones;
}

const WINDOW_FAILED =
  'a window is damaged: answers over its time warn, what comes goes to a next life of it; the next start looks at it';

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
  keepBarren(shard);
  const refilled = [...shard.allWindows()].filter((window) => window.refilled);
  // One that was written and has nothing is damaged: a checkpoint that did not name it would be its end.
  const windows = [...shard.allWindows()].filter(
    (window) => !window.refilled && (!window.empty || window.generation > 0),
  );
  for (const window of windows) {
    if (!window.frozen && window.endMs <= freezeThroughMs && freeze(window)) window.frozenPosition = shard.position;
    window.prepare();
  }
  const { position } = shard;
  const { frozenThroughMs } = head;
  using taken = new HeadSnapshot(head, seriesCount);
  const frozen = new Map(windows.map((window) => [window, window.frozenPosition]));

  const folder = shardFolder(shard.name);
  if (shard.unsettled > 0) await withdrawCheckpoint(context.disk, folder, shard.unsettled);
  shard.unsettled = 0;
  // Whoever passes the record of a delete must know the delete.
  await context.tombstones.save(context.disk);
  const seriesFile = await extendedSeriesFile(context.disk, folder, shard, seriesCount);
  await context.options.at('checkpoint:series');
  const staged = new Map<Window, StagedFlush>();
  const again = ({ startMs, sequence }: Window) => shard.makeWindow(startMs, sequence);
  const keptGeneration = shard.older?.generation ?? shard.generation;
  const writing = { ...context, registry, again, keptGeneration };
  // Grows under way by those that take what others cannot.
  for (const window of windows) {
    if (window.flushing.length === 0) continue;
    try {
      staged.set(window, await writeWindow(writing, window, generation));
    } catch (error) {
      if (!isTidemarkError(error, 'WINDOW_CORRUPT') || window.generation === 0) throw error;
      const next = supersede(shard, window, position, error);
      if (next === undefined) throw error;
      context.quarantine('window', window.path, undefined, WINDOW_FAILED, {
        window: window.path,
        error: error.message,
      });
      frozen.set(window, window.frozenPosition);
      frozen.set(next, next.frozenPosition);
      windows.push(next);
    }
  }
  await context.options.at('checkpoint:windows');
  shard.unsettled = generation;
  const { size, isAlone } = await writeCheckpoint(
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
      seriesFile: seriesFile.number,
      seriesFileBytes: seriesFile.bytes,
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
    taken.sections,
    [shard.generation, ...damagedGenerations(shard)],
  );
  shard.unsettled = 0;
  for (const flush of staged.values()) flush.commit();
  for (const [window, frozenPosition] of frozen) if (frozenPosition > 0) window.frozenDurably = true;
  keepBeside(shard, { generation, position, seriesFile }, isAlone);
  await clearFolder(context.disk, folder, shard);
  for (const window of refilled) {
    shard.removeWindow(window);
    // A slow reader must not keep checkpoints waiting.
    context.later(window.destroy());
  }
  await context.options.at('checkpoint:written');
  return size;
}
