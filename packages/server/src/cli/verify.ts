import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import {
  type Disk,
  nodeDisk,
  SelfMetrics,
  silentLogger,
  systemClock,
  systemCode,
  systemRandom,
  TidemarkError,
} from '@tidemark/base';
import { type LogEnds, verifyLog } from '@tidemark/log';
import { verifyStore } from '@tidemark/storage-engine';
import { verifyState } from '@tidemark/stream-rollup';
import { loadConfig } from '../config/load.ts';
import { retentionOf } from '../config/retention.ts';
import { readInstallation } from '../data-folder.ts';
import { type Objects, openObjects } from '../roles/objects.ts';
import { decodeMarks } from '../roles/repair/marks-file.ts';
import { REPAIRS_FILE } from '../roles/repair/marks-store.ts';
import { ALONE, ownerOf } from '../roles/store-identity.ts';
import type { Command, CommandContext } from './command.ts';

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'check every file of a stopped data folder',
  help: `tidemark verify [DATA] [--quiet]

  Reads every file of a data folder and says what it is worth, one line each: ok, damaged, missing, orphan.
    damaged   a checksum does not fit, or it contradicts the file that names it
    missing   something names it and it is not there
    orphan    nothing names it: it costs space until Tidemark removes it, and answers are whole without it
  --quiet leaves out what is ok. Exit code 0: nothing is damaged or missing; 1: something is, or it
  could not be told.

  DATA is the data folder; default: the configured one. Tidemark must not run on it. To check a running one, verify a snapshot:
    curl -X POST http://127.0.0.1:9470/api/v1/admin/tsdb/snapshot`,
  options: { data: 'text', quiet: 'flag' },
  words: [{ kind: 'files' }],
  values: { data: { kind: 'files' } },
  run: runVerify,
};

const MARKS = `repair/${REPAIRS_FILE}`;

interface FileVerdict {
  readonly file: string;
  readonly verdict: 'ok' | 'damaged' | 'missing' | 'orphan';
  readonly detail: string;
}

async function runVerify({ args, env, stdout, signal }: CommandContext): Promise<number> {
  const { config } = await loadConfig({ env });
  const data = resolve(args.words[0] ?? args.options.get('data') ?? config.data);
  const say = (line: string) => void stdout.write(`${line}\n`);
  await refuseRunning(data);
  const counts = { ok: 0, damaged: 0, missing: 0, orphan: 0 };
  const retention = retentionOf(config.store);
  const oldest = { raw: retention.longestMs('raw'), '1m': retention.longestMs('1m') };
  // Objects may lie elsewhere; those of a snapshot lie in it.
  const own = join(data, 'objects');
  const owner = (await ownerOf(nodeDisk(data), data)) ?? ALONE;
  using objects = await openObjects({
    config: { ...config.store, ...(existsSync(own) && { objects: own }) },
    dataFolder: data,
    identity: existsSync(own) ? ALONE : owner,
    logger: silentLogger,
    metrics: new SelfMetrics(),
    random: systemRandom,
  });
  for await (const { file, verdict, detail } of verifyData(data, objects, oldest)) {
    signal.throwIfAborted();
    counts[verdict]++;
    if (verdict !== 'ok' || !args.options.has('quiet')) say(`${verdict.padEnd(8)} ${file}: ${detail}`);
  }
  const { ok, damaged, missing, orphan } = counts;
  say(`${ok} ok, ${damaged} damaged, ${missing} missing, ${orphan} ${orphan === 1 ? 'orphan' : 'orphans'}`);
  return damaged + missing === 0 ? 0 : 1;
}

/** Every file below a data folder. Throws `DATA_FOREIGN`, and what cannot be read at all. */
export async function* verifyData(
  data: string,
  objects: Pick<Objects, 'store' | 'shown' | 'folder'>,
  retentionMs: { readonly raw: number; readonly '1m': number },
): AsyncGenerator<FileVerdict> {
  const disk = nodeDisk(data);
  yield await verifyMarker(data);
  const logEnds: LogEnds = new Map();
  yield* verifyLog(disk, 'log', logEnds);
  const named = (folder: string, { file, ...rest }: FileVerdict) => ({ file: `${folder}/${file}`, ...rest });
  const objectFolder = shownIn(data, objects);
  const store = verifyStore({
    disk: nodeDisk(join(data, 'store')),
    folder: join(data, 'store'),
    objectStore: objects.store,
    nowMs: systemClock.nowMs(),
    retentionMs: { '1h': Number.MAX_SAFE_INTEGER, ...retentionMs },
    logEnds,
  });
  for await (const found of store) {
    yield named(/^(segments|manifests)\//.test(found.file) ? objectFolder : 'store', found);
  }
  yield* verifyState(disk, 'rollup');
  if (await disk.exists(MARKS)) yield await verifyMarks(disk);
}

/** Where objects lie, for people: from the data folder on when it is in it. */
function shownIn(data: string, { shown, folder }: Pick<Objects, 'shown' | 'folder'>): string {
  const inside = folder === undefined ? '..' : relative(data, folder);
  return inside.startsWith('..') ? shown : inside;
}

async function verifyMarks(disk: Disk): Promise<FileVerdict> {
  try {
    const { hours } = decodeMarks(await disk.read(MARKS));
    return { file: MARKS, verdict: 'ok', detail: `${hours.length} hours marked` };
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return { file: MARKS, verdict: 'damaged', detail: error.message };
  }
}

async function verifyMarker(data: string): Promise<FileVerdict> {
  const disk = nodeDisk(data);
  if (!(await disk.exists('TIDEMARK'))) {
    throw new TidemarkError('DATA_FOREIGN', `${data} is no Tidemark data folder: it has no file TIDEMARK`, { data });
  }
  try {
    const { partitions } = await readInstallation(disk, data);
    return { file: 'TIDEMARK', verdict: 'ok', detail: `${partitions} partitions` };
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return { file: 'TIDEMARK', verdict: 'damaged', detail: error.message };
  }
}

/** Throws `DATA_IN_USE`. */
async function refuseRunning(data: string): Promise<void> {
  let text: string;
  try {
    text = await readFile(join(data, 'log/lock'), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return;
    throw error;
  }
  const pid = Number(/^pid (\d+)/.exec(text)?.[1]);
  if (!isAlive(pid)) return;
  throw new TidemarkError(
    'DATA_IN_USE',
    `process ${pid} has ${data} open; stop it, or verify a snapshot (POST /api/v1/admin/tsdb/snapshot)`,
    { data, pid },
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
