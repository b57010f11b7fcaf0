import { ByteReader, type ByteWriter } from '@tidemark/base';
import { type MetricType, openMetricsFloat } from '@tidemark/model';

// Bounds of buckets and quantiles are numbers: however a page writes one, the series is the same. As in Prometheus 3 they are
// written as OpenMetrics has them (model/exposition/openmetrics-float.ts).

/** The label of such a family that holds a number. */
export function floatLabelOf(type: MetricType): string | undefined {
  if (type === 'histogram' || type === 'gaugehistogram') return 'le';
  return type === 'summary' ? 'quantile' : undefined;
}

/** `exposed`: name, value after name, value, each with its length. Writes them to `out`; false: they are right as they are. */
export function writeFloatLabel(exposed: Uint8Array, end: number, label: string, out: ByteWriter): boolean {
  const reader = new ByteReader(exposed, 0, end);
  const texts: string[] = [];
  let isOther = false;
  while (reader.left > 0) {
    const name = reader.text();
    const value = reader.text();
    const wanted = name === label ? openMetricsFloat(value) : value;
    isOther ||= wanted !== value;
    texts.push(name, wanted);
  }
  if (isOther) for (const text of texts) out.text(text);
  return isOther;
}
