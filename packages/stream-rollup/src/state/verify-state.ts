import { ByteReader, type Disk, isTidemarkError, messageOf } from '@tidemark/base';
import { type Checkpoint, decodeCheckpoint, MANIFEST_NAME } from './checkpoint.ts';
import { decodeHourToken, hourFileName } from './hour-files.ts';
import { FILE_KIND, type FileKind, openStateFile, readStateFile } from './state-file.ts';
import { decodeToken, seriesFileName, windowFileName } from './window-files.ts';

// Looks at the state of tasks that nobody runs: checksums of every file, and that what checkpoints name is there. What is lost or
// damaged here is made anew from the log.

export interface VerifiedStateFile {
  readonly file: string;
  readonly verdict: 'ok' | 'damaged' | 'missing' | 'orphan';
  readonly detail: string;
}

/** Names of a store's files, from its token in the checkpoint. Stores of other kinds name theirs themselves. */
const NAMED_BY: Readonly<Record<string, (token: Uint8Array) => string[]>> = {
  'open-windows': (token) => {
    const { seriesFiles, windows } = decodeToken(token);
    return [...seriesFiles.map(seriesFileName), ...windows.map(windowFileName)];
  },
  'open-hours': (token) => decodeHourToken(token).hours.map(hourFileName),
};

/** Throws `DISK_*`. */
export async function* verifyState(disk: Disk, folder: string): AsyncGenerator<VerifiedStateFile> {
  for (const task of await disk.list(folder)) {
    if (!task.endsWith('/')) yield { file: `${folder}/${task}`, verdict: 'orphan', detail: 'nothing names it' };
    else yield* verifyTask(disk, `${folder}/${task.slice(0, -1)}`);
  }
}

async function* verifyTask(disk: Disk, folder: string): AsyncGenerator<VerifiedStateFile> {
  const checkpoint = yield* verifyManifest(disk, `${folder}/${MANIFEST_NAME}`);
  for (const name of await disk.list(folder)) {
    if (!name.endsWith('/')) {
      if (name !== MANIFEST_NAME) yield { file: `${folder}/${name}`, verdict: 'orphan', detail: 'nothing names it' };
      continue;
    }
    const store = name.slice(0, -1);
    yield* verifyStoreFiles(disk, `${folder}/${store}`, namedFiles(checkpoint, store));
  }
}

async function* verifyManifest(disk: Disk, file: string): AsyncGenerator<VerifiedStateFile, Checkpoint | undefined> {
  if (!(await disk.exists(file))) return undefined;
  try {
    const checkpoint = await readStateFile(disk, file, FILE_KIND.manifest, decodeCheckpoint);
    yield { file, verdict: 'ok', detail: `checkpoint ${checkpoint.sequence} of task ${checkpoint.taskId}` };
    return checkpoint;
  } catch (error) {
    if (!isTidemarkError(error) || error.code.startsWith('DISK_')) throw error;
    yield { file, verdict: 'damaged', detail: messageOf(error) };
    return undefined;
  }
}

/** Undefined when it cannot be known. */
function namedFiles(checkpoint: Checkpoint | undefined, store: string): Set<string> | undefined {
  const token = checkpoint?.tokens.get(store);
  const named = NAMED_BY[store];
  return token !== undefined && named !== undefined ? new Set(named(token)) : undefined;
}

async function* verifyStoreFiles(
  disk: Disk,
  folder: string,
  named: Set<string> | undefined,
): AsyncGenerator<VerifiedStateFile> {
  for (const name of await disk.list(folder)) {
    const file = `${folder}/${name}`;
    const isNamed = named?.delete(name) ?? true;
    if (isNamed) yield await verifyFile(disk, file);
    else yield { file, verdict: 'orphan', detail: 'the checkpoint does not name it' };
  }
  for (const name of named ?? []) {
    yield { file: `${folder}/${name}`, verdict: 'missing', detail: 'the checkpoint names it' };
  }
}

async function verifyFile(disk: Disk, file: string): Promise<VerifiedStateFile> {
  try {
    const bytes = await disk.read(file);
    const kind = bytes.length > 5 ? new ByteReader(bytes, 5).u8() : 0;
    openStateFile(bytes, kind as FileKind, file);
    const name = Object.entries(FILE_KIND).find(([, number]) => number === kind)?.[0];
    if (name === undefined) return { file, verdict: 'damaged', detail: `no state file is of kind ${kind}` };
    return { file, verdict: 'ok', detail: `${name}, ${bytes.length} bytes` };
  } catch (error) {
    if (!isTidemarkError(error) || error.code.startsWith('DISK_')) throw error;
    return { file, verdict: 'damaged', detail: messageOf(error) };
  }
}
