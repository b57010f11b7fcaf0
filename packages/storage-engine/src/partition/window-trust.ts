import { storageError } from '../errors.ts';
import { KIND_BLOCK, keyRange } from './keys.ts';
import type { Window } from './window.ts';
import { type LoadContext, loadWindow } from './window-reader.ts';

// A write to a window's database failed: the disk was full, or there were too many open files, or a sync came back with an error. What
// LevelDB makes of that nobody knows (store-pool.ts), so before it is written again
//
//   nothing durable in it yet ──▶ it is removed, and begins anew
//   else                      ──▶ closed ─ its files looked at ─ opened ─ what is newer than the checkpoint taken back
//                                   ─ pages, counts and blocks compared with what is in memory

export interface TrustContext extends LoadContext {
  /** An empty window over the same database. */
  readonly again: (window: Window) => Window;
}

/** Requires: no write of it is under way. Throws `STORAGE_IO`, and `WINDOW_CORRUPT` where something that was durable is not there. */
export async function lookAgain(context: TrustContext, window: Window): Promise<void> {
  const { pool } = context;
  const { path, generation } = window;
  if (generation === 0) {
    await pool.whileShut(path, (stores) => stores.destroy(path));
    window.attempted = 0;
    return pool.trust(path);
  }
  const problem = await pool.whileShut(path, (stores) => stores.problem(path));
  if (problem !== undefined) throw lost(window, problem);
  const found = context.again(window);
  await loadWindow(context, found, generation);
  window.attempted = generation;
  if (found.damage.length > 0) throw lost(window, found.damage.join(', '));
  const [there, known] = [sumsOf(found), sumsOf(window)];
  if (there !== known) throw lost(window, `it has ${there} of ${known}`);
  const blocks = await countBlocks(context, window);
  if (blocks !== window.blockKeys.length) throw lost(window, `it has ${blocks} blocks of ${window.blockKeys.length}`);
  pool.trust(path);
}

const sumsOf = ({ table, samples, blockKeys }: Window) =>
  `${table.count} chunks, ${samples} samples, ${blockKeys.length} blocks named`;

function countBlocks({ pool }: TrustContext, window: Window): Promise<number> {
  // Blocks of attempts that came to nothing lie among them.
  const known = new Set(window.blockKeys.map(textOf));
  return pool.use(window.path, async (store) => {
    let count = 0;
    for (const tenant of window.counts.keys()) {
      const { from, to } = keyRange(tenant, KIND_BLOCK);
      for await (const key of store.keys(from, to)) if (known.has(textOf(key))) count++;
    }
    return count;
  });
}

const textOf = (key: Uint8Array) => Buffer.from(key).toString('latin1');

function lost(window: Window, what: string): Error {
  return storageError('WINDOW_CORRUPT', `after a write that failed: ${what}`, { path: window.path });
}
