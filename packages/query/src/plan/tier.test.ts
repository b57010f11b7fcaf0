import type { SelectorUse } from '@tidemark/promql';
import { expect, test } from 'vitest';
import { AUTO, type Preference } from './preference.ts';
import { planTiers, type Tier } from './tier.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// 100 days after the epoch, 12:34:56: on no edge of anything.
const NOW = 100 * DAY + 12 * HOUR + 34 * MINUTE + 56_000;
const KEPT = { raw: 7 * DAY, '1m': 30 * DAY, '1h': 365 * DAY };

interface Case {
  /** Of the first and the last window's end, ms before now. */
  readonly from: number;
  readonly to?: number;
  readonly step?: number;
  readonly range?: number;
  readonly kind?: SelectorUse['kind'];
  readonly aligned?: boolean;
  readonly preference?: Preference;
  readonly kept?: Readonly<Record<Tier, number>>;
}

/** `1h<days> 1m<days> raw`: tiers, each with how many days before now it ends. */
function planned({
  from,
  to = 0,
  step = HOUR,
  range = 5 * MINUTE,
  kind = 'rows',
  aligned,
  preference = AUTO,
  kept = KEPT,
}: Case) {
  const onEdge = (ms: number) => (aligned === true ? Math.floor(ms / HOUR) * HOUR : ms);
  const firstMs = onEdge(NOW - from);
  const untilMs = onEdge(NOW - to);
  const use = {
    kind,
    functionName: undefined,
    columns: [],
    rangeMs: range,
    firstMs,
    stepMs: firstMs === untilMs ? 0 : step,
  };
  const pieces = planTiers({ afterMs: firstMs - range, untilMs, use, preference, nowMs: NOW, retentionMs: kept });
  let expectedMs = firstMs - range;
  for (const piece of pieces) {
    expect(piece.afterMs).toBe(expectedMs);
    expect(piece.untilMs).toBeGreaterThan(piece.afterMs);
    expectedMs = piece.untilMs;
  }
  expect(expectedMs).toBe(untilMs);
  return pieces
    .map((piece, i) =>
      i === pieces.length - 1 ? piece.tier : `${piece.tier}<${((NOW - piece.untilMs) / HOUR).toFixed(1)}h`,
    )
    .join(' ');
}

test.each<[string, Case, string]>([
  ['now alone', { from: 0 }, 'raw'],
  ['a day', { from: DAY }, 'raw'],
  ['all that raw has, aligned and coarse as it may be', { from: 6 * DAY, aligned: true, range: HOUR }, 'raw'],
  ['the last seven days: raw has not all of it', { from: 7 * DAY }, '1m<0.2h raw'],
  ['a rate over five minutes, four weeks', { from: 28 * DAY }, '1m<0.2h raw'],
  ['the same, hours on their edges', { from: 28 * DAY, range: HOUR, aligned: true }, '1h'],
  ['windows of many hours', { from: 28 * DAY, range: 6 * HOUR }, '1h<0.6h 1m<0.2h raw'],
  ['longer than minutes are kept', { from: 60 * DAY }, '1h<719.6h 1m<0.2h raw'],
  ['a step finer than any row: raw for as long as there is', { from: 8 * DAY, step: 15_000 }, '1m<167.6h raw'],
  ['instants between hours', { from: 28 * DAY, kind: 'instant' }, '1m<0.2h raw'],
  ['instants on hours', { from: 28 * DAY, kind: 'instant', aligned: true }, '1h'],
  ['what needs samples', { from: 28 * DAY, kind: 'samples' }, '1m<167.6h raw'],
  ['what needs samples, over a year', { from: 300 * DAY, kind: 'samples' }, '1h<719.6h 1m<167.6h raw'],
  ['what needs samples, in windows of hours', { from: 28 * DAY, kind: 'samples', range: 6 * HOUR }, '1m<167.6h raw'],
  ['one window of thirty days', { from: 0, range: 30 * DAY }, '1h<0.6h 1m<0.2h raw'],
  ['one moment, ten days ago', { from: 10 * DAY, to: 10 * DAY, kind: 'instant' }, '1m'],
  ['one moment, a hundred days ago', { from: 100 * DAY, to: 100 * DAY, kind: 'instant' }, '1h'],
  ['asked for raw', { from: 28 * DAY, preference: { kind: 'tier', tier: 'raw' } }, 'raw'],
  ['asked for minutes, though raw is there', { from: DAY, preference: { kind: 'tier', tier: '1m' } }, '1m<0.2h raw'],
  ['asked for hours', { from: DAY, preference: { kind: 'tier', tier: '1h' } }, '1h<0.6h 1m<0.2h raw'],
  ['nothing coarser than raw', { from: 28 * DAY, preference: { kind: 'auto', coarsestMs: 0 } }, 'raw'],
  [
    'nothing coarser than five minutes',
    { from: 60 * DAY, preference: { kind: 'auto', coarsestMs: 5 * MINUTE } },
    '1m<0.2h raw',
  ],
  ['no hours are kept', { from: 60 * DAY, kept: { ...KEPT, '1h': 0 } }, '1m<0.2h raw'],
  ['no minutes are kept', { from: 60 * DAY, kept: { ...KEPT, '1m': 0 } }, '1h<0.6h raw'],
  ['raw alone is kept', { from: 60 * DAY, kept: { raw: DAY, '1m': 0, '1h': 0 } }, 'raw'],
])('%s', (_what, question, plan) => {
  expect(planned(question)).toBe(plan);
});
