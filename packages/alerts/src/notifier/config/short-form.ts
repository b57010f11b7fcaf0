import { formatDuration } from '@tidemark/model';
import { stringify } from 'yaml';
import { PLAIN_HTTP } from './http-config.ts';
import type { IntegrationSpec, NotifierPlan, RouteSpec } from './plan.ts';
import { DEFAULT_WEBHOOK_TIMEOUT_MS } from './receivers.ts';
import { ROUTE_DEFAULTS } from './routes.ts';

// The short form: some webhooks that every alert goes to. One is the root's receiver; more are siblings that all go on.

export interface ShortWebhook {
  readonly name: string;
  readonly url: string;
  readonly sendResolved?: boolean;
}

export interface ShortForm {
  readonly webhooks: readonly ShortWebhook[];
  readonly groupBy?: readonly string[];
  readonly groupWaitMs?: number;
  readonly groupIntervalMs?: number;
  readonly repeatIntervalMs?: number;
}

const RESOLVE_TIMEOUT_MS = 300_000;
const NOBODY = 'nobody';

export function planOfShortForm(short: ShortForm): NotifierPlan {
  const groupBy = short.groupBy ?? ['alertname'];
  const groupsByAll = groupBy.length === 1 && groupBy[0] === '...';
  const [first] = short.webhooks;
  const isAlone = short.webhooks.length < 2;
  const root: RouteSpec = {
    id: '0',
    key: '{}',
    receiver: isAlone ? (first?.name ?? NOBODY) : NOBODY,
    matchers: [],
    continues: false,
    groupBy: groupsByAll ? [] : [...groupBy].sort(),
    groupsByAll,
    groupWaitMs: short.groupWaitMs ?? ROUTE_DEFAULTS.groupWaitMs,
    groupIntervalMs: short.groupIntervalMs ?? ROUTE_DEFAULTS.groupIntervalMs,
    repeatIntervalMs: short.repeatIntervalMs ?? ROUTE_DEFAULTS.repeatIntervalMs,
    muteIn: [],
    activeIn: [],
    routes: [],
  };
  const routes = isAlone
    ? []
    : short.webhooks.map((hook, i) => ({ ...root, id: `0/${i}`, key: '{}/{}', receiver: hook.name, continues: true }));
  const receivers = short.webhooks.map((hook) => ({ name: hook.name, integrations: [integrationOf(hook)] }));
  return {
    route: { ...root, routes },
    receivers: root.receiver === NOBODY ? [...receivers, { name: NOBODY, integrations: [] }] : receivers,
    inhibitRules: [],
    timeIntervals: new Map(),
    templates: [],
    resolveTimeoutMs: RESOLVE_TIMEOUT_MS,
    original: originalOf(root, receivers, routes),
  };
}

/** As the same would stand in an alertmanager.yml: tools ask for that. */
function originalOf(
  root: RouteSpec,
  receivers: readonly { readonly name: string }[],
  routes: readonly RouteSpec[],
): string {
  return stringify({
    route: {
      receiver: root.receiver,
      group_by: root.groupsByAll ? ['...'] : root.groupBy,
      group_wait: formatDuration(root.groupWaitMs),
      group_interval: formatDuration(root.groupIntervalMs),
      repeat_interval: formatDuration(root.repeatIntervalMs),
      ...(routes.length === 0 ? {} : { routes: routes.map(({ receiver }) => ({ receiver, continue: true })) }),
    },
    receivers: [
      ...receivers.map(({ name }) => ({ name, webhook_configs: [{ url: 'http://<secret>' }] })),
      ...(root.receiver === NOBODY ? [{ name: NOBODY }] : []),
    ],
  });
}

function integrationOf({ url, sendResolved }: ShortWebhook): IntegrationSpec {
  return {
    kind: 'webhook',
    sendResolved: sendResolved ?? true,
    webhook: { url: { text: url, file: '' }, alertsMax: 0, timeoutMs: DEFAULT_WEBHOOK_TIMEOUT_MS, http: PLAIN_HTTP },
  };
}
