import { type Disk, isTidemarkError, type Logger, type TidemarkError } from '@tidemark/base';
import {
  type CheckpointFile,
  listCheckpoints,
  readCheckpoint,
  readCheckpointHeader,
} from '../checkpoint/checkpoint-file.ts';
import type { CheckpointHeader } from '../checkpoint/format.ts';
import { restoreSections } from '../checkpoint/head-pages.ts';
import { SeriesFile } from '../checkpoint/series-file.ts';
import { storageError } from '../errors.ts';
import {
  parseSeriesFileName,
  SHARDS_FOLDER,
  type ShardName,
  seriesFileName,
  shardFolder,
  windowPath,
  windowsFolder,
} from '../filename.ts';
import { transplantHead } from '../head/transplant.ts';
import { SLOT_SIZE } from '../options.ts';
import { lookedAt, rescueWindow } from '../partition/window-rescue.ts';
import type { Quarantine } from '../quarantine.ts';
import type { Sealed } from '../tiering/manifest.ts';
import type { CheckpointContext } from './checkpointing.ts';
import { checkHeader } from './installation.ts';
import { rescueShard } from './rescue.ts';
import { type DamagedFile, type KeptCheckpoint, Shard, type ShardContext } from './shard.ts';

// A shard comes back as its newest whole checkpoint left it; the log brings the rest.
//
//   newest whole, and its series file ──▶ as it was
//   else the one before (kept-files.ts) ─▶ as it was then; what was sealed since is skipped, the log has the rest
//   else ────────────────────────────────▶ of what windows have, and of all the log has (rescue.ts); answers warn

export type OpenContext = CheckpointContext &
  ShardContext & { readonly logger: Logger; readonly quarantine: Quarantine };

/** Topic partitions that have a folder. */
export async function listShards(disk: Disk): Promise<ShardName[]> {
  const names: ShardName[] = [];
  for (const topicFolder of await disk.list(SHARDS_FOLDER)) {
    const topic = topicFolder.replace(/\/$/, '');
    for (const partition of await disk.list(`${SHARDS_FOLDER}/${topic}`)) {
      if (/^\d+\/$/.test(partition)) names.push({ topic, partition: Number(partition.slice(0, -1)) });
    }
  }
  return names;
}

/**
 * `sealed`: what its manifest says, if it could be read. Undefined when there never was a checkpoint. Throws `STORAGE_FOREIGN`,
 * `STORAGE_IO`, `DISK_*`: what is damaged is told, and the shard is of what is left.
 */
export async function openShard(
  context: OpenContext,
  name: ShardName,
  sealed: Sealed | undefined,
): Promise<Shard | undefined> {
  const { disk } = context;
  const folder = shardFolder(name);
  const files = await listCheckpoints(disk, folder);
  const last = files[0]?.generation;
  if (last === undefined) {
    for (const left of await context.pool.list(windowsFolder(name))) {
      await context.pool.destroy(`${windowsFolder(name)}/${left}`);
    }
    return undefined;
  }
  const damaged: DamagedFile[] = [];
  for (const [i, { path }] of files.entries()) {
    const found = await readWhole(context, name, path, damaged);
    if (found === undefined) continue;
    const { shard, header } = found;
    shard.damagedFiles = damaged;
    if (sealed !== undefined) shard.setSealed(sealed);
    // A damaged newer checkpoint may have left its generation in windows: never use that number again.
    shard.attempted = last;
    shard.older = await oldestReadable(disk, files.slice(i + 1));
    try {
      await loadWindows(context, shard, header);
      if (header.slotSize !== SLOT_SIZE[shard.tier]) emptyHead(shard);
      if (damaged.length > 0 || shard.sealedBeyond(header.position)) settle(context, shard);
    } catch (error) {
      await shard.seriesFile?.close();
      throw error;
    }
    shard.seriesFileLast = await lastSeriesFile(disk, folder);
    return shard;
  }
  const shard = await rescueShard(context, name, { sealed, files, damaged });
  shard.seriesFileLast = await lastSeriesFile(disk, folder);
  return shard;
}

/** What a checkpoint and its series file say; undefined where either is damaged, which is told. */
async function readWhole(
  context: OpenContext,
  name: ShardName,
  path: string,
  damaged: DamagedFile[],
): Promise<{ shard: Shard; header: CheckpointHeader } | undefined> {
  const { disk } = context;
  const folder = shardFolder(name);
  let what: DamagedFile = { what: 'checkpoint', path };
  let seriesFile: SeriesFile | undefined;
  try {
    const { header, sections } = await readCheckpoint(disk, path);
    checkHeader(header, context.installationKey, folder);
    const shard = new Shard(context, name, header.tier);
    const { generation, position, seriesFile: number, seriesFileBytes, seriesCount } = header;
    what = { what: 'series', path: `${folder}/${seriesFileName(number)}` };
    seriesFile = await SeriesFile.load(disk, what.path, number, seriesFileBytes, shard.registry);
    if (shard.registry.count !== seriesCount) {
      throw storageError('CHECKPOINT_CORRUPT', `${what.path} has ${shard.registry.count} series of ${seriesCount}`);
    }
    what = { what: 'checkpoint', path };
    shard.head = shard.makeHead(header.slotSize);
    shard.head.reserve(seriesCount);
    restoreSections(shard.head, sections, seriesCount);
    shard.head.frozenThroughMs = header.frozenThroughMs;
    shard.position = position;
    shard.durablePosition = position;
    shard.generation = generation;
    shard.newest = { generation, position, seriesFile: number };
    shard.seriesFile = seriesFile;
    return { shard, header };
  } catch (error) {
    await seriesFile?.close();
    if (!isDamage(error)) throw error;
    damaged.push(what);
    context.quarantine(what.what, what.path, undefined, DAMAGED, { file: what.path, reason: error.message });
    return undefined;
  }
}

const DAMAGED = 'a file of a checkpoint is damaged; the one before is used, and the log brings what came since';

/** What may pass must not be taken for damage: what lies on a bad place of the disk is. */
function isDamage(error: unknown): error is TidemarkError {
  if (!isTidemarkError(error)) return false;
  if (error.code === 'DISK_IO') return error.details['system'] === 'EIO';
  return ['CHECKPOINT_CORRUPT', 'BYTES_MALFORMED', 'DISK_NOT_FOUND'].includes(error.code);
}

/** Two are kept; where a removal was not durable there may be more, and the log has what the oldest has not. */
async function oldestReadable(disk: Disk, files: readonly CheckpointFile[]): Promise<KeptCheckpoint | undefined> {
  let oldest: KeptCheckpoint | undefined;
  for (const { path } of files) oldest = (await readCheckpointHeader(disk, path)) ?? oldest;
  return oldest;
}

async function lastSeriesFile(disk: Disk, folder: string): Promise<number> {
  return Math.max(-1, ...(await disk.list(folder)).map((name) => parseSeriesFileName(name) ?? -1));
}

/**
 * A checkpoint from before windows were sealed, as far as is known: what its head has of those is in their segments, and maybe outdated
 * there. While nothing is known of segments, what the checkpoint has takes nothing more: it goes as soon as the manifest names it.
 */
function settle(context: OpenContext, shard: Shard): void {
  const { position } = shard;
  emptyHead(shard);
  for (const window of [...shard.allWindows()]) {
    if (shard.sealed === undefined) {
      window.frozenPosition = window.frozenPosition || Math.max(1, position);
      window.ofHead = window.generation === 0;
    } else if (shard.isCovered(window.startMs, position)) {
      window.clearPending();
      if (window.generation === 0) shard.removeWindow(window);
    }
  }
  context.logger.info('a partition goes on from an older checkpoint', { ...shard.name, position });
}

/** What the head holds becomes chunks, and the series go on in slots of today's size. */
function emptyHead(shard: Shard): void {
  const { head: old } = shard;
  const { count } = shard.registry;
  for (let ref = 0; ref < count; ref++) old.finish(ref);
  const fresh = shard.makeHead();
  fresh.reserve(count);
  transplantHead(
    old,
    fresh,
    Uint32Array.from({ length: count }, (_, ref) => ref),
  );
  shard.head = fresh;
}

async function loadWindows(context: OpenContext, shard: Shard, header: CheckpointHeader): Promise<void> {
  const folder = windowsFolder(shard.name);
  const present = new Set((await context.pool.list(folder)).map((name) => `${folder}/${name}`));
  const paths = header.windows.map((window) => windowPath(shard.name, { tier: shard.tier, ...window }));
  for (const path of await lookedAt(context.pool, paths)) present.add(path);
  const kept = new Set<string>();
  const oldestMs = context.clock.nowMs() - context.retention.longestMs(shard.tier);
  for (const { startMs, sequence, frozenPosition, generation } of header.windows) {
    // Sealed already: its segment is the truth.
    if (shard.isSealed(startMs, sequence, frozenPosition || header.position)) continue;
    const make = () => shard.makeWindow(startMs, sequence);
    let window = make();
    if (present.has(window.path)) {
      window = await rescueWindow({ ...context, registry: shard.registry }, make, generation);
    }
    // Expired: retention took it, or its segment, before the next checkpoint.
    else if (window.endMs <= oldestMs) continue;
    // While the manifest is unknown it may be sealed as well: then it goes when that is learned.
    else window.noteDamage(`window ${window.path} is missing`);
    kept.add(window.path);
    window.frozenPosition = frozenPosition;
    window.frozenDurably = frozenPosition > 0;
    // Never add to what is damaged: numbers of lost dictionary pages would be given twice.
    if (window.damage.length > 0 && !window.frozen) window.frozenPosition = Math.max(1, header.position);
    window.generation = generation;
    const lives = shard.windows.get(startMs) ?? [];
    lives.push(window);
    lives.sort((a, b) => a.sequence - b.sequence);
    shard.windows.set(startMs, lives);
  }
  // Labels that only a window knew have made new refs.
  shard.head.reserve(shard.registry.count);
  for (const path of present) if (!kept.has(path)) await context.pool.destroy(path);
}

/** Removes local windows that the manifest, learned late, turns out to hold. */
export async function dropSealed(logger: Logger, shard: Shard): Promise<void> {
  for (const window of [...shard.allWindows()]) {
    const { startMs, sequence, frozenPosition, ofHead } = window;
    const isCovered = ofHead && shard.isCovered(startMs, frozenPosition);
    if (!isCovered && !shard.isSealed(startMs, sequence, frozenPosition || shard.position)) continue;
    logger.info('a window is sealed already; its local copy goes', { window: window.path });
    shard.removeWindow(window);
    await window.destroy();
  }
}
