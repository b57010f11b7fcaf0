// Floats as Go prints them, because rule files written for Prometheus expect them so.

// Go's %v turns to exponents below 1e-4 and from 1e21 on; JavaScript below 1e-6.
const PLAIN_MIN = 1e-4;
const PLAIN_MAX = 1e21;

/** As `{{ $value }}` prints it: `0.5`, `1e-05`, `+Inf`. */
export function goFloat(value: number): string {
  if (!Number.isFinite(value)) return goSpecial(value);
  const size = Math.abs(value);
  if (size === 0) return Object.is(value, -0) ? '-0' : '0';
  return size >= PLAIN_MIN && size < PLAIN_MAX ? String(value) : goExponent(value);
}

/** As the HTTP API prints an alert's value: `1e+00`, `5.5e-01`. */
export function goExponent(value: number): string {
  if (!Number.isFinite(value)) return goSpecial(value);
  const text = (Object.is(value, -0) ? '-' : '') + value.toExponential();
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

function goSpecial(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
