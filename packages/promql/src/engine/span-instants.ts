import { gapOf, type Spans } from '../value/spans.ts';

// Which value stands for a series at a moment, where rows stand for samples.
//
//              lookback
//   (────────────────────────]
//   (····)    (········)     at      between two rows: the last of the row before, if it is in the lookback
//             (········at··)         inside a row: its first, the newest value known not to be later; there only if a sample
//                                    would be in the lookback, were they to stand evenly
//
// Rows keep no stale markers. Between two rows nearer than the lookback a value is taken to stand, as it would in a scrape that
// goes on; where a series ends, it is seen for up to the lookback longer, which is told as uncertain.

/** Fills `values` and `present` as fillInstants does. Returns whether every value is certain. */
export function fillInstantsFromSpans(
  spans: Spans,
  lookbackMs: number,
  firstStepMs: number,
  stepMs: number,
  values: Float64Array,
  present: Uint8Array,
  times: boolean,
): boolean {
  const { length, firstMs, lastMs } = spans;
  let certain = true;
  let next = 0; // first span that begins after the moment looked at; only moves forward
  for (let k = 0; k < values.length; k++) {
    const atMs = firstStepMs + k * stepMs;
    while (next < length && (firstMs[next] as number) <= atMs) next++;
    const i = next - 1;
    if (i < 0 || spans.count[i] === 0) continue;
    const inside = (lastMs[i] as number) > atMs;
    const knownMs = (inside ? firstMs[i] : lastMs[i]) as number;
    if ((inside ? newestBefore(spans, i, atMs) : knownMs) <= atMs - lookbackMs) continue;
    values[k] = times ? knownMs / 1000 : ((inside ? spans.first[i] : spans.last[i]) as number);
    present[k] = 1;
    if (i < spans.rows && knownMs < atMs && (inside || endsHere(spans, i, lookbackMs))) certain = false;
  }
  return certain;
}

function newestBefore(spans: Spans, i: number, atMs: number): number {
  const firstMs = spans.firstMs[i] as number;
  const gap = gapOf(spans, i);
  return firstMs + Math.floor((atMs - firstMs) / gap) * gap;
}

/** Whether nothing comes after row `i` for as long as its last value would stand. */
function endsHere({ length, firstMs, lastMs }: Spans, i: number, lookbackMs: number): boolean {
  return i + 1 >= length || (firstMs[i + 1] as number) - (lastMs[i] as number) > lookbackMs;
}
