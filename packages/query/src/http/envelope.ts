import type { ServerResponse } from 'node:http';
import { isTidemarkError } from '@tidemark/base';
import type { Labels } from '@tidemark/model';
import { errorText, errorTypeOf, statusOf } from '../errors.ts';
import { AnswerStream } from './answer-stream.ts';

// Prometheus' envelope: {"status":"success","data":...,"warnings":[...],"infos":[...]}, numbers of results as strings.
// Results may be long, so they are written in pieces as they are made.

export interface Notes {
  readonly warnings: readonly string[];
  readonly infos?: readonly string[];
}

export async function sendData(
  response: ServerResponse,
  notes: Notes,
  writeData: (out: AnswerStream) => Promise<void>,
): Promise<void> {
  response.statusCode = 200;
  response.setHeader('content-type', 'application/json; charset=utf-8');
  const out = new AnswerStream(response);
  await out.write('{"status":"success","data":');
  await writeData(out);
  if (notes.warnings.length > 0) await out.write(`,"warnings":${JSON.stringify(notes.warnings)}`);
  if (notes.infos && notes.infos.length > 0) await out.write(`,"infos":${JSON.stringify(notes.infos)}`);
  await out.write('}\n');
  await out.end();
}

/** What Prometheus answers where it has no data to speak of, not even none. */
export function sendNothing(response: ServerResponse): void {
  response.statusCode = 204;
  response.end();
}

export function sendJson(response: ServerResponse, data: unknown, notes: Notes = { warnings: [] }): Promise<void> {
  return sendData(response, notes, (out) => out.write(JSON.stringify(data)));
}

/** Answers with the error's type and status; if the answer has begun, cuts it so that nobody takes it for whole. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const errorType = errorTypeOf(error);
  // Of an answer that was begun, of which nothing was sent.
  response.removeHeader('content-encoding');
  response.statusCode = statusOf(error);
  response.setHeader('content-type', 'application/json; charset=utf-8');
  // It may be mended any moment.
  if (errorType === 'unavailable' || isTidemarkError(error, 'STORES_UNAVAILABLE'))
    response.setHeader('retry-after', '1');
  response.end(`${JSON.stringify({ status: 'error', errorType, error: errorText(error) })}\n`);
}

/** A sample's value, always a string, as Go writes it: JavaScript's shortest digits, `-0`, and two digits of exponent. */
export function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  // Only numbers below a millionth have an exponent of one digit: 5e-7 is 5e-07.
  return Math.abs(value) < 1e-6 ? text.replace(/e-(\d)$/, 'e-0$1') : text;
}

/** A scalar result's value: as Go writes it without an exponent, unlike those of series. */
export function formatScalar(value: number): string {
  const [digits, exponent] = formatValue(value).split('e');
  if (digits === undefined || exponent === undefined) return formatValue(value);
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)\.?(\d*)$/.exec(digits) ?? [];
  const shift = Number(exponent);
  return shift > 0
    ? `${sign}${whole}${fraction.padEnd(shift, '0')}`
    : `${sign}0.${'0'.repeat(-shift - 1)}${whole}${fraction}`;
}

/** Unix seconds with at most three decimals. */
export function formatTime(ms: number): string {
  return String(ms / 1000);
}

export function labelsJson(labels: Labels): string {
  return `{${labels.map((label) => `${JSON.stringify(label.name)}:${JSON.stringify(label.value)}`).join(',')}}`;
}
