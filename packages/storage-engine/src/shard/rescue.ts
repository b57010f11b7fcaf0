import type { Disk } from '@tidemark/base';
import { type CheckpointFile, readCheckpointHeader } from '../checkpoint/checkpoint-file.ts';
import type { CheckpointHeader } from '../checkpoint/format.ts';
import {
  parseWindowName,
  type ShardName,
  shardFolder,
  tierOf,
  type WindowName,
  windowPath,
  windowsFolder,
} from '../filename.ts';
import { decodeKey, KIND_MANIFEST, keyRange } from '../partition/keys.ts';
import type { StorePool } from '../partition/store-pool.ts';
import { lookedAt, rescueWindow } from '../partition/window-rescue.ts';
import type { Sealed } from '../tiering/manifest.ts';
import { checkHeader } from './installation.ts';
import type { OpenContext } from './opening.ts';
import { type DamagedFile, Shard } from './shard.ts';

// A shard of which no checkpoint is whole. What is left is in its windows, which know labels, chunks and counts of their own; and in the
// log, from the oldest position that is known to have been kept: its first record, at worst.
//
//   windows   ──▶ lives that take nothing more
//   times for which the head may have had something ──▶ a life that is missing, and a warning with it, as long as such a window is kept
//   log       ──▶ next lives, which outrank them; where it has all of such a time, nothing is missing (refill.ts), and the warning goes
//
// Until a next checkpoint is durable the damaged ones stay where they are: a start in between does the same again.

// A head holds less than a window and what a window waits for its seal; more than this were not open for years.
const MARKS_MAX = 64;

export interface RescueRequest {
  readonly sealed: Sealed | undefined;
  /** Newest first. */
  readonly files: readonly CheckpointFile[];
  readonly damaged: readonly DamagedFile[];
}

/** Throws `STORAGE_FOREIGN`, `STORAGE_IO`, `DISK_*`. */
export async function rescueShard(
  context: OpenContext,
  name: ShardName,
  { sealed, files, damaged }: RescueRequest,
): Promise<Shard> {
  const headers = await readableHeaders(context.disk, files);
  for (const header of headers) checkHeader(header, context.installationKey, shardFolder(name));
  const paths = await windowsLeft(context.pool, name, headers);
  const shard = new Shard(context, name, headers[0]?.tier ?? paths[0]?.tier ?? tierOf(name));
  if (sealed !== undefined) shard.setSealed(sealed);
  const generation = files[0]?.generation ?? 1;
  shard.attempted = generation;
  shard.damagedFiles = damaged;
  // What the log may have let go is what the oldest of them had.
  shard.position = headers.length === 0 ? 0 : Math.min(...headers.map(({ position }) => position));
  const what = `the checkpoints of ${name.topic}/${name.partition} were damaged: what was not in windows yet may be missing`;
  for (const { startMs, sequence } of paths) {
    if (shard.isSealed(startMs, sequence, 1)) {
      await context.pool.destroy(windowPath(name, { tier: shard.tier, startMs, sequence }));
      continue;
    }
    const make = () => shard.makeWindow(startMs, sequence);
    const at = await newestManifest(context.pool, make().path, generation);
    const window = await rescueWindow({ ...context, registry: shard.registry }, make, at);
    window.generation = at;
    window.frozenPosition = 1;
    shard.windows.set(startMs, [...(shard.windows.get(startMs) ?? []), window]);
  }
  const nowMs = context.clock.nowMs();
  const fromMs = mayBeInHead(headers, shard, nowMs - context.options.sealGraceMs);
  let marks = 0;
  for (let startMs = startOf(nowMs, shard.windowMs); startMs + shard.windowMs > fromMs; startMs -= shard.windowMs) {
    if (++marks > MARKS_MAX) break;
    const lives = shard.windows.get(startMs) ?? [];
    const window = shard.makeWindow(startMs, Math.max(shard.nextSequence(startMs), (lives.at(-1)?.sequence ?? -1) + 1));
    window.generation = generation;
    window.frozenPosition = 1;
    window.noteDamage(what);
    shard.windows.set(startMs, [...lives, window]);
  }
  shard.head.reserve(shard.registry.count);
  // So that a next checkpoint is due, whatever comes.
  shard.durablePosition = -1;
  context.logger.error(
    'no checkpoint of a partition is whole: it is made of its windows and of the log; answers warn',
    {
      ...{ ...name, windows: paths.length, position: shard.position },
    },
  );
  return shard;
}

async function readableHeaders(disk: Disk, files: readonly CheckpointFile[]): Promise<CheckpointHeader[]> {
  const headers: CheckpointHeader[] = [];
  for (const { path } of files) {
    const header = await readCheckpointHeader(disk, path);
    if (header !== undefined) headers.push(header);
  }
  return headers;
}

/** By start and sequence; also those that a start, interrupted, had set aside. */
async function windowsLeft(
  pool: StorePool,
  name: ShardName,
  headers: readonly CheckpointHeader[],
): Promise<WindowName[]> {
  const there = new Set(await pool.list(windowsFolder(name)));
  const named = headers.flatMap(({ tier, windows }) => windows.map((window) => windowPath(name, { tier, ...window })));
  for (const path of await lookedAt(pool, named)) there.add(path.slice(path.lastIndexOf('/') + 1));
  const found = [...there].flatMap((window) => parseWindowName(window) ?? []);
  return found.sort((a, b) => a.startMs - b.startMs || a.sequence - b.sequence);
}

/** Its generation; `otherwise` where the database must not be opened as it is, or has none. */
async function newestManifest(pool: StorePool, path: string, otherwise: number): Promise<number> {
  if ((await pool.whileClosed(path, (stores) => stores.problem(path))) !== undefined) return otherwise;
  return pool.use(path, async (store) => {
    const { from, to } = keyRange('', KIND_MANIFEST);
    let newest = 0;
    for await (const key of store.keys(from, to)) newest = Math.max(newest, decodeKey(key).generation);
    return newest || otherwise;
  });
}

/** From when on a head may have held anything. */
function mayBeInHead(headers: readonly CheckpointHeader[], shard: Shard, overMs: number): number {
  const frozen = headers.map(({ frozenThroughMs }) => frozenThroughMs).filter(Number.isFinite);
  const sealed = (shard.sealed ?? []).map(({ endMs }) => endMs);
  if (frozen.length > 0 && frozen.length === headers.length) return Math.min(...frozen);
  return Math.min(overMs, ...shard.windows.keys(), ...(sealed.length > 0 ? [Math.max(...sealed)] : []));
}

const startOf = (timeMs: number, windowMs: number) => Math.floor(timeMs / windowMs) * windowMs;
