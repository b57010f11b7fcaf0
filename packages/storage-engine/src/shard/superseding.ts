import type { Window } from '../partition/window.ts';
import type { Shard } from './shard.ts';

// A window whose database was harmed while the engine had it closed, or fails under its hands, takes nothing more: what waits for it
// goes to a life that follows. What the database has stays where it is, read as far as it can be; the next start looks at it
// (partition/window-rescue.ts).
//
//   window  table │ flushing, pending          frozen, damaged: table
//                      └──────────────────▶    next life: flushing, pending

/**
 * The life that has now what waited; undefined when there is one already that came later: it must not be outranked.
 * `position`: of the checkpoint under way; the window has nothing from there on.
 */
export function supersede(shard: Shard, window: Window, position: number, error: unknown): Window | undefined {
  const { startMs } = window;
  if (shard.windows.get(startMs)?.at(-1) !== window) return undefined;
  const { frozenPosition } = window;
  window.unreadable(error);
  if (!window.frozen) window.frozenPosition = Math.max(1, position);
  const next = shard.windowFor(startMs);
  next.flushing.push(...window.flushing.splice(0));
  next.pending = window.pending;
  window.clearPending();
  next.frozenPosition = frozenPosition;
  return next;
}
