import type { TimeRange } from '@tidemark/model';
import type { Window } from '../partition/window.ts';
import type { Shard } from './shard.ts';

// What a damaged window of raw samples lacks may still be in the log. Records below the position are then read again, and what they have
// of such windows is applied again:
//
//   log     ────|──────────── given again ────────────|──── new ────▶
//               from                              position
//   window      life 0: damaged, answers warn
//               life 1: whatever comes again           complete: the log had every record, so life 0 goes with the next checkpoint
//                                                      else: both stay, and so does the warning
//
// They come in the order of the log and before anything new, so the last of each (series, time) stands as it did. The same bits again
// change nothing: a crash in between begins once more. A delete that comes by cuts these windows as it did then; nothing else freezes
// them meanwhile. Rows are not refilled: their log does not say what was deleted.

export interface Refill {
  /** Damaged lives, by the start of their window. */
  readonly windows: ReadonlyMap<number, readonly Window[]>;
  /** Starts of windows of which the log has every record. */
  readonly complete: ReadonlySet<number>;
  /** Lives of those windows that were there before, damaged or whole. */
  readonly before: ReadonlySet<Window>;
  /** Starts of windows of which anything came. */
  readonly received: Set<number>;
}

/** Windows that lack something and may be refilled. */
export function lackingWindows(shard: Shard): Window[] {
  if (shard.tier !== 'raw') return [];
  return [...shard.allWindows()].filter((window) => window.damage.length > 0 && !window.refilled);
}

/** Requires: records come from now on in the order of the log, from below the position. */
export function beginRefill(shard: Shard, complete: ReadonlySet<number>): void {
  const windows = new Map<number, Window[]>();
  for (const window of lackingWindows(shard)) {
    // What comes must not go where something is missing.
    if (!window.frozen) window.frozenPosition = Math.max(1, shard.position);
    windows.set(window.startMs, [...(windows.get(window.startMs) ?? []), window]);
  }
  const before = new Set([...windows.keys()].flatMap((startMs) => shard.windows.get(startMs) ?? []));
  if (windows.size > 0) shard.refill = { windows, complete, before, received: new Set() };
}

/** Whether a delete that comes again means anything in windows that are refilled. */
export function cutsRefill(shard: Shard, { startMs, endMs }: TimeRange): boolean {
  return [...(shard.refill?.windows.values() ?? [])].some((lives) =>
    lives.some((window) => window.startMs <= endMs && startMs < window.endMs),
  );
}

/** All that was to come again has come. Returns the windows that lack nothing any more. */
export function endRefill(shard: Shard): Window[] {
  const { refill } = shard;
  shard.refill = undefined;
  const whole: Window[] = [];
  for (const [startMs, lives] of refill?.windows ?? []) {
    if (!refill?.complete.has(startMs) || !refill.received.has(startMs)) continue;
    for (const window of lives) {
      window.refilled = true;
      window.damage.length = 0;
      whole.push(window);
    }
  }
  return whole;
}

/**
 * Windows of which all that came was refused are worth more than nothing: neither a life here nor a sealed one has what they have.
 * Requires: what came is in windows.
 */
export function keepBarren(shard: Shard): void {
  for (const [startMs, lives] of shard.windows) {
    const isSealed = shard.nextSequence(startMs) > (lives.at(-1)?.sequence ?? 0);
    if (isSealed || !lives.every(({ refilled }) => refilled)) continue;
    for (const window of lives) {
      window.refilled = false;
      window.noteDamage(`window ${window.path} is damaged, and nothing of it could be taken from the log`);
    }
  }
}
