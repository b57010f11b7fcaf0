import { ByteReader, type ByteWriter } from '@tidemark/base';
import type { MetricType } from '@tidemark/model';

// Bounds of buckets and quantiles are numbers: however a page writes one, the series is the same. As in Prometheus 3 they are
// written as OpenMetrics has them, so that le="1" of the text format and le="1.0" of OpenMetrics do not make two series:
//
//   le="1" -> "1.0"    le="1e1" -> "10.0"    le="1000000" -> "1e+06"    le="inf" -> "+Inf"    le="x" as it is

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

// What JavaScript and Go both read as a number.
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const INFINITE = /^([+-]?)inf(inity)?$/i;

/** As OpenMetrics writes it; a text that is no number as it is. */
function openMetricsFloat(text: string): string {
  if (/^nan$/i.test(text)) return 'NaN';
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === '-' ? '-Inf' : '+Inf';
  const value = Number(text);
  if (!DECIMAL.test(text) || !Number.isFinite(value)) return text;
  if (value === 0) return '0.0';
  const size = Math.abs(value);
  // Go's %g: below 1e-4 and from a million on with an exponent, of two digits at least.
  if (size < 1e-4 || size >= 1e6) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}
