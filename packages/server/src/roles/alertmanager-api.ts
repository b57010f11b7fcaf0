import {
  type AlertsQuestion,
  ApiRefusal,
  alertList,
  checkSilenceId,
  gettableSilence,
  groupList,
  type Notifier,
  readFilter,
  readPostedAlerts,
  readPostedSilence,
  readReceiver,
  receiversAnswer,
  type SilenceState,
  silenceList,
  statusAnswer,
} from '@tidemark/alerts';
import { type Clock, isTidemarkError, messageOf } from '@tidemark/base';
import { tenantOf } from '@tidemark/query';
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';

// Alertmanager's API, version 2, for whoever talks to one: amtool, Prometheus, Grafana.
//
//   /status  /receivers  /alerts  /alerts/groups  /silences  /silence/{id}

export interface AlertmanagerApi {
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly version: string;
}

// A Prometheus sends at most 64 alerts at once; a migration script may send more.
const BODY_LIMIT = '16mb';

type Answer = { readonly status?: number; readonly json?: unknown };
type Handle = (request: Request, tenant: string) => Answer | Promise<Answer>;

export function alertmanagerRouter({ notifier, clock, version }: AlertmanagerApi): Router {
  const router = express.Router();
  router.use(express.text({ type: () => true, limit: BODY_LIMIT }));
  const startedMs = clock.nowMs();
  route(router, '/status', { GET: () => ({ json: statusAnswer({ plan: notifier.plan, startedMs, version }) }) });
  route(router, '/receivers', { GET: () => ({ json: receiversAnswer(notifier.plan) }) });
  route(router, '/alerts', {
    GET: ({ query }, tenant) => ({ json: alertList(notifier.alerts(tenant), alertsQuestion(query)) }),
    POST: async (request, tenant) => {
      const { alerts, problems } = readPostedAlerts(jsonOf(request), clock.nowMs(), notifier.plan.resolveTimeoutMs);
      for (const _ of problems) notifier.countInvalid();
      await notifier.post(tenant, alerts);
      if (problems.length > 0) throw new ApiRefusal(400, problems.join('; '));
      return {};
    },
  });
  route(router, '/alerts/groups', {
    GET: ({ query }, tenant) => ({
      json: groupList(notifier.groups(tenant), notifier.alerts(tenant), alertsQuestion(query)),
    }),
  });
  route(router, '/silences', {
    GET: ({ query }, tenant) => {
      const states = new Set(STATES.filter((state) => flag(query, state)));
      const asked = { filter: readFilter(textsOf(query, 'filter')), states };
      return { json: silenceList(notifier.silences.of(tenant), asked, clock.nowMs()) };
    },
    POST: async (request, tenant) => {
      const silenceID = await notifier.silences.set(tenant, readPostedSilence(jsonOf(request), clock.nowMs()));
      return { json: { silenceID } };
    },
  });
  route(router, '/silence/:id', {
    GET: ({ params }, tenant) => {
      const found = notifier.silences.get(tenant, checkSilenceId(String(params['id'])));
      return found ? { json: gettableSilence(found.record, clock.nowMs()) } : { status: 404 };
    },
    DELETE: async ({ params }, tenant) => {
      await notifier.silences.expire(tenant, checkSilenceId(String(params['id'])));
      return {};
    },
  });
  router.use(({ originalUrl }, response) => {
    response.status(404).json({ code: 404, message: `path ${originalUrl.split('?')[0]} was not found` });
  });
  return router;
}

const STATES: readonly SilenceState[] = ['active', 'pending', 'expired'];

function route(router: Router, path: string, methods: Readonly<Record<string, Handle>>): void {
  const allowed = Object.keys(methods);
  const run: RequestHandler = (request, response) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const handle = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (handle) void answer(request, response, handle);
    else {
      const message = `method ${request.method} is not allowed, but [${allowed.join(',')}] are`;
      response.status(405).set('allow', allowed.join(', ')).json({ code: 405, message });
    }
  };
  router.all(path, run);
}

async function answer(request: Request, response: Response, handle: Handle): Promise<void> {
  try {
    const { status = 200, json } = await handle(request, tenantOf(request));
    if (json === undefined) response.status(status).end();
    else response.status(status).json(json);
  } catch (error) {
    const refusal = error instanceof ApiRefusal ? error : refusalOf(error);
    response.status(refusal.status).json(refusal.answer);
  }
}

const STATUS_OF: Readonly<Record<string, number>> = {
  TENANT_INVALID: 400,
  SILENCE_INVALID: 400,
  SILENCE_NOT_FOUND: 404,
  SILENCES_FULL: 429,
  LOG_RECORD_TOO_LARGE: 413,
  ALERTS_FULL: 503,
  LOG_FULL: 503,
  LOG_OVERLOADED: 503,
  LOG_CLOSED: 503,
};

function refusalOf(error: unknown): ApiRefusal {
  const status = isTidemarkError(error) ? (STATUS_OF[error.code] ?? 500) : 500;
  return new ApiRefusal(status, messageOf(error));
}

/** Throws `ApiRefusal` for a body that says it is something else. */
function jsonOf(request: Request): string {
  const type = request.headers['content-type'];
  if (type !== undefined && !/^application\/json\b/i.test(type)) {
    const message = `unsupported media type ${JSON.stringify(type)}, only [application/json] are allowed`;
    throw new ApiRefusal(415, { code: 415, message });
  }
  return typeof request.body === 'string' ? request.body : '';
}

function alertsQuestion(query: Request['query']): AlertsQuestion {
  return {
    active: flag(query, 'active'),
    silenced: flag(query, 'silenced'),
    inhibited: flag(query, 'inhibited'),
    muted: flag(query, 'muted'),
    filter: readFilter(textsOf(query, 'filter')),
    receiver: readReceiver(textsOf(query, 'receiver')[0]),
  };
}

/** True unless it is given and says no. */
function flag(query: Request['query'], name: string): boolean {
  const [text] = textsOf(query, name);
  return text === undefined || /^(1|t|true|y|yes|on)$/i.test(text);
}

/** Of `filter=a&filter=b`, and of `filter[]=a` as some clients write it. */
function textsOf(query: Request['query'], name: string): readonly string[] {
  const given = [query[name], query[`${name}[]`]].flat();
  return given.filter((one): one is string => typeof one === 'string');
}
