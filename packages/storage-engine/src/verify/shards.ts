import { type Disk, isTidemarkError, messageOf } from '@tidemark/base';
import { listCheckpoints, readCheckpoint } from '../checkpoint/checkpoint-file.ts';
import type { CheckpointHeader } from '../checkpoint/format.ts';
import { readSeries } from '../checkpoint/series-file.ts';
import { type ShardName, seriesFileName, shardFolder, windowPath, windowsFolder } from '../filename.ts';
import type { Tier } from '../head/resolve.ts';
import { WINDOW_MS } from '../options.ts';
import type { LevelStores } from '../partition/level-store.ts';
import { listShards } from '../shard/opening.ts';
import { type Manifest, sealedLives } from '../tiering/manifest.ts';
import type { Verified } from './verify.ts';
import { verifyWindow } from './window.ts';

export interface VerifyShards {
  readonly disk: Disk;
  readonly levels: LevelStores;
  readonly manifests: ReadonlyMap<string, Manifest>;
  /** Takes what is accounted for. */
  readonly seen: Set<string>;
  readonly logEnds: ReadonlyMap<string, number> | undefined;
  readonly oldestMs: (tier: Tier) => number;
}

/** Of every shard: its two newest whole checkpoints, their series files, and the windows that the newest names. */
export async function* verifyShards(request: VerifyShards): AsyncGenerator<Verified> {
  for (const name of await listShards(request.disk)) {
    const kept = yield* verifyCheckpoints(request, name);
    for (const header of kept) yield await verifySeriesFile(request, name, header);
    yield* verifyWindows(request, name, kept[0]);
  }
}

/** The headers of the two that a start may go on from, newest first. */
async function* verifyCheckpoints(
  { disk, seen, logEnds }: VerifyShards,
  shard: ShardName,
): AsyncGenerator<Verified, CheckpointHeader[]> {
  const kept: CheckpointHeader[] = [];
  const end = logEnds?.get(`${shard.topic}/${shard.partition}`) ?? 0;
  for (const { path: file } of await listCheckpoints(disk, shardFolder(shard))) {
    seen.add(file);
    try {
      const { header } = await readCheckpoint(disk, file);
      const { seriesCount, position, windows } = header;
      const isAhead = logEnds !== undefined && position > end;
      const facts = `position ${position}, ${seriesCount} series, ${windows.length} windows`;
      if (kept.length === 2) yield { file, verdict: 'orphan', detail: 'two newer checkpoints are whole' };
      else if (isAhead)
        yield { file, verdict: 'damaged', detail: `it has read up to ${position}; the log ends at ${end}` };
      else yield { file, verdict: 'ok', detail: kept.length === 0 ? facts : `the one before: ${facts}` };
      if (kept.length < 2) kept.push(header);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      yield { file, verdict: 'damaged', detail: messageOf(error) };
    }
  }
  return kept;
}

async function verifySeriesFile({ disk, seen }: VerifyShards, name: ShardName, header: CheckpointHeader) {
  const file = `${shardFolder(name)}/${seriesFileName(header.seriesFile)}`;
  seen.add(file);
  const says = (verdict: Verified['verdict'], detail: string): Verified => ({ file, verdict, detail });
  try {
    const bytes = await disk.read(file);
    const { seriesFileBytes, seriesCount } = header;
    if (bytes.length < seriesFileBytes) return says('damaged', `${bytes.length} bytes of ${seriesFileBytes}`);
    let series = 0;
    readSeries(bytes.subarray(0, seriesFileBytes), () => series++);
    if (series !== seriesCount) return says('damaged', `${series} series of ${seriesCount}`);
    return says('ok', `${series} series`);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    if (error.code === 'DISK_NOT_FOUND') return says('missing', 'the checkpoint names it');
    return says('damaged', messageOf(error));
  }
}

async function* verifyWindows(
  { levels, manifests, seen, oldestMs }: VerifyShards,
  name: ShardName,
  header: CheckpointHeader | undefined,
): AsyncGenerator<Verified> {
  const folder = windowsFolder(name);
  const present = new Set((await levels.list(folder)).map((window) => `${folder}/${window}`));
  const manifest = manifests.get(`${name.topic}/${name.partition}`);
  const lives = sealedLives(manifest ?? { entries: [], merged: [] });
  for (const path of present) seen.add(path);
  for (const { startMs, sequence, generation, frozenPosition } of header?.windows ?? []) {
    const { tier, columnCount } = header as CheckpointHeader;
    const path = windowPath(name, { tier, startMs, sequence });
    const isSealed = lives.get(startMs)?.some((life) => life.sequence === sequence) ?? false;
    if (present.delete(path)) yield await verifyWindow(levels, path, { generation, columnCount });
    // Gone since the checkpoint: sealed, or past its time.
    else if (generation > 0 && !(isSealed && frozenPosition > 0) && startMs + WINDOW_MS[tier] > oldestMs(tier)) {
      yield { file: path, verdict: 'missing', detail: 'the checkpoint names it, and no segment has it' };
    }
  }
  for (const path of present) yield { file: path, verdict: 'orphan', detail: 'no checkpoint names it' };
}
