// Which rows of a long list are worth having in the document.
//
//      ┌ 0 ─────────────┐
//      │   (space)      │
//   first ── rendered ──│  ◄─ scrollTop, less some rows of overscan
//      │   what is seen │
//   end ────────────────│  ◄─ scrollTop + height, plus overscan
//      │   (space)      │
//      └ count ─────────┘

/** Rows kept beyond each edge, so that a scroll or a Tab finds them there. */
export const overscanRows = 8;

export interface Shown {
  readonly first: number;
  /** Past the last. */
  readonly end: number;
}

export function visibleRows(count: number, rowPx: number, scrollTop: number, heightPx: number): Shown {
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / rowPx)) - overscanRows);
  const end = Math.min(count, Math.ceil((scrollTop + heightPx) / rowPx) + overscanRows);
  return { first, end: Math.max(first, end) };
}
