import { absentAs, call } from './call.ts';
import type { Answer, ApiAlert, Labels, QueryResult, RangeSeries, RuleGroup } from './types.ts';

/** More series than this in one answer are not asked for: the browser would read them for seconds and show none of them. */
export const seriesLimit = 5000;

export interface RangeRequest {
  readonly expr: string;
  /** Seconds since the epoch, both ends included. */
  readonly start: number;
  readonly end: number;
  readonly stepSeconds: number;
  /** Tidemark's own parameter; absent lets the server choose. */
  readonly resolution?: string;
}

export async function queryRange(request: RangeRequest, signal: AbortSignal): Promise<Answer<readonly RangeSeries[]>> {
  const params = new URLSearchParams({
    query: request.expr,
    start: String(request.start),
    end: String(request.end),
    step: String(request.stepSeconds),
    limit: String(seriesLimit),
  });
  if (request.resolution !== undefined) params.set('resolution', request.resolution);
  const answer = await call<{ result: readonly RangeSeries[] }>('query_range', params, signal);
  return { ...answer, data: answer.data.result };
}

/** An instant query; without `time` the server takes its own now. */
export function queryInstant(
  request: { readonly expr: string; readonly time?: number; readonly resolution?: string },
  signal: AbortSignal,
): Promise<Answer<QueryResult>> {
  const params = new URLSearchParams({ query: request.expr, limit: String(seriesLimit) });
  if (request.time !== undefined) params.set('time', String(request.time));
  if (request.resolution !== undefined) params.set('resolution', request.resolution);
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

/** Empty when the server has no rules role: an absent endpoint means no alerts can exist. */
export async function listAlerts(signal: AbortSignal): Promise<readonly ApiAlert[]> {
  const none: Answer<{ alerts?: readonly ApiAlert[] }> = { data: {}, warnings: [], infos: [] };
  const answer = await absentAs(none, call('alerts', new URLSearchParams(), signal));
  return answer.data.alerts ?? [];
}

export interface Rules {
  readonly groups: readonly RuleGroup[];
  /** Why the rule files as they are now could not be taken over; what was in force before still is. */
  readonly reloadError: string | undefined;
}

/** Empty when the server has no rules role. */
export async function listRules(signal: AbortSignal): Promise<Rules> {
  const none: Answer<Partial<Rules>> = { data: {}, warnings: [], infos: [] };
  const { data } = await absentAs(none, call<Partial<Rules>>('rules', new URLSearchParams(), signal));
  return { groups: data.groups ?? [], reloadError: data.reloadError };
}
