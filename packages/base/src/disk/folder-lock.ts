import { isTidemarkError, messageOf } from '../error.ts';
import type { Processes, ProcessMark } from '../processes.ts';
import type { Disk } from './disk.ts';

// One process at a time on one folder.
//
//   lock   "pid 4711 started 8835512\n"     created exclusively, removed at close
//
// A lock whose process is gone is taken over. The start time tells a process from a later one that was given its number
// (in a container everyone is pid 1); where the system does not tell it, the number alone decides. A taker moves the stale
// lock away before it creates its own, and looks at what it moved: of two takers one finds the other's and gives it back.

export const LOCK_NAME = 'lock';

/** What to throw: the folder, for people, and who has it. */
export type LockedBy = (folder: string, pid: number) => Error;

export class FolderLock {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #inProcess: string;

  private constructor(disk: Disk, path: string, inProcess: string) {
    this.#disk = disk;
    this.#path = path;
    this.#inProcess = inProcess;
  }

  /** Requires: the folder is there. Throws what `locked` makes, `DISK_*`. */
  static async take(disk: Disk, folder: string, processes: Processes, locked: LockedBy): Promise<FolderLock> {
    const path = `${folder}/${LOCK_NAME}`;
    const place = disk.nativePath ? disk.nativePath(folder) : folder;
    // Within this process the marks are the same: remember who holds what.
    const inProcess = `${diskNumber(disk)}:${place}`;
    if (HELD_HERE.has(inProcess)) throw locked(place, processes.self.pid);
    HELD_HERE.add(inProcess);
    try {
      await create(disk, path, processes, (pid) => locked(place, pid));
      return new FolderLock(disk, path, inProcess);
    } catch (error) {
      HELD_HERE.delete(inProcess);
      throw error;
    }
  }

  async release(): Promise<void> {
    HELD_HERE.delete(this.#inProcess);
    await this.#disk.remove(this.#path);
  }
}

const HELD_HERE = new Set<string>();
const DISK_NUMBERS = new WeakMap<Disk, number>();
let disks = 0;

/** Real disks are told apart by their folders, simulated ones by who they are. */
function diskNumber(disk: Disk): number {
  if (disk.nativePath) return 0;
  const number = DISK_NUMBERS.get(disk) ?? ++disks;
  DISK_NUMBERS.set(disk, number);
  return number;
}

// 3: a stale lock, one lost race, and then it is somebody's.
const ATTEMPTS_MAX = 3;

async function create(disk: Disk, path: string, processes: Processes, locked: (pid: number) => Error): Promise<void> {
  const mine = encode(processes.self);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (await disk.createExclusive(path, mine)) return;
    const holder = await readMark(disk, path);
    if (!holder) continue;
    if (!isSame(holder, processes.self) && (await processes.isAlive(holder))) throw locked(holder.pid);
    await moveAway(disk, path, holder, processes.self);
  }
  const holder = await readMark(disk, path);
  throw locked(holder?.pid ?? 0);
}

async function moveAway(disk: Disk, path: string, stale: ProcessMark, self: ProcessMark): Promise<void> {
  const aside = `${path}.stale-${self.pid}`;
  try {
    await disk.rename(path, aside);
  } catch (error) {
    if (isTidemarkError(error, 'DISK_NOT_FOUND')) return;
    throw error;
  }
  const moved = await readMark(disk, aside);
  // Another taker was faster and this is its lock: back with it.
  if (moved && !isSame(moved, stale)) await disk.createExclusive(path, encode(moved));
  await disk.remove(aside);
}

async function readMark(disk: Disk, path: string): Promise<ProcessMark | undefined> {
  try {
    const text = new TextDecoder().decode(await disk.read(path));
    const match = /^pid (\d+) started (\S*)/.exec(text);
    return { pid: Number(match?.[1] ?? 0), started: match?.[2] ?? '' };
  } catch (error) {
    if (isTidemarkError(error, 'DISK_NOT_FOUND')) return undefined;
    throw new Error(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function encode(mark: ProcessMark): Uint8Array {
  return new TextEncoder().encode(`pid ${mark.pid} started ${mark.started}\n`);
}

function isSame(a: ProcessMark, b: ProcessMark): boolean {
  return a.pid === b.pid && (a.started === b.started || a.started === '' || b.started === '');
}
