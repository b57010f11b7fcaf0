// Bounds of buckets and quantiles are numbers in labels, and a series is its labels: so that le="1" of one source and le="1.0" of
// another are one series, they are written one way, as Prometheus 3 does it.
//
//   le="1" -> "1.0"    le="1e1" -> "10.0"    le="1000000" -> "1e+06"    le="inf" -> "+Inf"    le="x" as it is

// What JavaScript and Go both read as a number.
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const INFINITE = /^([+-]?)inf(inity)?$/i;

/** As OpenMetrics writes it; a text that is no number as it is. */
export function openMetricsFloat(text: string): string {
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
