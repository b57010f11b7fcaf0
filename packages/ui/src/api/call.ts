import { learnServerTime } from '../clock.ts';
import { reportConnection } from './connection.ts';
import { openEnvelope } from './envelope.ts';
import { ApiError, isAborted } from './error.ts';
import type { Answer } from './types.ts';

// How the page talks to its server: addresses beside the page itself, also when a proxy serves both under a prefix.

/** Queries longer than this travel in a POST body: proxies commonly refuse request lines above 8 KiB. */
const getQueryLengthMax = 4096;

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

/** Where the API is. */
export function apiPrefix(): string {
  return new URL('./api/v1', document.baseURI).pathname;
}

/** Asks `path`, relative to the page. Throws `ApiError` of kind `unreachable` when nothing answers. */
export async function send(path: string, options: RequestInit): Promise<Reply> {
  const url = new URL(`./${path}`, document.baseURI);
  let response: Response;
  let body: string;
  try {
    response = await fetch(url, options);
    body = await response.text();
  } catch (problem) {
    if (isAborted(problem)) throw problem;
    reportConnection(false);
    throw new ApiError({ kind: 'unreachable', status: 0, message: `no answer from ${location.host}` });
  }
  reportConnection(true);
  learnServerTime(response.headers.get('date'));
  return { status: response.status, body, headers: response.headers };
}

/** Asks Prometheus' API and opens its envelope. */
export async function call<T>(path: string, params: URLSearchParams, signal: AbortSignal): Promise<Answer<T>> {
  const text = params.toString();
  const long = text.length > getQueryLengthMax;
  const where = `api/v1/${path}${long || text === '' ? '' : `?${text}`}`;
  const reply = await send(where, long ? { method: 'POST', body: params, signal } : { signal });
  const answer = openEnvelope<T>(reply.status, reply.body);
  const resolution = reply.headers.get('x-tidemark-resolution');
  const accuracy = reply.headers.get('x-tidemark-accuracy');
  return { ...answer, ...(resolution !== null && { resolution }), ...(accuracy !== null && { accuracy }) };
}

/** `fallback` where the server has no such endpoint. */
export async function absentAs<T>(fallback: T, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (problem) {
    if (problem instanceof ApiError && problem.status === 404) return fallback;
    throw problem;
  }
}
