import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import { fileURLToPath } from 'node:url';
import type { RulesFilter } from '@tidemark/alerts';
import { messageOf, type SelfMetrics } from '@tidemark/base';
import { AnswerStream, paramsOf, sendError, sendJson, tenantOf } from '@tidemark/query';
import express, { type Express, type NextFunction, type Request, type Response, type Router } from 'express';
import { allowOrigins } from './api/cors.ts';
import { type Answers, answeringRouter, refuseMethod } from './api/routes.ts';
import { rulesFilter } from './rules-filter.ts';

// Everything the one listener answers.
//
//   /                            the page            /metrics             own metrics
//   /api/v1, /prometheus/api/v1  Prometheus' API     /-/healthy, /-/ready, /-/reload, /-/quit
//   /api/v1/write ...            taking in           /api/v1/admin/flush
//   /api/v2, /alertmanager/api/v2    Alertmanager's API
//   /federate                    newest samples
//   /internal/v1/store           what processes that query ask of a store

/** A write route; it reads the body itself. */
export type WriteHandler = (request: IncomingMessage, response: ServerResponse, tenant: string) => Promise<void>;

export interface AppParts {
  readonly metrics: SelfMetrics;
  /** Why this process is not ready; undefined when it is. */
  readonly notReady: () => string | undefined;
  /** Routes below /api/v1 by path, which refuse methods themselves; absent where this process does not take in. */
  readonly writes: Readonly<Record<string, WriteHandler>>;
  /** Reading half of the API; absent where this process does not answer queries. */
  readonly queries: Router | undefined;
  /** /federate; absent where this process does not answer queries. */
  readonly federate: ((request: Request, response: Response) => Promise<void>) | undefined;
  /** Alertmanager's API; absent where this process does not notify. */
  readonly alertmanager?: Router | undefined;
  readonly rules: (filter: RulesFilter) => unknown;
  readonly alerts: () => unknown;
  /** What this process says of itself and of what it scrapes, below /api/v1. */
  readonly status: Answers;
  /** Prometheus' TSDB admin API, below /api/v1; absent where this process does not store. */
  readonly tsdbAdmin?: Router | undefined;
  /** What other processes ask of a store; absent where this process does not store. */
  readonly stored?: Router | undefined;
  readonly flush: (() => Promise<FlushReport>) | undefined;
  /** Reads the configuration again; rejects with what is wrong with it. */
  readonly reload: () => Promise<void>;
  /** Stops the process; absent where that is not allowed. */
  readonly quit: (() => void) | undefined;
  readonly page: boolean;
  /** Origins whose pages may read the API's answers: a regex. */
  readonly corsOrigin: string;
}

export interface FlushReport {
  /** Whether everything acknowledged before the call is in the store. */
  readonly caughtUp: boolean;
}

const API_PATHS = ['/api/v1', '/prometheus/api/v1'];
const ALERTMANAGER_PATHS = ['/api/v2', '/alertmanager/api/v2'];
const PAGE_FOLDER = fileURLToPath(new URL('../../ui/dist', import.meta.url));

export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // All of them: past the usual thousand, selectors would be dropped without a word. The length of an address is bounded.
  app.set('query parser', (text: string) => parseQuery(text, '&', '=', { maxKeys: 0 }));
  app.get('/-/healthy', (_request, response) => void response.type('text').send('Tidemark is healthy.\n'));
  app.get('/-/ready', (_request, response) => {
    const reason = parts.notReady();
    response.status(reason === undefined ? 200 : 503).type('text');
    response.send(reason === undefined ? 'Tidemark is ready.\n' : `Tidemark is not ready: ${reason}\n`);
  });
  serveLifecycle(app, parts);
  app.get('/metrics', (_request, response) => void answerMetrics(response, parts.metrics));
  const { federate } = parts;
  if (federate) {
    app
      .route(['/federate', '/prometheus/federate'])
      .get((request, response) => void federate(request, response))
      .all((request, response) => refuseMethod(request, response, ['GET', 'HEAD']));
  }
  app.use(API_PATHS, allowOrigins(parts.corsOrigin));
  for (const path of API_PATHS) {
    for (const [route, handle] of Object.entries(parts.writes)) {
      app.all(`${path}${route}`, (request, response) => void runWrite(request, response, handle));
    }
    if (parts.flush) app.post(`${path}/admin/flush`, (_request, response) => void runFlush(response, parts.flush));
    app
      .route(`${path}/rules`)
      .get((request, response) => void answerRules(request.query, response, parts))
      .all((request, response) => refuseMethod(request, response, ['GET', 'HEAD']));
    app
      .route(`${path}/alerts`)
      .get((_request, response) => void sendJson(response, parts.alerts()))
      .all((request, response) => refuseMethod(request, response, ['GET', 'HEAD']));
    app.use(path, answeringRouter(parts.status));
    if (parts.tsdbAdmin) app.use(path, parts.tsdbAdmin);
    if (parts.queries) app.use(path, parts.queries);
    app.use(path, (request, response) => {
      response.status(404).json({
        status: 'error',
        errorType: 'not_found',
        error: `there is no ${request.method} ${request.originalUrl.split('?')[0]} in this Tidemark`,
      });
    });
  }
  const { alertmanager } = parts;
  if (alertmanager) for (const path of ALERTMANAGER_PATHS) app.use(path, alertmanager);
  if (parts.stored) app.use(parts.stored);
  if (parts.page) servePage(app);
  app.use((request, response) => {
    response.status(404).type('text').send(`there is no ${request.method} ${request.path} in this Tidemark\n`);
  });
  app.use(answerFault);
  return app;
}

/** POST or PUT, as Prometheus has them. */
function serveLifecycle(app: Express, { reload, quit }: AppParts): void {
  const lifecycle = (path: string, run: (response: Response) => Promise<void> | void) =>
    app
      .route(path)
      .post((_request, response) => void run(response))
      .put((_request, response) => void run(response))
      .all((_request, response) => {
        response.status(405).set('allow', 'POST, PUT').type('text').send('Only POST or PUT requests allowed\n');
      });
  lifecycle('/-/reload', async (response) => {
    try {
      await reload();
      response.status(200).end();
    } catch (error) {
      response
        .status(500)
        .type('text')
        .send(`failed to reload config: ${messageOf(error)}\n`);
    }
  });
  lifecycle('/-/quit', (response) => {
    if (quit === undefined) {
      response.status(403).type('text').send('Quitting over HTTP is not enabled: set http.quit to true.\n');
      return;
    }
    response.type('text').send('Requesting termination... Goodbye!');
    quit();
  });
}

/** Faults met before a handler (a body that cannot be read, an address that cannot be decoded), or thrown by one. */
function answerFault(error: unknown, _request: Request, response: Response, _next: NextFunction): void {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  if (response.headersSent || !(status >= 400 && status < 500)) sendError(response, error);
  else response.status(status).json({ status: 'error', errorType: 'bad_data', error: messageOf(error) });
}

async function answerRules(query: unknown, response: ServerResponse, parts: AppParts): Promise<void> {
  try {
    await sendJson(response, parts.rules(rulesFilter(paramsOf(query))));
  } catch (error) {
    sendError(response, error);
  }
}

async function answerMetrics(response: Response, metrics: SelfMetrics): Promise<void> {
  response.type('text/plain; version=0.0.4; charset=utf-8');
  try {
    const out = new AnswerStream(response);
    await out.write(metrics.expose());
    await out.end();
  } catch (error) {
    sendError(response, error);
  }
}

async function runWrite(request: IncomingMessage, response: ServerResponse, handle: WriteHandler): Promise<void> {
  let tenant: string;
  try {
    tenant = tenantOf(request);
  } catch (error) {
    response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' }).end(`${messageOf(error)}\n`);
    return;
  }
  try {
    await handle(request, response, tenant);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${messageOf(error)}\n`);
  }
}

async function runFlush(response: ServerResponse, flush: AppParts['flush']): Promise<void> {
  try {
    await sendJson(response, await flush?.());
  } catch (error) {
    sendError(response, error);
  }
}

function servePage(app: Express): void {
  if (!existsSync(PAGE_FOLDER)) {
    app.get('/', (_request, response) => {
      response
        .status(503)
        .type('text')
        .send('The page is not built: run `npm run build -w @tidemark/ui`, or `npm start`.\n');
    });
    return;
  }
  // Names of assets hold a hash of their content, so they may be kept for good; the page itself must be asked for again.
  app.use('/assets', express.static(`${PAGE_FOLDER}/assets`, { immutable: true, maxAge: '1y' }));
  // Links to Prometheus' graph page, as they stand in alerts, lead to ours.
  app.get('/graph', (_request, response) => response.sendFile('index.html', { root: PAGE_FOLDER }));
  app.use(
    express.static(PAGE_FOLDER, {
      cacheControl: false,
      setHeaders: (response) => void response.setHeader('cache-control', 'no-cache'),
    }),
  );
}
