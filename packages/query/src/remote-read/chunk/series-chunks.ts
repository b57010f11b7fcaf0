import { type NativeHistogram, type SelectedSeries, wordsOf } from '@tidemark/model';
import { continuesRun, FLOAT_HISTOGRAM_ENCODING, histogramChunk } from './histogram-chunk.ts';
import { XOR_ENCODING, xorChunk } from './xor-chunk.ts';

// A series as chunks, in the order of time: runs of numbers, runs of histograms, none longer than Prometheus makes them.

export interface Chunk {
  readonly encoding: number;
  /** Both ends are in it. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly bytes: Uint8Array;
}

// 120: what Prometheus cuts its own at; two hours at one a minute.
const SAMPLES_MOST = 120;

export function* seriesChunks({ timestampsMs, values, histograms }: SelectedSeries): Generator<Chunk> {
  const words = wordsOf(values);
  const timeOf = (i: number) => timestampsMs[i] as number;
  let next = 0;
  for (let at = 0; at < values.length; ) {
    const from = at;
    const first = histograms?.entries[next] === from ? histograms.histograms[next] : undefined;
    if (histograms === undefined || first === undefined) {
      const end = Math.min(from + SAMPLES_MOST, histograms?.entries[next] ?? values.length);
      at = end;
      const bytes = xorChunk(timestampsMs, words, from, end);
      yield { encoding: XOR_ENCODING, fromMs: timeOf(from), toMs: timeOf(end - 1), bytes };
      continue;
    }
    const run: NativeHistogram[] = [];
    for (; run.length < SAMPLES_MOST && histograms.entries[next] === at; at++, next++) {
      const one = histograms.histograms[next] as NativeHistogram;
      const before = run.at(-1);
      if (before !== undefined && !continuesRun(before, one)) break;
      run.push(one);
    }
    const bytes = histogramChunk(Array.from(timestampsMs.subarray(from, at)), run);
    yield { encoding: FLOAT_HISTOGRAM_ENCODING, fromMs: timeOf(from), toMs: timeOf(at - 1), bytes };
  }
}
