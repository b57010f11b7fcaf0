import type { TimeRange } from '@tidemark/model';
import type { Columns } from '../chunk/columns.ts';
import { replaces } from '../head/resolve.ts';
import type { Run } from './chunk-ref.ts';

/**
 * Merges runs into `into`, emptied before: times strictly rising inside the range, each decided as resolve.ts says (rank is log
 * order). Returns how many entries were replaced or repeated.
 */
export function mergeRuns(runs: readonly Run[], range: TimeRange, into: Columns, scratch: Columns): number {
  into.reset();
  const sorted = [...runs].sort((a, b) => firstOf(a) - firstOf(b));
  if (disjoint(sorted)) {
    for (const run of sorted) addClipped(run, range, into);
    return 0;
  }
  return mergeOverlapping(runs, range, into, scratch);
}

function firstOf(run: Run): number {
  return run.columns.timestampsMs[run.from] as number;
}

function disjoint(sorted: readonly Run[]): boolean {
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const run of sorted) {
    if (!run.rising || firstOf(run) <= lastMs) return false;
    lastMs = run.columns.timestampsMs[run.to - 1] as number;
  }
  return true;
}

function addClipped(run: Run, { startMs, endMs }: TimeRange, into: Columns): void {
  const times = run.columns.timestampsMs;
  const from = lowerBound(times, run.from, run.to, startMs);
  const to = lowerBound(times, from, run.to, endMs);
  if (to > from) into.addRange(run.columns, from, to);
}

function mergeOverlapping(runs: readonly Run[], { startMs, endMs }: TimeRange, into: Columns, all: Columns): number {
  all.reset();
  let total = 0;
  for (const run of runs) total += run.to - run.from;
  const ranks = new Float64Array(total);
  for (const run of runs) {
    ranks.fill(run.rank, all.length, all.length + run.to - run.from);
    all.addRange(run.columns, run.from, run.to);
  }
  const times = all.timestampsMs;
  const order = new Uint32Array(total);
  for (let i = 0; i < total; i++) order[i] = i;
  // Entries of one run stand in arrival order, so the index decides among equals.
  order.sort(
    (a, b) => (times[a] as number) - (times[b] as number) || (ranks[a] as number) - (ranks[b] as number) || a - b,
  );
  let replaced = 0;
  for (const i of order) {
    const time = times[i] as number;
    if (time < startMs || time >= endMs) continue;
    const last = into.length - 1;
    if (last >= 0 && into.timestampsMs[last] === time) {
      replaced++;
      if (!replaces(into.columns, last, all.columns, i)) continue;
      into.length = last;
    }
    into.addRange(all, i, i + 1);
  }
  return replaced;
}

/** First index in `[from, to)` whose time is at or above `time`. */
export function lowerBound(times: Float64Array, from: number, to: number, time: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((times[middle] as number) < time) from = middle + 1;
    else to = middle;
  }
  return from;
}
