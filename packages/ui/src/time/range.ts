// A view's window of time: how long, and where it ends. `end: null` follows the clock.
//
//            span
//   |<----------------->|
//   from               end      end = null: the right edge moves with now

export interface TimeRange {
  readonly spanSeconds: number;
  /** Seconds since the epoch; null follows the clock. */
  readonly end: number | null;
}

export interface Window {
  readonly start: number;
  readonly end: number;
}

export const rangeChoices: readonly { readonly label: string; readonly seconds: number }[] = [
  { label: '15m', seconds: 900 },
  { label: '1h', seconds: 3600 },
  { label: '6h', seconds: 21_600 },
  { label: '24h', seconds: 86_400 },
  { label: '7d', seconds: 604_800 },
];

export const defaultRange: TimeRange = { spanSeconds: 900, end: null };

/** Below this a drag over a chart was a click. */
export const zoomSecondsMin = 10;

export function windowOf(range: TimeRange, now: number): Window {
  const end = range.end ?? now;
  return { start: end - range.spanSeconds, end };
}

/** The window on the grid of its step: equal questions get equal answers, and caches can meet them. */
export function alignedWindow(range: TimeRange, now: number, stepSeconds: number): Window {
  const { start, end } = windowOf(range, now);
  return { start: Math.floor(start / stepSeconds) * stepSeconds, end: Math.floor(end / stepSeconds) * stepSeconds };
}

/** The range seen after dragging from `from` to `to`, or undefined when the drag was too short to mean one. */
export function zoomed(from: number, to: number): TimeRange | undefined {
  const start = Math.floor(Math.min(from, to));
  const end = Math.ceil(Math.max(from, to));
  return end - start < zoomSecondsMin ? undefined : { spanSeconds: end - start, end };
}

/** Half a window back (-1) or forward (+1). Moving past now follows the clock again. */
export function shifted(range: TimeRange, direction: -1 | 1, now: number): TimeRange {
  const end = Math.round((range.end ?? now) + (direction * range.spanSeconds) / 2);
  return { spanSeconds: range.spanSeconds, end: end >= now ? null : end };
}
