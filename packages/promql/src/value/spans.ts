import type { Labels } from '@tidemark/model';

// What is known of a series where its samples are gone: a span for each rollup row, and where samples are still there, one for
// each of them, in one list that rises in time.
//
//   rows                                                   samples
//   (first ······· last) (first ······ last) (first··last)  ·  ·  ·  ·
//   └ firstMs      └ lastMs                                 firstMs = lastMs, count 1, everything else the value
//
// Spans never overlap: lastMs of one is before firstMs of the next, so a window cuts at most two of them, one at each edge. What
// it cuts is answered as well as it can be (function/from-spans.ts); all else exactly, whatever tiers the spans come from.

export interface Spans {
  readonly length: number;
  /** How many of them, from the front, are rows. */
  readonly rows: number;
  /** 0: a stale marker; only among samples. */
  readonly count: Float64Array;
  /** Neumaier pair. */
  readonly sum: Float64Array;
  readonly compensation: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly first: Float64Array;
  readonly firstMs: Float64Array;
  readonly last: Float64Array;
  readonly lastMs: Float64Array;
  /** Growth inside the span, falls taken as resets. */
  readonly increase: Float64Array;
}

export const SPAN_COLUMNS = [
  'count',
  'sum',
  'compensation',
  'min',
  'max',
  'first',
  'firstMs',
  'last',
  'lastMs',
  'increase',
] as const satisfies readonly (keyof Spans)[];

export type SpanColumn = (typeof SPAN_COLUMNS)[number];

/** Numbers a span is: what it counts as against limits on samples. */
export const SPAN_SLOTS = SPAN_COLUMNS.length;

export interface SpanSeries {
  readonly labels: Labels;
  readonly spans: Spans;
}

const NONE = new Float64Array(0);

/** Room for spans; columns that are not named stay empty, and nobody may read them. */
export function makeSpans(length: number, rows: number, columns: readonly SpanColumn[] = SPAN_COLUMNS): Spans {
  const column = (name: SpanColumn) => (columns.includes(name) ? new Float64Array(length) : NONE);
  return {
    length,
    rows,
    count: column('count'),
    sum: column('sum'),
    compensation: column('compensation'),
    min: column('min'),
    max: column('max'),
    first: column('first'),
    firstMs: column('firstMs'),
    last: column('last'),
    lastMs: column('lastMs'),
    increase: column('increase'),
  };
}

/** Average distance of the span's samples, as if they stood evenly; 0 where there is one. */
export function gapOf(spans: Spans, i: number): number {
  const count = spans.count[i] as number;
  return count > 1 ? ((spans.lastMs[i] as number) - (spans.firstMs[i] as number)) / (count - 1) : 0;
}

/** How many of the span's samples lie in `(afterMs, untilMs]`: known where it lies inside, else as if they stood evenly. */
export function countInside(spans: Spans, i: number, afterMs: number, untilMs: number): number {
  const firstMs = spans.firstMs[i] as number;
  const lastMs = spans.lastMs[i] as number;
  const count = spans.count[i] as number;
  if (firstMs > untilMs || lastMs <= afterMs) return 0;
  const gap = gapOf(spans, i);
  const through = lastMs <= untilMs ? count : upTo(untilMs - firstMs, gap);
  const before = firstMs > afterMs ? 0 : upTo(afterMs - firstMs, gap);
  return Math.max(0, Math.min(count, through) - before);
}

function upTo(distanceMs: number, gap: number): number {
  return Math.floor(distanceMs / gap) + 1;
}
