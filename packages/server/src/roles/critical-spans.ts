import { TidemarkError } from '@tidemark/base';
import { CRITICAL_SPANS_MAX, type CriticalSpan } from '@tidemark/ingest';

// Which metrics were critical when, as all processes that take samples in agree on it: one record of the config topic.
//
//   key    critical-metrics
//   value  {"version":0,"spans":[{"from":null,"metrics":[]},{"from":1795003200000,"metrics":["up","http_.*"]}]}
//
//   now ──lead──▶|          |end of an hour: the new list holds for samples after it
//          every process hears of the change in here, before it can meet such a sample
//
// `from` is null for the beginning of time. A change waits for the end of an hour, because rows of an hour are folded by topic; and
// for the lead, because others have to hear of it first. A list that nobody can have met yet is replaced.

export const CRITICAL_KEY = 'critical-metrics';
const VERSION = 0;
const HOUR_MS = 3_600_000;
// 15 min: ten that samples may be ahead of time, and five in which everybody has heard, or takes nothing more (critical.ts).
export const CRITICAL_LEAD_MS: number = 15 * 60_000;

export interface ChangeFacts {
  readonly nowMs: number;
  /** Nothing was ever sent: no sample has gone by any topic. */
  readonly isLogEmpty: boolean;
  /** Samples older than this are not let in. */
  readonly retentionMs: number;
}

/**
 * The record with these metrics as the last word; undefined when they are it already. Throws `CRITICAL_CHANGES_TOO_MANY`.
 */
export function changeSpans(
  spans: readonly CriticalSpan[],
  metrics: readonly string[],
  { nowMs, isLogEmpty, retentionMs }: ChangeFacts,
): readonly CriticalSpan[] | undefined {
  const always = { fromMs: Number.NEGATIVE_INFINITY };
  if (spans.length === 0 && isLogEmpty && metrics.length > 0) return [{ ...always, metrics }];
  const known = spans.length === 0 ? [{ ...always, metrics: [] }] : spans;
  if (isSame(known.at(-1), metrics)) return undefined;
  const leadMs = nowMs + CRITICAL_LEAD_MS;
  const met = known.filter(({ fromMs }) => fromMs < leadMs);
  const needed = met.slice(met.findLastIndex(({ fromMs }) => fromMs <= nowMs - retentionMs));
  const kept = needed.map((span, i) => (i === 0 ? { ...span, ...always } : span));
  if (isSame(kept.at(-1), metrics)) return kept;
  if (kept.length >= CRITICAL_SPANS_MAX) {
    throw new TidemarkError(
      'CRITICAL_CHANGES_TOO_MANY',
      `ingest.critical changed ${kept.length} times within ${retentionMs} ms (store.retentionRaw), and no more are remembered; put the list back as it was, and change it later`,
      { changes: kept.length },
    );
  }
  return [...kept, { fromMs: Math.ceil(leadMs / HOUR_MS) * HOUR_MS, metrics }];
}

function isSame(span: CriticalSpan | undefined, metrics: readonly string[]): boolean {
  return JSON.stringify(span?.metrics.toSorted()) === JSON.stringify(metrics.toSorted());
}

interface Written {
  readonly version: number;
  readonly spans: readonly { readonly from: number | null; readonly metrics: readonly string[] }[];
}

export function encodeSpans(spans: readonly CriticalSpan[]): Uint8Array {
  const written: Written = {
    version: VERSION,
    // JSON has no -Infinity.
    spans: spans.map(({ fromMs, metrics }) => ({ from: Number.isFinite(fromMs) ? fromMs : null, metrics })),
  };
  return Buffer.from(JSON.stringify(written), 'utf8');
}

/** Throws `CRITICAL_RECORD_MALFORMED`. */
export function decodeSpans(value: Uint8Array): readonly CriticalSpan[] {
  try {
    const { version, spans } = JSON.parse(Buffer.from(value).toString('utf8')) as Written;
    if (version !== VERSION) throw new Error(`its version is ${version}`);
    if (spans.length === 0 || spans.length > CRITICAL_SPANS_MAX) throw new Error(`it has ${spans.length} spans`);
    return spans.map(({ from, metrics }) => {
      if (metrics.some((one) => typeof one !== 'string')) throw new Error('a metric is no text');
      return { fromMs: from ?? Number.NEGATIVE_INFINITY, metrics };
    });
  } catch (cause) {
    throw new TidemarkError(
      'CRITICAL_RECORD_MALFORMED',
      `the record ${CRITICAL_KEY} of the config topic says nothing about critical metrics: ${String(cause)}`,
      {},
      cause,
    );
  }
}
