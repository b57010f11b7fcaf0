import { learnServerTime } from '../clock.ts';
import { reportConnection } from './connection.ts';
import { openEnvelope } from './envelope.ts';
import { ApiError, isAborted } from './error.ts';
import type { Answer, ApiAlert, BuildInfo, Labels, QueryResult, RangeSeries, RuleGroup } from './types.ts';

/** Queries longer than this travel in a POST body: proxies commonly refuse request lines above 8 KiB. */
const getQueryLengthMax = 4096;

/** Where the API is: beside the page, also when a proxy serves both under a prefix. */
export function apiPrefix(): string {
  return new URL('./api/v1', document.baseURI).pathname;
}

async function call<T>(path: string, params: URLSearchParams, signal: AbortSignal): Promise<Answer<T>> {
  const text = params.toString();
  const long = text.length > getQueryLengthMax;
  const url = `${apiPrefix()}/${path}${long || text === '' ? '' : `?${text}`}`;
  let response: Response;
  let body: string;
  try {
    response = await fetch(url, long ? { method: 'POST', body: params, signal } : { signal });
    body = await response.text();
  } catch (problem) {
    if (isAborted(problem)) throw problem;
    reportConnection(false);
    throw new ApiError({ kind: 'unreachable', status: 0, message: `no answer from ${location.host}` });
  }
  reportConnection(true);
  learnServerTime(response.headers.get('date'));
  return openEnvelope<T>(response.status, body);
}

export interface RangeRequest {
  readonly expr: string;
  /** Seconds since the epoch, both ends included. */
  readonly start: number;
  readonly end: number;
  readonly stepSeconds: number;
}

export async function queryRange(request: RangeRequest, signal: AbortSignal): Promise<Answer<readonly RangeSeries[]>> {
  const params = new URLSearchParams({
    query: request.expr,
    start: String(request.start),
    end: String(request.end),
    step: String(request.stepSeconds),
  });
  const answer = await call<{ result: readonly RangeSeries[] }>('query_range', params, signal);
  return { ...answer, data: answer.data.result };
}

/** An instant query; without `time` the server takes its own now. */
export function queryInstant(
  request: { readonly expr: string; readonly time?: number },
  signal: AbortSignal,
): Promise<Answer<QueryResult>> {
  const params = new URLSearchParams({ query: request.expr });
  if (request.time !== undefined) params.set('time', String(request.time));
  return call<QueryResult>('query', params, signal);
}

export async function listSeries(
  request: { readonly match: string; readonly start: number; readonly end: number },
  signal: AbortSignal,
): Promise<readonly Labels[]> {
  const params = new URLSearchParams({
    'match[]': request.match,
    start: String(request.start),
    end: String(request.end),
  });
  return (await call<readonly Labels[]>('series', params, signal)).data;
}

export async function buildInfo(signal: AbortSignal): Promise<BuildInfo> {
  return (await call<BuildInfo>('status/buildinfo', new URLSearchParams(), signal)).data;
}

/** Empty when the server has no rules role: an absent endpoint means no alerts can exist. */
export async function listAlerts(signal: AbortSignal): Promise<readonly ApiAlert[]> {
  const none: Answer<{ alerts?: readonly ApiAlert[] }> = { data: {}, warnings: [], infos: [] };
  const answer = await absentAs(none, call('alerts', new URLSearchParams(), signal));
  return answer.data.alerts ?? [];
}

/** Empty when the server has no rules role. */
export async function listRuleGroups(signal: AbortSignal): Promise<readonly RuleGroup[]> {
  const none: Answer<{ groups?: readonly RuleGroup[] }> = { data: {}, warnings: [], infos: [] };
  const answer = await absentAs(none, call('rules', new URLSearchParams(), signal));
  return answer.data.groups ?? [];
}

async function absentAs<T>(fallback: T, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (problem) {
    if (problem instanceof ApiError && problem.status === 404) return fallback;
    throw problem;
  }
}
