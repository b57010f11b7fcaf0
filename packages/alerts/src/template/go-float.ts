// Floats as Go prints them, because rule files written for Prometheus expect them so. Unlike JavaScript's toFixed, Go rounds
// what lies exactly between two texts to the even one, so digits are taken from the exact value where there are fewer than
// all of them.

// Go's shortest form turns to exponents below 1e-4, and from a million on.
const SHORTEST_PRECISION = 6;
const EXPONENT_MIN = -4;

/** Digits without a point, and where it stands: 0.015 is {15, -1}. No zeros at the end. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** As `{{ $value }}` prints it: `0.5`, `1e-05`, `1.234567e+06`, `+Inf`. */
export function goFloat(value: number): string {
  return formatFloat(value, 'g', undefined);
}

/** As the HTTP API prints an alert's value: `1e+00`, `5.5e-01`. */
export function goExponent(value: number): string {
  return formatFloat(value, 'e', undefined);
}

/** Go's strconv.FormatFloat. `precision` undefined: as many digits as tell the number from its neighbours. */
export function formatFloat(value: number, verb: 'e' | 'f' | 'g', precision: number | undefined): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + formatSize(Math.abs(value), verb, precision);
}

function formatSize(size: number, verb: 'e' | 'f' | 'g', precision: number | undefined): string {
  const all = precision === undefined ? shortest(size) : exact(size);
  if (verb === 'f') {
    const decimal = precision === undefined ? all : rounded(all, all.point + precision);
    return plain(decimal, precision ?? Math.max(0, decimal.digits.length - decimal.point));
  }
  if (verb === 'e') {
    const decimal = precision === undefined ? all : rounded(all, precision + 1);
    return exponential(decimal, precision ?? Math.max(0, decimal.digits.length - 1));
  }
  const kept = precision === undefined ? undefined : Math.max(1, precision);
  const decimal = kept === undefined ? all : rounded(all, kept);
  const exponent = decimal.digits === '' ? 0 : decimal.point - 1;
  if (exponent < EXPONENT_MIN || exponent >= (kept ?? SHORTEST_PRECISION)) {
    return exponential(decimal, Math.max(0, decimal.digits.length - 1));
  }
  return plain(decimal, Math.max(0, decimal.digits.length - decimal.point));
}

function plain({ digits, point }: Decimal, places: number): string {
  const whole = point <= 0 ? '0' : digits.slice(0, point).padEnd(point, '0');
  if (places === 0) return whole;
  const fraction = point <= 0 ? '0'.repeat(Math.min(-point, places)) + digits : digits.slice(point);
  return `${whole}.${fraction.slice(0, places).padEnd(places, '0')}`;
}

function exponential({ digits, point }: Decimal, places: number): string {
  const exponent = digits === '' ? 0 : point - 1;
  const mantissa = (digits === '' ? '0' : digits).padEnd(places + 1, '0');
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${mantissa[0]}${places > 0 ? `.${mantissa.slice(1)}` : ''}e${exponent < 0 ? '-' : '+'}${size}`;
}

function shortest(size: number): Decimal {
  const [mantissa, exponent] = size.toExponential().split('e') as [string, string];
  return trimmed(mantissa.replace('.', ''), Number(exponent) + 1);
}

function exact(size: number): Decimal {
  if (size === 0) return { digits: '', point: 0 };
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, size);
  const bits = view.getBigUint64(0);
  const raw = Number(bits >> 52n);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const mantissa = raw === 0 ? fraction : fraction | (1n << 52n);
  const power = Math.max(raw, 1) - 1075;
  // m / 2^k is m * 5^k / 10^k.
  const digits = String(power >= 0 ? mantissa << BigInt(power) : mantissa * 5n ** BigInt(-power));
  return trimmed(digits, power >= 0 ? digits.length : digits.length + power);
}

/** To `count` digits, exact halves to the even one. */
function rounded(decimal: Decimal, count: number): Decimal {
  const { digits, point } = decimal;
  if (count >= digits.length) return decimal;
  if (count < 0) return { digits: '', point: 0 };
  const kept = digits.slice(0, count);
  const rest = digits.slice(count);
  const isOdd = Number(kept.at(-1) ?? '0') % 2 === 1;
  const isUp = rest[0] === '5' && rest.length === 1 ? isOdd : (rest[0] as string) >= '5';
  if (!isUp) return trimmed(kept, point);
  const next = String(BigInt(kept === '' ? '0' : kept) + 1n).padStart(count, '0');
  return trimmed(next, point + (next.length - count));
}

function trimmed(digits: string, point: number): Decimal {
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? { digits: '', point: 0 } : { digits: kept, point };
}
