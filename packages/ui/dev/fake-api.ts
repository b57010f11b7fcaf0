import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { fakeAlerts, fakeRules } from './fake-alerts.ts';
import { FakeProblem, fakeSelect } from './fake-query.ts';
import { fakeMetrics, type Labels } from './fake-series.ts';
import { FakeSilences } from './fake-silences.ts';
import {
  fakeConfig,
  fakeFlags,
  fakeOwnMetrics,
  fakeRuntime,
  fakeStorage,
  fakeTargets,
  fakeTsdb,
} from './fake-status.ts';

// The HTTP APIs, as far as the page asks for them, over synthetic series; and the built page beside them.

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

type Answer = { data: unknown; warnings?: string[]; infos?: string[] };
type Route = (params: URLSearchParams, path: string) => Answer;

function limitOf(params: URLSearchParams): number {
  return Number(params.get('limit') ?? 0) || Number.POSITIVE_INFINITY;
}

function remarks(expr: string, truncated = false): { warnings?: string[]; infos?: string[] } {
  const infos = /rate\(.*node_load/.test(expr)
    ? { infos: ['metric might not be a counter, name does not end in _total: "node_load1"'] }
    : {};
  const warnings = [
    ...(expr.includes('demo_many') ? ['synthetic series: demo_many has no meaning'] : []),
    ...(truncated ? ['results truncated due to limit'] : []),
  ];
  return { ...infos, ...(warnings.length > 0 && { warnings }) };
}

function instant(params: URLSearchParams): Answer {
  const expr = params.get('query') ?? '';
  const time = Number(params.get('time') ?? Date.now() / 1000);
  if (/^\s*[\d.]+\s*$/.test(expr)) return { data: { resultType: 'scalar', result: [time, String(Number(expr))] } };
  const result = fakeSelect(expr).flatMap(({ labels, at }) => {
    const value = at(time);
    return value === null ? [] : [{ metric: labels, value: [time, String(value)] }];
  });
  return { data: { resultType: 'vector', result }, ...remarks(expr) };
}

function range(params: URLSearchParams): Answer {
  const expr = params.get('query') ?? '';
  const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(params.get(name))) as [
    number,
    number,
    number,
  ];
  if (!(step > 0))
    throw new FakeProblem('invalid parameter "step": zero or negative query resolution step widths are not accepted');
  const result = fakeSelect(expr)
    .slice(0, limitOf(params))
    .map(({ labels, at }) => {
      const values: [number, string][] = [];
      for (let time = start; time <= end; time += step) {
        const value = at(time);
        if (value !== null) values.push([time, String(value)]);
      }
      return { metric: labels, values };
    });
  return { data: { resultType: 'matrix', result }, ...remarks(expr, result.length === limitOf(params)) };
}

function allSeries(match: string | null): Labels[] {
  const names = Object.keys(fakeMetrics).filter((name) => match === null || new RegExp(`\\b${name}\\b`).test(match));
  return names.flatMap((name) => (fakeMetrics[name]?.() ?? []).map((series) => ({ ...series.labels, __name__: name })));
}

function labelValues(params: URLSearchParams, path: string): Answer {
  const label = /label\/([^/]+)\/values/.exec(path)?.[1] ?? '';
  const values = allSeries(params.get('match[]')).map((labels) => labels[label]);
  return { data: [...new Set(values.filter((value) => value !== undefined))].sort() };
}

const metadata = (): Answer => ({
  data: Object.fromEntries(
    Object.keys(fakeMetrics).map((name) => [
      name,
      [{ type: name.endsWith('_total') ? 'counter' : 'gauge', help: `Synthetic ${name}.`, unit: '' }],
    ]),
  ),
});

const routes: readonly (readonly [RegExp, Route])[] = [
  [/^query$/, instant],
  [/^query_range$/, range],
  [/^series$/, (params) => ({ data: allSeries(params.get('match[]')) })],
  [/^labels$/, (params) => ({ data: [...new Set(allSeries(params.get('match[]')).flatMap(Object.keys))].sort() })],
  [/^label\/[^/]+\/values$/, labelValues],
  [/^metadata$/, metadata],
  [/^status\/buildinfo$/, () => ({ data: { version: '0.0.0-fake', revision: 'none' } })],
  [/^status\/runtimeinfo$/, () => ({ data: fakeRuntime() })],
  [/^status\/flags$/, () => ({ data: fakeFlags })],
  [/^status\/config$/, () => ({ data: { yaml: fakeConfig } })],
  [/^status\/tsdb$/, (params) => ({ data: fakeTsdb(Number(params.get('limit') ?? 10)) })],
  [/^status\/storage$/, () => ({ data: fakeStorage() })],
  [/^targets$/, () => ({ data: fakeTargets() })],
  [/^alerts$/, () => ({ data: { alerts: fakeAlerts() } })],
  [/^rules$/, () => ({ data: fakeRules() })],
];

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function answer(response: ServerResponse, path: string, params: URLSearchParams): void {
  const route = routes.find(([pattern]) => pattern.test(path))?.[1];
  if (route === undefined) {
    sendJson(response, 404, { status: 'error', errorType: 'not_found', error: `no ${path} here` });
    return;
  }
  try {
    // As the server says of an answer that is not made of raw samples alone.
    if (/^query/.test(path)) {
      const best = Number(params.get('step') ?? 0) >= 60 ? '1m' : 'raw';
      const resolution = params.get('resolution') ?? best;
      response.setHeader('x-tidemark-resolution', resolution);
      response.setHeader('x-tidemark-accuracy', resolution === 'raw' ? 'exact' : 'approximate');
    }
    sendJson(response, 200, { status: 'success', ...route(params, path) });
  } catch (problem) {
    if (!(problem instanceof FakeProblem)) throw problem;
    const message = `invalid parameter "query": ${problem.message}`;
    sendJson(response, 400, { status: 'error', errorType: 'bad_data', error: message });
  }
}

async function sendFile(response: ServerResponse, dist: string, path: string): Promise<void> {
  const name =
    path === '/' || path === '/graph'
      ? 'index.html'
      : normalize(path)
          .split(sep)
          .filter((part) => part !== '..')
          .join(sep);
  try {
    const body = await readFile(join(dist, name));
    response.writeHead(200, { 'content-type': types[extname(name)] ?? 'application/octet-stream' }).end(body);
  } catch {
    response.writeHead(404).end(`no ${path}`); // The usual reason: the page has not been built.
  }
}

/** A server, not yet listening, that serves the page in `dist` and answers its API. */
export function fakeServer(dist: string): Server {
  const silences = new FakeSilences();
  return createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const method = request.method ?? 'GET';
    const [, version, path = ''] = /^(?:\/prometheus)?\/api\/(v[12])\/(.+)$/.exec(url.pathname) ?? [];
    if (url.pathname === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(fakeOwnMetrics());
      return;
    }
    if (version === undefined) return sendFile(response, dist, url.pathname);
    const posted = method === 'POST' ? await bodyOf(request) : '';
    if (version === 'v1') {
      answer(response, path, new URLSearchParams(posted === '' ? url.search : posted));
      return;
    }
    const { status, body } = silences.answer(method, path, posted);
    if (body === undefined) response.writeHead(status).end();
    else sendJson(response, status, body);
  });
}
