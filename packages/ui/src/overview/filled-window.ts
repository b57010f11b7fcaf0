import type { RangeSeries } from '../api/types.ts';
import type { Window } from '../time/range.ts';

// In the first minutes of a server's life a chart of a quarter of an hour would be an empty sheet with a sliver of life at its
// right edge. While the metrics are younger than the window, it begins where they begin:
//
//   |                         ##|     becomes     |###########################|
//   start                  first end              first                     end

/** Never shorter than this, so that a single sample does not make an axis of nothing. */
export const filledSecondsMin = 60;

/** The earliest sample's time in an answer, or undefined when there is none. */
export function firstSampleAt(answer: readonly RangeSeries[]): number | undefined {
  const firsts = answer.flatMap((series) => (series.values?.[0] === undefined ? [] : [series.values[0][0]]));
  return firsts.length === 0 ? undefined : Math.min(...firsts);
}

export function filledWindow(window: Window, first: number | undefined): Window {
  if (first === undefined || first <= window.start) return window;
  return { start: Math.max(window.start, Math.min(first, window.end - filledSecondsMin)), end: window.end };
}
