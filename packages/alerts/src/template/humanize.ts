import { formatFloat } from './go-float.ts';
import { GoDuration, GoTime } from './go-time.ts';
import { type GoValue, typeName } from './value.ts';

// Numbers for people, as Prometheus' functions of these names write them: four digits, and a prefix for the size.

const LARGE = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const SMALL = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];
const LARGE_1024 = ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];
const NUMBER = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;
// Beyond these, time as Prometheus counts it has no room: milliseconds and nanoseconds in 64 bits.
const SECONDS_MAX = 9_223_372_036;

/** A number, a text that is one, or a duration (in seconds). Throws what Go says. */
export function numberFrom(value: GoValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof GoDuration) return value.ms / 1000;
  if (typeof value !== 'string') throw new Error(`can't convert ${typeName(value)} to float`);
  if (!NUMBER.test(value)) throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  if (/nan/i.test(value)) return Number.NaN;
  if (/inf/i.test(value)) return value.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(value);
}

export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return four(value);
  return Math.abs(value) >= 1 ? scaled(value, 1000, LARGE) : small(value);
}

export function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return four(value);
  return scaled(value, 1024, LARGE_1024);
}

/** Of seconds. */
export function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return four(value);
  if (value === 0) return `${four(value)}s`;
  if (Math.abs(value) < 1) return `${small(value)}s`;
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  const whole = Math.floor(size);
  const seconds = `${whole % 60}s`;
  const minutes = `${Math.floor(whole / 60) % 60}m ${seconds}`;
  const hours = `${Math.floor(whole / 3600) % 24}h ${minutes}`;
  const days = Math.floor(whole / 86_400);
  if (days > 0) return `${sign}${days}d ${hours}`;
  if (whole >= 3600) return sign + hours;
  return whole >= 60 ? sign + minutes : `${sign}${four(size)}s`;
}

/** Of a ratio. */
export function humanizePercentage(value: number): string {
  return `${four(value * 100)}%`;
}

/** Of Unix seconds. */
export function humanizeTimestamp(value: number): string {
  if (!Number.isFinite(value)) return four(value);
  return timeFrom(value)?.text?.() ?? '';
}

/** Undefined for what is no number of seconds. Throws when it lies beyond what can be counted. */
export function timeFrom(seconds: number): GoTime | undefined {
  if (!Number.isFinite(seconds)) return undefined;
  if (Math.abs(seconds) > SECONDS_MAX) {
    throw new Error(`${four(seconds)} cannot be represented as a nanoseconds timestamp since it overflows int64`);
  }
  return new GoTime(Math.floor(seconds * 1000));
}

function four(value: number): string {
  return formatFloat(value, 'g', 4);
}

function scaled(value: number, step: number, prefixes: readonly string[]): string {
  let left = value;
  let prefix = '';
  for (const next of prefixes) {
    if (Math.abs(left) < step) break;
    prefix = next;
    left /= step;
  }
  return four(left) + prefix;
}

function small(value: number): string {
  let left = value;
  let prefix = '';
  for (const next of SMALL) {
    if (Math.abs(left) >= 1) break;
    prefix = next;
    left *= 1000;
  }
  return four(left) + prefix;
}
