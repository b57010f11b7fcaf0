import { RESOLUTION_MS, type Resolution, TIME_POLICY } from '@tidemark/model';
import type { SelectorUse } from '@tidemark/promql';
import type { Preference } from './preference.ts';

// Which tier answers which part of what a selector reads.
//
//                    1m gone          raw gone        ready: rows are final
//   ───────────────────┼─────────────────┼──────────────────┼──── now
//   all young                            [═══════ raw ══════════════]     exactly what a query means: always, if raw has it all
//   reaches back, step of a minute or more, and rows say it
//     [════ 1h ════════╪═════════════ 1m ═══════════════════╪═ raw ═]     or 1h up to its own ready edge, where it says as much
//   reaches back, and needs samples or a finer step
//     [════ 1h ════════╪══════ 1m ═══════╪═══════════ raw ══════════]
//
// Edges between tiers are edges of the coarser one's rows, so no window of rows is doubled and none is missing.

export type Tier = 'raw' | Resolution;

/** How long each tier is kept, ms; 0: it is not. Raw always is. */
export type TierRetention = Readonly<Record<Tier, number>>;

/** `(afterMs, untilMs]` of one tier. */
export interface Piece {
  readonly tier: Tier;
  readonly afterMs: number;
  readonly untilMs: number;
}

export interface TierQuestion {
  readonly afterMs: number;
  readonly untilMs: number;
  readonly use: SelectorUse;
  readonly preference: Preference;
  readonly nowMs: number;
  readonly retentionMs: TierRetention;
}

const MINUTE_MS = RESOLUTION_MS['1m'];
const HOUR_MS = RESOLUTION_MS['1h'];

/**
 * How long after their end rows may still come or change. Points are folded until grace is over; as long again for the last
 * rows' way through the log. An hour's row is folded of rows that are final by then.
 */
export const ROWS_SETTLE_MS: Readonly<Record<Resolution, number>> = {
  '1m': 2 * TIME_POLICY.graceMs,
  '1h': 3 * TIME_POLICY.graceMs,
};

/** An edge cut by a row is at most this part of the window: rows that much shorter than the range are near enough. */
const ROWS_PER_RANGE = 5;

/** Oldest first, touching, none empty. */
export function planTiers(question: TierQuestion): Piece[] {
  const { afterMs, untilMs } = question;
  const { hoursMs, minutesMs } = rowsUntil(question);
  const pieces: Piece[] = [];
  let fromMs = afterMs;
  const take = (tier: Tier, edgeMs: number) => {
    const toMs = Math.min(edgeMs, untilMs);
    if (toMs <= fromMs) return;
    pieces.push({ tier, afterMs: fromMs, untilMs: toMs });
    fromMs = toMs;
  };
  take('1h', hoursMs);
  take('1m', minutesMs);
  take('raw', untilMs);
  return pieces;
}

interface RowsUntil {
  readonly hoursMs: number;
  readonly minutesMs: number;
}

const NO_ROWS: RowsUntil = { hoursMs: Number.NEGATIVE_INFINITY, minutesMs: Number.NEGATIVE_INFINITY };

/** Where rows of an hour end, and after them those of a minute. */
function rowsUntil(question: TierQuestion): RowsUntil {
  const { afterMs, use, preference, nowMs, retentionMs } = question;
  const only = preference.kind === 'tier' ? preference.tier : undefined;
  const coarsestMs = preference.kind === 'tier' ? Number.POSITIVE_INFINITY : preference.coarsestMs;
  const rawGoneMs = nowMs - retentionMs.raw;
  if (only === 'raw' || (only === undefined && afterMs >= rawGoneMs)) return NO_ROWS;
  const minutes = retentionMs['1m'] > 0 && MINUTE_MS <= coarsestMs;
  const hours = retentionMs['1h'] > 0 && HOUR_MS <= coarsestMs && only !== '1m';
  const needsRaw = only === undefined && (use.kind === 'samples' || (use.stepMs > 0 && use.stepMs < MINUTE_MS));
  const rowsMs = needsRaw ? ceilTo(rawGoneMs, HOUR_MS) : Number.POSITIVE_INFINITY;
  const minutesGoneMs = minutes ? ceilTo(nowMs - retentionMs['1m'], HOUR_MS) : rowsMs;
  const hoursMs = only === '1h' || suffices(use, HOUR_MS) ? rowsMs : minutesGoneMs;
  return {
    hoursMs: hours ? Math.min(hoursMs, rowsMs, settled('1h', nowMs)) : Number.NEGATIVE_INFINITY,
    minutesMs: minutes ? Math.min(rowsMs, settled('1m', nowMs)) : Number.NEGATIVE_INFINITY,
  };
}

/** Rows that end no later are final. */
export function settled(tier: Resolution, nowMs: number): number {
  return floorTo(nowMs - ROWS_SETTLE_MS[tier], RESOLUTION_MS[tier]);
}

/** Whether rows of this length say the same, or nearly, as shorter ones. */
export function suffices({ kind, rangeMs, firstMs, stepMs }: SelectorUse, rowMs: number): boolean {
  // The more values there are to stand for samples, the better.
  if (kind === 'samples' || (stepMs > 0 && stepMs < rowMs)) return false;
  const onEdges = firstMs % rowMs === 0 && stepMs % rowMs === 0;
  if (kind === 'instant') return onEdges;
  return (onEdges && rangeMs % rowMs === 0) || rowMs * ROWS_PER_RANGE <= rangeMs;
}

function floorTo(ms: number, unitMs: number): number {
  return Math.floor(ms / unitMs) * unitMs;
}

function ceilTo(ms: number, unitMs: number): number {
  return Math.ceil(ms / unitMs) * unitMs;
}
