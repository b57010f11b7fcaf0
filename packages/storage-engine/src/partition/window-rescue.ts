import { isTidemarkError, type Logger } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { keptWindow, lookedAtWindow, QUARANTINE_FOLDER } from '../filename.ts';
import type { StorePool } from './store-pool.ts';
import type { Window } from './window.ts';
import { type LoadContext, loadWindow } from './window-reader.ts';

// A window's database may have been harmed since it was closed: a file cut short, gone, or with other bits. LevelDB writes in what it
// opens, and may end the process where bits of a table are wrong (level-store.ts), so:
//
//   windows/w ──twin──▶ quarantine/opening-w        links: the files as they were found
//       │ every block of its tables by its checksum; then LevelDB opens it
//       │ load: values by their checksums, absence by the manifest's counts
//       ├─ whole ────────────────────────────────── the twin goes
//       ├─ something is missing ─────────────────── the twin becomes quarantine/window-w; answers warn
//       └─ it must not be opened, or cannot, or has no manifest of the checkpoint:
//            a new database of whatever can be read in the files as they were ── load ── every block read too
//               ├─ whole after all ──────────────── the twin becomes quarantine/window-w, and that is all
//               └─ some of it, or nothing ───────── the same; answers warn
//
// The first twin that is kept of a window stays: the damage goes on being found at every start, and is the same. A crash in between
// leaves `opening-w`, and the next start begins from it.

export interface RescueContext extends LoadContext {
  readonly logger: Logger;
}

/** Paths of databases that a start, interrupted, had begun to look at; they may not be where they belong. */
export async function lookedAt(pool: StorePool, paths: readonly string[]): Promise<string[]> {
  const there = new Set(await pool.list(QUARANTINE_FOLDER));
  return paths.filter((path) => there.has(lastOf(lookedAtWindow(path, 'opening'))));
}

/** Every window was looked at: what is left are twins of windows that are not there any more, or were being made or removed. */
export async function forgetTwins(pool: StorePool): Promise<void> {
  const prefix = lastOf(lookedAtWindow('', 'opening'));
  for (const name of await pool.list(QUARANTINE_FOLDER)) {
    if (name.startsWith(prefix)) await pool.destroy(`${QUARANTINE_FOLDER}/${name}`);
  }
}

/**
 * The window that `make` gives, with what the durable checkpoint of `generation` says is there. What is broken or missing is damage
 * of it; its database as it was found is kept then. Throws `STORAGE_IO`.
 */
export async function rescueWindow(context: RescueContext, make: () => Window, generation: number): Promise<Window> {
  const { pool } = context;
  let window = make();
  const { path } = window;
  const aside = lookedAtWindow(path, 'opening');
  const there = new Set(await pool.list(QUARANTINE_FOLDER));
  let isAside = there.has(lastOf(aside));
  if (isAside) await putBack(pool, path, aside);
  const problem = await pool.whileClosed(path, (stores) => stores.problem(path));
  const isNew = problem !== undefined || !there.has(lastOf(keptWindow(path)));
  if (isNew && !isAside) isAside = await setAside(pool, path, aside, problem !== undefined);
  let trouble: Error | undefined;
  if (problem !== undefined) trouble = storageError('WINDOW_CORRUPT', `its database is damaged: ${problem}`, { path });
  else trouble = await attempt(() => loadWindow(context, window, generation));
  if (trouble !== undefined) {
    window = make();
    const isLost = await attempt(async () => {
      if (isAside) await salvage(pool, path, aside);
      await loadWindow(context, window, generation, { content: true });
      await readEveryBlock(window);
    });
    if (isLost !== undefined) window.unreadable(trouble);
  }
  if (trouble === undefined && window.damage.length === 0) {
    if (isAside) await pool.destroy(aside);
    return window;
  }
  let keptIn = keptWindow(path);
  for (let again = 2; isAside && there.has(lastOf(keptIn)); again++) keptIn = `${keptWindow(path)}-${again}`;
  if (isAside) await pool.whileClosed(path, (stores) => stores.rename(aside, keptIn));
  report(context, window, { isNew, keptIn: isAside || !isNew ? keptIn : path });
  return window;
}

/** False where the files cannot be kept without being moved, and nothing is known to be wrong. */
function setAside(pool: StorePool, path: string, aside: string, move: boolean): Promise<boolean> {
  return pool.whileClosed(path, async (stores) => {
    if (await stores.twin(path, aside)) return true;
    if (move) await stores.rename(path, aside);
    return move;
  });
}

function salvage(pool: StorePool, path: string, aside: string): Promise<void> {
  return pool.whileClosed(path, async (stores) => {
    await stores.destroy(path);
    await stores.salvage(aside, path);
  });
}

/** The error that what is there makes. Throws `STORAGE_IO`. */
async function attempt(work: () => Promise<void>): Promise<Error | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    // What may pass must not be taken for damage: the window would be sealed without what could not be read today.
    if (!isTidemarkError(error) || error.code === 'STORAGE_IO') throw error;
    return error;
  }
}

async function putBack(pool: StorePool, path: string, aside: string): Promise<void> {
  await pool.whileClosed(path, async (stores) => {
    await stores.destroy(path);
    await stores.twin(aside, path);
  });
}

// 64 blocks of 32 KiB.
const BLOCKS_AT_ONCE = 64;

/** Notes those that are not there any more: nothing counts them one by one but the index, and a reader is not to find out first. */
async function readEveryBlock(window: Window): Promise<void> {
  for (let at = 0; at < window.blockKeys.length; at += BLOCKS_AT_ONCE) {
    const count = Math.min(BLOCKS_AT_ONCE, window.blockKeys.length - at);
    await window.readBlocks(Array.from({ length: count }, (_, i) => at + i));
  }
}

function report(
  { logger, quarantine }: RescueContext,
  window: Window,
  { isNew, keptIn }: { readonly isNew: boolean; readonly keptIn: string },
): void {
  const [first, ...more] = window.damage;
  const facts = {
    window: window.path,
    from: new Date(window.startMs).toISOString(),
    to: new Date(window.endMs).toISOString(),
    keptIn,
    ...(first !== undefined && { damage: more.length === 0 ? first : `${first}, and ${more.length} more` }),
  };
  if (first === undefined) {
    quarantine('window-mended', window.path, undefined, 'a window was damaged; all of it could be mended', facts);
  } else if (isNew) {
    const todo =
      'stop it and put its folder back from a copy that has more of it, or leave it: answers over that time warn';
    quarantine('window', window.path, undefined, `a window is damaged and lacks samples: ${todo}`, facts);
  } else logger.warn('a window is damaged, as before: answers over that time warn', facts);
}

const lastOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
