import { decodeHistogram, type NativeHistogram, type SelectedHistograms } from '@tidemark/model';
import type { Columns } from '../chunk/columns.ts';
import type { Entries } from './decode.ts';

/** Those among entries `[from, to)`, numbered from `from`; undefined: all of them are numbers. */
export function selectedHistograms(
  all: Columns['histograms'],
  from: number,
  to: number,
): SelectedHistograms | undefined {
  if (all === undefined) return undefined;
  const entries: number[] = [];
  const histograms: NativeHistogram[] = [];
  for (let i = from; i < to; i++) {
    const bytes = all[i];
    if (bytes === undefined) continue;
    entries.push(i - from);
    histograms.push(decodeHistogram(bytes));
  }
  return entries.length === 0 ? undefined : { entries: Uint32Array.from(entries), histograms };
}

// Two doubles: what a number and its time take.
const SAMPLE_BYTES = 16;

/** How many samples entries count for: a histogram for one, and for as many more as would take the memory that it does. */
export function weightOf({ columns: { histograms }, from, to }: Entries): number {
  let weight = to - from;
  if (histograms === undefined) return weight;
  for (let i = from; i < to; i++) weight += Math.floor((histograms[i]?.length ?? 0) / SAMPLE_BYTES);
  return weight;
}
