import { type OwnSample, sumOf } from './exposition.ts';

// What a look at the server's own metrics tells of taking in. Counters become rates between two looks; a counter that went
// down was begun anew, by a restart, and counts from zero.

export interface Look {
  /** Seconds. */
  readonly at: number;
  readonly samples: number;
  /** Samples refused so far, by reason. */
  readonly refused: ReadonlyMap<string, number>;
  readonly activeSeries: number | undefined;
  readonly residentBytes: number | undefined;
  readonly heapBytes: number | undefined;
  readonly cpuSeconds: number | undefined;
  readonly rollupLag: number | undefined;
  readonly logBytes: number | undefined;
}

const refusals = [
  'tidemark_ingest_refused_total',
  'tidemark_scrape_samples_refused_total',
  'tidemark_host_samples_refused_total',
];
/** What storage turned away after the log had it; the other outcomes are no loss. */
const refusedOutcomes = new Set(['conflict', 'out_of_order', 'too_old', 'time_invalid', 'series_refused']);

function refusedByReason(samples: readonly OwnSample[]): Map<string, number> {
  const found = new Map<string, number>();
  const add = (reason: string, value: number) => found.set(reason, (found.get(reason) ?? 0) + value);
  for (const { name, labels, value } of samples) {
    if (refusals.includes(name)) add(labels['reason'] ?? 'unnamed', value);
    const outcome = labels['outcome'] ?? '';
    if (name === 'tidemark_storage_entries_total' && labels['tier'] === 'raw' && refusedOutcomes.has(outcome)) {
      add(`${outcome} (in storage)`, value);
    }
  }
  return found;
}

export function lookAt(samples: readonly OwnSample[], at: number): Look {
  return {
    at,
    samples: sumOf(samples, 'tidemark_ingest_samples_total') ?? 0,
    refused: refusedByReason(samples),
    activeSeries: sumOf(samples, 'tidemark_ingest_active_series'),
    residentBytes: sumOf(samples, 'process_resident_memory_bytes'),
    heapBytes: sumOf(samples, 'process_heap_bytes'),
    cpuSeconds: sumOf(samples, 'process_cpu_seconds_total'),
    rollupLag: sumOf(samples, 'tidemark_rollup_lag_records'),
    logBytes: sumOf(samples, 'tidemark_log_journal_bytes'),
  };
}

/** Looks kept: a quarter of an hour at one every 5 s. */
export const looksMax = 180;

/** Looks closer together tell nothing of a rate: counters move in steps. */
const looksApartSeconds = 1;

export function withLook(before: readonly Look[], look: Look): readonly Look[] {
  const last = before.at(-1);
  if (last !== undefined && look.at < last.at + looksApartSeconds) return before;
  return [...before, look].slice(-looksMax);
}

/** Growth a second between two values of a counter; undefined without two. */
export function perSecond(
  from: { readonly at: number; readonly value: number | undefined } | undefined,
  to: { readonly at: number; readonly value: number | undefined } | undefined,
): number | undefined {
  if (from?.value === undefined || to?.value === undefined || to.at <= from.at) return undefined;
  const grown = to.value >= from.value ? to.value - from.value : to.value;
  return grown / (to.at - from.at);
}

type Counter = (look: Look) => number | undefined;

/** The rates from each look to the next. */
export function ratesOf(looks: readonly Look[], counter: Counter): (number | null)[] {
  return looks.slice(1).map((look, i) => {
    const before = looks[i] as Look;
    return perSecond({ at: before.at, value: counter(before) }, { at: look.at, value: counter(look) }) ?? null;
  });
}

/** The rate over the last `overSeconds`, steadier than that between two looks. */
export function recentRate(looks: readonly Look[], counter: Counter, overSeconds = 30): number | undefined {
  const last = looks.at(-1);
  const from = last && looks.find((look) => look.at >= last.at - overSeconds && look !== last);
  if (last === undefined || from === undefined) return undefined;
  return perSecond({ at: from.at, value: counter(from) }, { at: last.at, value: counter(last) });
}

export function refusedTotal(look: Look): number {
  return [...look.refused.values()].reduce((sum, count) => sum + count, 0);
}
