import { bytesEqual, type Disk, type Logger } from '@tidemark/base';
import { readNewestCheckpoint } from '../checkpoint/checkpoint-file.ts';
import type { CheckpointHeader } from '../checkpoint/format.ts';
import { restoreSections } from '../checkpoint/head-pages.ts';
import { SeriesFile } from '../checkpoint/series-file.ts';
import { storageError } from '../errors.ts';
import { SHARDS_FOLDER, type ShardName, seriesFileName, shardFolder, windowsFolder } from '../filename.ts';
import { transplantHead } from '../head/transplant.ts';
import { SLOT_SIZE } from '../options.ts';
import type { Quarantine } from '../partition/window.ts';
import { loadWindow } from '../partition/window-reader.ts';
import type { Sealed } from '../tiering/manifest.ts';
import { type CheckpointContext, installationMark } from './checkpointing.ts';
import { removeOldFiles } from './forgetting.ts';
import { Shard, type ShardContext } from './shard.ts';

// A shard comes back as its newest whole checkpoint left it; the log brings the rest.

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

/** `sealed`: what its manifest says, if it could be read. Undefined when there never was a checkpoint. Throws `CHECKPOINT_CORRUPT`, `STORAGE_FOREIGN`. */
export async function openShard(
  context: OpenContext,
  name: ShardName,
  sealed: Sealed | undefined,
): Promise<Shard | undefined> {
  const folder = shardFolder(name);
  const loaded = await readNewestCheckpoint(context.disk, folder);
  if (loaded === undefined) {
    for (const left of await context.pool.list(windowsFolder(name))) {
      await context.pool.destroy(`${windowsFolder(name)}/${left}`);
    }
    return undefined;
  }
  const { header, sections, damaged } = loaded;
  for (const file of damaged) context.logger.error('a checkpoint is damaged; the one before is used', { folder, file });
  checkHeader(header, context.installationKey, folder);
  const shard = new Shard(context, name, header.tier);
  if (sealed !== undefined) shard.setSealed(sealed);
  shard.position = header.position;
  shard.durablePosition = header.position;
  shard.generation = header.generation;
  // A damaged newer checkpoint may have left its generation in windows: never use that number again.
  shard.attempted = header.generation + damaged.length;
  const seriesFile = await SeriesFile.load(
    context.disk,
    `${folder}/${seriesFileName(header.seriesFile)}`,
    header.seriesFile,
    header.seriesFileBytes,
    shard.registry,
  );
  try {
    if (shard.registry.count !== header.seriesCount) {
      throw storageError('CHECKPOINT_CORRUPT', `${folder} has ${shard.registry.count} series of ${header.seriesCount}`);
    }
    shard.head = shard.makeHead(header.slotSize);
    shard.head.reserve(header.seriesCount);
    restoreSections(shard.head, sections, header.seriesCount);
    shard.head.frozenThroughMs = header.frozenThroughMs;
    await loadWindows(context, shard, header);
    if (header.slotSize !== SLOT_SIZE[shard.tier]) resize(shard);
  } catch (error) {
    await seriesFile.close();
    throw error;
  }
  shard.seriesFile = seriesFile;
  await removeOldFiles(context, folder, seriesFile.number);
  return shard;
}

/** A head that was kept with slots of another size: what it holds becomes chunks, and the series go on in slots of today's. */
function resize(shard: Shard): void {
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
  const kept = new Set<string>();
  const oldestMs = context.clock.nowMs() - context.options.retentionMs[shard.tier];
  for (const { startMs, sequence, frozenPosition, generation } of header.windows) {
    // Sealed already: its segment is the truth.
    if (shard.isSealed(startMs, sequence, frozenPosition || header.position)) continue;
    const window = shard.makeWindow(startMs, sequence);
    window.frozenPosition = frozenPosition;
    window.frozenDurably = frozenPosition > 0;
    if (present.has(window.path)) await loadWindow({ ...context, registry: shard.registry }, window, generation);
    // Expired: retention took it, or its segment, before the next checkpoint.
    else if (window.endMs <= oldestMs) continue;
    // While the manifest is unknown it may be sealed as well: then it goes when that is learned.
    else window.noteDamage(`window ${window.path} is missing`);
    kept.add(window.path);
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
    if (!shard.isSealed(window.startMs, window.sequence, window.frozenPosition || shard.position)) continue;
    logger.info('a window is sealed already; its local copy goes', { window: window.path });
    shard.removeWindow(window);
    await window.destroy();
  }
}

function checkHeader(header: CheckpointHeader, key: Uint8Array, folder: string): void {
  const mark = installationMark(key);
  if (!bytesEqual(mark, 0, mark.length, header.installation, 0, header.installation.length)) {
    throw storageError(
      'STORAGE_FOREIGN',
      `${folder} was written by an installation with another key; use that key, or move the folder away`,
      { folder },
    );
  }
}
