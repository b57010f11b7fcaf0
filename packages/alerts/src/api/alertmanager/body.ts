import type { Label } from '@tidemark/model';
import { malformed, missing } from './refusal.ts';

// Reads JSON bodies into exact values. Names are matched as they are written.

export type Json = { readonly [name: string]: unknown };

/** Throws `ApiRefusal`. `what`: alerts, silence. */
export function parseBody(text: string, what: string): unknown {
  if (text.trim() === '') throw missing(what);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw malformed(what, error instanceof Error ? error.message : String(error));
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** '' when it is absent. */
export function textField(of: Json, name: string, what: string): string {
  const value = Object.hasOwn(of, name) ? of[name] : undefined;
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw malformed(what, `${name} must be text`);
  return value;
}

/** Undefined when it is absent or stands for no time. */
export function timeField(of: Json, name: string, what: string): number | undefined {
  const text = textField(of, name, what);
  if (text === '' || text.startsWith('0001-01-01T00:00:00')) return undefined;
  // RFC 3339; with neither zone nor seconds it would be another moment on another machine.
  const isRfc3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?([Zz]|[+-]\d{2}:?\d{2})$/.test(text);
  const ms = isRfc3339 ? Date.parse(text.replace(' ', 'T').replace(/[.,](\d{3})\d*/, '.$1')) : Number.NaN;
  if (Number.isNaN(ms))
    throw malformed(what, `${name} must be a time like 2026-01-02T15:04:05Z, not ${JSON.stringify(text)}`);
  return ms;
}

export function pairsField(of: Json, name: string, what: string): readonly Label[] | undefined {
  const value = Object.hasOwn(of, name) ? of[name] : undefined;
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw malformed(what, `${name} must be an object of texts`);
  return Object.entries(value).map(([key, text]) => {
    if (typeof text !== 'string') throw malformed(what, `${name}.${key} must be text`);
    return { name: key, value: text };
  });
}
