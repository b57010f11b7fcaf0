import type { ServerResponse } from 'node:http';
import { TidemarkError } from '@tidemark/base';
import type { Refusal } from '@tidemark/model';

// How outcomes become statuses. Senders act on the status alone: 2xx forget it, 4xx but 429 drop it and never send it again,
// 429 and 5xx send it again after Retry-After. So nothing that may be sent again answers 400, and the other way round.

const STATUS: Readonly<Record<string, number>> = {
  TENANT_INVALID: 400,
  SNAPPY_MALFORMED: 400,
  GZIP_MALFORMED: 400,
  PROTOBUF_MALFORMED: 400,
  INGEST_BODY_CUT_OFF: 400,
  INGEST_NOT_TEXT: 400,
  INGEST_METHOD: 405,
  INGEST_BODY_TIMEOUT: 408,
  SNAPPY_TOO_LARGE: 413,
  INGEST_BODY_TOO_LARGE: 413,
  INGEST_REQUEST_TOO_LARGE: 413,
  INGEST_BATCH_TOO_LARGE: 413,
  EXPOSITION_TOO_LARGE: 413,
  INGEST_MEDIA_TYPE: 415,
  INGEST_ENCODING: 415,
  INGEST_RATE_LIMITED: 429,
  INGEST_TENANT_LIMIT: 429,
  INGEST_OVERLOADED: 503,
  INGEST_UNAVAILABLE: 503,
};

/** Refused after the head: what is left of the body may be long, so the connection is not used again. */
const CLOSES = new Set([408, 413, 415]);

export function statusOf(error: unknown): number {
  return error instanceof TidemarkError ? (STATUS[error.code] ?? 500) : 500;
}

/** Answers with the error's own words in plain text, as Prometheus and its agents log them. */
export function answerError(res: ServerResponse, error: unknown): void {
  if (res.headersSent || res.destroyed) return;
  const status = statusOf(error);
  const retryAfterMs = error instanceof TidemarkError ? error.details['retryAfterMs'] : undefined;
  // Whole seconds, at least one: zero would be asked for again at once.
  if (typeof retryAfterMs === 'number')
    res.setHeader('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  if (CLOSES.has(status)) res.setHeader('Connection', 'close');
  if (status === 405) res.setHeader('Allow', 'POST');
  // Of our own mistakes the sender hears that they were ours; the words are in the log.
  answerText(
    res,
    status,
    status === 500 ? 'internal error; the log of the server says more' : (error as Error).message,
  );
}

export function answerText(res: ServerResponse, status: number, text: string): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.end(`${text}\n`);
}

export function answerEmpty(res: ServerResponse): void {
  res.statusCode = 204;
  res.end();
}

export function answerJson(res: ServerResponse, status: number, body: unknown): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.end(`${JSON.stringify(body)}\n`);
}

/** One line a reason: how many, why, the first one. */
export function describeRefusals(accepted: number, refused: readonly Refusal[]): string {
  const total = refused.reduce((sum, { count }) => sum + count, 0);
  const lines = refused.map(({ reason, count, example }) => `${reason} (${count}): ${example}`);
  return [`${total} refused, ${accepted} stored`, ...lines].join('\n');
}
