import { isTidemarkError, TidemarkError } from '@tidemark/base';
import { parseDuration } from '@tidemark/model';

// Query parameters, from the address or a form body, as Prometheus reads them. Each complaint names parameter and value.

/** Parameters by name; a repeated one keeps all its values, those of a form before those of the address, as in Go. */
export type Params = ReadonlyMap<string, readonly string[]>;

export function paramsOf(address: unknown, form?: unknown): Params {
  const params = new Map<string, string[]>();
  for (const source of [form, address]) {
    if (typeof source !== 'object' || source === null) continue;
    for (const [name, value] of Object.entries(source)) {
      const values = (Array.isArray(value) ? value : [value]).filter((v): v is string => typeof v === 'string');
      params.set(name, [...(params.get(name) ?? []), ...values]);
    }
  }
  return params;
}

export function invalidParam(name: string, what: string): TidemarkError {
  return new TidemarkError('PARAM_INVALID', `invalid parameter "${name}": ${what}`, { name });
}

/** Of no single parameter, or named in other words by Prometheus. */
export function badRequest(what: string): TidemarkError {
  return new TidemarkError('PARAM_INVALID', what);
}

/** The first value, or '' when absent. */
export function textParam(params: Params, name: string): string {
  return params.get(name)?.[0] ?? '';
}

// RFC 3339: the date-time of ISO 8601 with a zone.
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
// Beyond year 292,278,994 a time does not fit Prometheus' milliseconds either.
const TIME_MAX_MS = 9.2e15;

/** Milliseconds, whole. Unix seconds or RFC 3339. */
export function timeParam(params: Params, name: string, absentMs?: number): number {
  const text = textParam(params, name);
  if (text === '') {
    if (absentMs !== undefined) return absentMs;
    throw invalidParam(name, 'it is missing');
  }
  const seconds = decimal(text);
  const ms = seconds === undefined ? (RFC3339.test(text) ? Date.parse(text) : Number.NaN) : timeMs(seconds);
  if (!(Math.abs(ms) <= TIME_MAX_MS)) throw invalidParam(name, `cannot parse "${text}" to a valid timestamp`);
  return ms;
}

/** Rounded to the nearest millisecond of the second, as in Prometheus: what is left of a second has more digits than all of it. */
function timeMs(seconds: number): number {
  const whole = Math.trunc(seconds);
  const rest = Math.abs(seconds - whole) * 1000;
  return whole * 1000 + Math.sign(seconds) * Math.round(rest);
}

/** Milliseconds. Seconds as a number, or a Prometheus duration. */
export function durationParam(params: Params, name: string, absentMs?: number): number {
  const text = textParam(params, name);
  if (text === '') {
    if (absentMs !== undefined) return absentMs;
    throw invalidParam(name, 'it is missing');
  }
  const seconds = decimal(text);
  if (seconds !== undefined) {
    if (!(Math.abs(seconds) * 1000 <= TIME_MAX_MS))
      throw invalidParam(name, `cannot parse "${text}" to a valid duration. It overflows int64`);
    // Cut off to nanoseconds and to milliseconds, as there: a step of 33.3 is 33,299 ms, and the points are where theirs are.
    return Math.trunc(Math.trunc(seconds * 1e9) / 1e6);
  }
  try {
    return parseDuration(text);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw invalidParam(name, `cannot parse "${text}" to a valid duration`);
  }
}

/** A whole number of at least 0; 0 means no limit. */
export function limitParam(params: Params): number {
  const text = textParam(params, 'limit');
  if (text === '') return 0;
  if (!/^[+-]?\d{1,18}$/.test(text)) throw invalidParam('limit', `"${text}" must be a whole number of at least 0`);
  const limit = Number(text);
  if (limit < 0) throw invalidParam('limit', 'limit must be non-negative');
  return limit;
}

/** `partial_response`, as Thanos names it: whether an answer without what no store can read now will do. Default: no. */
export function partialParam(params: Params): boolean {
  const text = textParam(params, 'partial_response');
  if (text === '' || text === 'false' || text === '0') return false;
  if (text === 'true' || text === '1') return true;
  throw invalidParam('partial_response', `"${text}" must be true or false`);
}

function decimal(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}
