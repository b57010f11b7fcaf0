import { ByteReader, ByteWriter } from '@tidemark/base';
import { METRIC_NAME } from '@tidemark/model';
import type { Turns } from '../read/turns.ts';
import type { SegmentIndex } from './segment-index.ts';

// What each metric of a tenant takes in a segment, so that bytes can be told by metric without reading an index.
//
//   metrics := metrics uvarint | (name text | series uvarint | samples uvarint | bytes uvarint)*       by name
//
// Bytes are those of its chunks before compression and its share is by them: blocks and index are common to neighbours.

export interface MetricTotals {
  readonly metric: string;
  readonly series: number;
  readonly samples: number;
  /** Of its chunks, not compressed. */
  readonly bytes: number;
}

export function encodeMetrics(metrics: readonly MetricTotals[]): Uint8Array {
  const writer = new ByteWriter(64 * metrics.length + 8);
  writer.uvarint(metrics.length);
  for (const { metric, series, samples, bytes } of metrics) {
    writer.text(metric);
    writer.uvarint(series);
    writer.uvarint(samples);
    writer.uvarint(bytes);
  }
  return writer.finish();
}

/** Throws `BYTES_MALFORMED`. */
export function decodeMetrics(payload: Uint8Array): MetricTotals[] {
  const reader = new ByteReader(payload);
  return Array.from({ length: reader.count(4) }, () => ({
    metric: reader.text(),
    series: reader.uvarint(),
    samples: reader.uvarint(),
    bytes: reader.uvarint(),
  }));
}

/** The same of a segment that does not say it, from its index: series of a metric lie side by side. Throws the signal's reason. */
export async function metricsOf(index: SegmentIndex, turns: Turns): Promise<MetricTotals[]> {
  const { starts, lengths, samples } = index.chunkColumns;
  const found: { -readonly [K in keyof MetricTotals]: MetricTotals[K] }[] = [];
  for (let ref = 0; ref < index.count; ref++) {
    if (turns.due()) await turns.take();
    const metric = index.labelValue(ref, METRIC_NAME);
    let last = found.at(-1);
    if (last?.metric !== metric) {
      last = { metric, series: 0, samples: 0, bytes: 0 };
      found.push(last);
    }
    last.series++;
    for (let chunk = starts[ref] as number; chunk < (starts[ref + 1] as number); chunk++) {
      last.samples += samples[chunk] as number;
      last.bytes += lengths[chunk] as number;
    }
  }
  return found;
}
