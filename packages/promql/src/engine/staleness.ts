import { isStaleAt } from '@tidemark/model';

// Which sample stands for a series at a moment.
//
//        lookback
//   (──────────────────]            the newest sample in (at - lookback, at]; none if that one is a stale marker
//     s      s    s    at

export interface Lookback {
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** The same values as 32-bit words, to know the stale marker by its bits. */
  readonly words: Uint32Array;
  readonly lookbackMs: number;
}

/**
 * Fills `values` and `present` for steps at `firstMs + k * stepMs`; with `times`, the sample's own time in seconds instead
 * of its value.
 *
 * Requires `present` all zero.
 */
export function fillInstants(
  source: Lookback,
  firstMs: number,
  stepMs: number,
  values: Float64Array,
  present: Uint8Array,
  times: boolean,
): void {
  const { timestampsMs, words, lookbackMs } = source;
  const count = timestampsMs.length;
  const steps = values.length;
  let next = 0; // first sample after the moment looked at; only moves forward
  for (let k = 0; k < steps; k++) {
    const atMs = firstMs + k * stepMs;
    while (next < count && (timestampsMs[next] as number) <= atMs) next++;
    if (next === 0) continue;
    const index = next - 1;
    const sampleMs = timestampsMs[index] as number;
    if (sampleMs <= atMs - lookbackMs || isStaleAt(words, index)) continue;
    values[k] = times ? sampleMs / 1000 : (source.values[index] as number);
    present[k] = 1;
  }
}
