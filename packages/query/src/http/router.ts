import type { IncomingMessage, ServerResponse } from 'node:http';
import { isTidemarkError } from '@tidemark/base';
import { type Labels, RESOLUTION_MS, type Resolution } from '@tidemark/model';
import { format, parse } from '@tidemark/promql';
import express, { type Router } from 'express';
import type { Answer } from '../answer.ts';
import { remoteRead } from '../remote-read/remote-read.ts';
import type { QueryService } from '../service.ts';
import { astJson } from './ast-json.ts';
import { formatTime, formatValue, labelsJson, sendData, sendError, sendJson, sendNothing } from './envelope.ts';
import { writeExemplars } from './exemplars.ts';
import { unescapeName } from './label-name.ts';
import {
  badRequest,
  durationParam,
  invalidParam,
  limitParam,
  type Params,
  paramsOf,
  partialParam,
  textParam,
  timeParam,
} from './params.ts';
import { preferenceOf, sayResolution } from './resolution.ts';
import { isTruncated, writeResult } from './result.ts';
import { tenantOf } from './tenant.ts';

// Prometheus' HTTP API v1, reading half. Mounted under /api/v1 and /prometheus/api/v1; GET, and POST with a form.

export interface RouterOptions {
  readonly service: QueryService;
  readonly nowMs: () => number;
  readonly version: string;
  /** Labels of this Tidemark that remote read adds; absent: none. */
  readonly externalLabels?: () => Labels;
}

interface Call {
  readonly tenant: string;
  readonly params: Params;
  readonly signal: AbortSignal;
  readonly strong: boolean;
  readonly response: ServerResponse;
  readonly path: Readonly<Record<string, string | string[] | undefined>>;
}

// Prometheus' own limit on points per series of a range query.
const POINTS_MAX = 11_000;
const TRUNCATED = 'results truncated due to limit';

export function queryRouter(options: RouterOptions): Router {
  const router = express.Router();
  // 10 MB: Prometheus' limit for forms.
  router.use(express.urlencoded({ extended: false, limit: '10mb', parameterLimit: 10_000 }));
  const both = (path: string, handle: (call: Call, options: RouterOptions) => Promise<void>) => {
    const run: express.RequestHandler = (request, response) => void answer(request, response, options, handle);
    router
      .route(path)
      .get(run)
      .post(run)
      .all((request, response) => refuseMethod(request, response, ['GET', 'HEAD', 'POST']));
  };
  const { service, externalLabels = () => [] } = options;
  router
    .route('/read')
    .post((request, response) => void remoteRead(request, response, { service, externalLabels }))
    .all((request, response) => refuseMethod(request, response, ['POST']));
  both('/query', instant);
  both('/query_range', range);
  both('/series', series);
  both('/labels', labels);
  both('/label/:name/values', labelValues);
  both('/rows', rows);
  both('/status/buildinfo', buildinfo);
  both('/format_query', formatQuery);
  both('/parse_query', parseQuery);
  both('/query_exemplars', exemplars);
  return router;
}

function refuseMethod(request: IncomingMessage, response: ServerResponse, allowed: readonly string[]): void {
  const shown = allowed.filter((method) => method !== 'HEAD');
  const error = `${request.method} is not allowed here; ${shown.join(' and ')} ${shown.length === 1 ? 'is' : 'are'}`;
  response.writeHead(405, { allow: allowed.join(', '), 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify({ status: 'error', errorType: 'bad_data', error })}\n`);
}

async function answer(
  request: IncomingMessage & { query?: unknown; body?: unknown; params?: unknown },
  response: ServerResponse,
  options: RouterOptions,
  handle: (call: Call, options: RouterOptions) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) abort.abort(new DOMException('the client went away', 'AbortError'));
  });
  try {
    await handle(
      {
        tenant: tenantOf(request),
        params: paramsOf(request.query, request.body),
        signal: abort.signal,
        strong: request.headers['x-read-consistency'] === 'strong',
        response,
        path: (request.params ?? {}) as Call['path'],
      },
      options,
    );
  } catch (error) {
    sendError(response, error);
  }
}

async function instant(call: Call, { service, nowMs }: RouterOptions): Promise<void> {
  const { params, response } = call;
  const limit = limitParam(params);
  const question = { ...evaluation(call), atMs: timeParam(params, 'time', nowMs()) };
  await naming('query', () =>
    service.instant(question, (answer, late) => deliver(response, answer, limit, statsParam(params), late)),
  );
}

async function range(call: Call, { service }: RouterOptions): Promise<void> {
  const { params, response } = call;
  const startMs = timeParam(params, 'start');
  const endMs = timeParam(params, 'end');
  if (endMs < startMs) throw invalidParam('end', 'end timestamp must not be before start time');
  const stepMs = durationParam(params, 'step');
  if (stepMs <= 0) {
    throw invalidParam(
      'step',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  }
  if ((endMs - startMs) / stepMs > POINTS_MAX) {
    throw badRequest(
      `exceeded maximum resolution of ${POINTS_MAX.toLocaleString('en-US')} points per timeseries. Try decreasing the query resolution (?step=XX)`,
    );
  }
  const limit = limitParam(params);
  const question = { ...evaluation(call), startMs, endMs, stepMs };
  await naming('query', () =>
    service.range(question, (answer, late) => deliver(response, answer, limit, statsParam(params), late)),
  );
}

const OF_THE_TEXT = new Set(['PROMQL_SYNTAX', 'PROMQL_TYPE', 'MATCHER_REGEX_INVALID']);

/** What is wrong with a text is said of the parameter it came in. */
async function naming<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isTidemarkError(error) && OF_THE_TEXT.has(error.code) ? invalidParam(name, error.message) : error;
  }
}

/** Writes an answer; `late` says that its reader took too long. */
async function deliver(
  response: ServerResponse,
  answer: Answer,
  limit: number,
  stats: string,
  late: AbortSignal,
): Promise<void> {
  const cut = () => response.destroy();
  late.addEventListener('abort', cut, { once: true });
  const warnings = [...answer.warnings];
  if (isTruncated(answer.result, limit)) warnings.push(TRUNCATED);
  if (stats !== '' && !STATS.includes(stats)) warnings.push(oldStats(stats));
  sayResolution(response, answer);
  await sendData(response, { warnings, infos: answer.infos }, (out) => writeResult(out, answer, limit, stats !== ''));
  late.removeEventListener('abort', cut);
}

function evaluation(call: Call) {
  const { params } = call;
  const timeoutMs = durationParam(params, 'timeout', 0);
  const lookbackMs = durationParam(params, 'lookback_delta', 0);
  return {
    tenant: call.tenant,
    expression: textParam(params, 'query'),
    signal: call.signal,
    strong: call.strong,
    preference: preferenceOf(params),
    partial: partialParam(params),
    ...(timeoutMs > 0 ? { timeoutMs } : {}),
    ...(lookbackMs > 0 ? { lookbackMs } : {}),
  };
}

const STATS = ['true', 'all'];

/** '': none are wanted. */
function statsParam(params: Params): string {
  return textParam(params, 'stats');
}

function oldStats(value: string): string {
  return `value ${JSON.stringify(value)} for parameter "stats" is deprecated and will be rejected in the next major release, use "true" or "all"`;
}

// Wider than any data, and still safe to add to.
const EARLIEST_MS = -8e15;
const LATEST_MS = 8e15;

function selection(call: Call) {
  const { params } = call;
  const startMs = timeParam(params, 'start', EARLIEST_MS);
  // One before the start selects nothing; Prometheus answers so too.
  const endMs = Math.max(timeParam(params, 'end', LATEST_MS), startMs - 1);
  return {
    tenant: call.tenant,
    selectors: params.get('match[]') ?? [],
    range: { startMs, endMs: endMs + 1 },
    limit: limitParam(params),
    partial: partialParam(params),
    signal: call.signal,
    strong: call.strong,
  };
}

async function series(call: Call, { service }: RouterOptions): Promise<void> {
  const wanted = selection(call);
  if (wanted.selectors.length === 0) throw badRequest('no match[] parameter provided');
  const { values, warnings } = await naming('match[]', () => service.series(wanted));
  await sendData(call.response, { warnings }, async (out) => {
    let separator = '[';
    for (const one of values) {
      await out.write(separator + labelsJson(one));
      separator = ',';
    }
    await out.write(values.length === 0 ? '[]' : ']');
  });
}

async function labels(call: Call, { service }: RouterOptions): Promise<void> {
  const { values, warnings } = await naming('match[]', () => service.labelNames(selection(call)));
  await sendJson(call.response, values, { warnings });
}

async function labelValues(call: Call, { service }: RouterOptions): Promise<void> {
  const name = unescapeName(String(call.path['name']));
  const { values, warnings } = await naming('match[]', () => service.labelValues({ ...selection(call), name }));
  await sendJson(call.response, values, { warnings });
}

/** Rollup rows as they are: one object a row. Not Prometheus'; see docs/api/rows.md. */
async function rows(call: Call, { service }: RouterOptions): Promise<void> {
  const resolution = textParam(call.params, 'resolution') || '1m';
  if (!Object.hasOwn(RESOLUTION_MS, resolution)) throw invalidParam('resolution', `"${resolution}" must be 1m or 1h`);
  const wanted = selection(call);
  if (wanted.selectors.length === 0) throw badRequest('no match[] parameter provided');
  const answer = await naming('match[]', () => service.rows({ ...wanted, resolution: resolution as Resolution }));
  await sendData(call.response, { warnings: answer.warnings }, async (out) => {
    await out.write('[');
    let separator = '';
    for (const { labels: metric, rows: columns } of answer.values) {
      await out.write(`${separator}{"metric":${labelsJson(metric)},"rows":[`);
      separator = ',';
      let first = true;
      for (let i = 0; i < columns.length; i++) {
        // Taken back: a stale marker replaced the only value of the window.
        if (columns.count[i] === 0) continue;
        const number = (column: Float64Array) => JSON.stringify(formatValue(column[i] as number));
        await out.write(
          `${first ? '' : ','}{"end":${formatTime(columns.endMs[i] as number)},"count":${columns.count[i]},"sum":${number(columns.sum)},` +
            `"compensation":${number(columns.compensation)},"min":${number(columns.min)},"max":${number(columns.max)},` +
            `"first":${number(columns.first)},"firstTime":${formatTime(columns.firstMs[i] as number)},"last":${number(columns.last)},` +
            `"lastTime":${formatTime(columns.lastMs[i] as number)},"increase":${number(columns.increase)},` +
            `"revision":{"generation":${columns.generation[i]},"offset":${columns.offset[i]}}}`,
        );
        first = false;
      }
      await out.write(']}');
    }
    await out.write(']');
  });
}

/** The query as Prometheus would write it. Throws `PROMQL_SYNTAX`. */
async function formatQuery(call: Call): Promise<void> {
  await sendJson(call.response, await naming('query', () => format(parse(textParam(call.params, 'query')))));
}

/** The query's tree. Throws `PROMQL_SYNTAX`. */
async function parseQuery(call: Call): Promise<void> {
  const text = textParam(call.params, 'query');
  await sendJson(call.response, await naming('query', () => astJson(parse(text), text)));
}

/** Exemplars of the series that an expression selects; of one that selects none there is nothing to say: 204, as there. */
async function exemplars(call: Call, { service }: RouterOptions): Promise<void> {
  const { tenant, signal, strong, params, response } = call;
  const startMs = timeParam(params, 'start', EARLIEST_MS);
  const endMs = timeParam(params, 'end', LATEST_MS);
  if (endMs < startMs) throw invalidParam('end', 'end timestamp must not be before start timestamp');
  const range = { startMs, endMs: endMs + 1 };
  const expression = textParam(params, 'query');
  const question = { tenant, expression, range, partial: partialParam(params), signal, strong };
  const found = await naming('query', () => service.exemplars(question));
  if (found === undefined) return void sendNothing(response);
  await sendData(response, { warnings: found.warnings }, (out) => writeExemplars(out, found.values));
}

async function buildinfo(call: Call, { version }: RouterOptions): Promise<void> {
  // Grafana asks this to learn the flavour: a plain Prometheus of this API's level.
  await sendJson(call.response, {
    version: '3.5.0',
    revision: `tidemark-${version}`,
    branch: 'tidemark',
    buildUser: '',
    buildDate: '',
    goVersion: '',
    tidemarkVersion: version,
  });
}
