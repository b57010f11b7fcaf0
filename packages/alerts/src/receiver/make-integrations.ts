import type { Clock, Logger } from '@tidemark/base';
import type { IntegrationSpec, NotifierPlan } from '../notifier/config/plan.ts';
import { TemplateSet } from '../template/template-set.ts';
import { DEFAULT_TEMPLATES } from './default-templates.ts';
import { emailIntegration } from './email.ts';
import type { Fetch } from './http-client.ts';
import type { Integration } from './receiver.ts';
import type { TemplateFile } from './template-data.ts';
import { alertmanagerFunctions } from './template-functions.ts';
import { webhookIntegration } from './webhook.ts';

// From what the plan says of receivers to what tells them.

export interface IntegrationAround {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly externalUrl: string;
  readonly fetch?: Fetch;
}

/** Throws `TEMPLATE_INVALID` naming the file and line, or the receiver whose template it is. */
export function makeIntegrations(
  setup: { readonly plan: NotifierPlan; readonly templates: readonly TemplateFile[] },
  around: IntegrationAround,
): readonly Integration[] {
  const templates = new TemplateSet([{ name: 'default', text: DEFAULT_TEMPLATES }, ...setup.templates], {
    functions: alertmanagerFunctions(() => around.clock.nowMs()),
  });
  const parts = { ...around, fetch: around.fetch ?? globalThis.fetch, templates };
  return setup.plan.receivers.flatMap(({ name, integrations }) => {
    const counts = new Map<string, number>();
    return integrations.map((spec) => {
      const kind = spec.kind === 'unsent' ? spec.name : spec.kind;
      const index = counts.get(kind) ?? 0;
      counts.set(kind, index + 1);
      const of = { id: `${name}/${kind}[${index}]`, receiver: name, sendResolved: spec.sendResolved };
      return make(of, spec, parts);
    });
  });
}

function make(
  of: Pick<Integration, 'id' | 'receiver' | 'sendResolved'>,
  spec: IntegrationSpec,
  around: IntegrationAround & { readonly fetch: Fetch; readonly templates: TemplateSet },
): Integration {
  switch (spec.kind) {
    case 'webhook':
      return webhookIntegration(of, spec.webhook, around);
    case 'email': {
      const { html, text, to, from, headers } = spec.email;
      for (const template of [html, text, to, from, ...headers.map(([, value]) => value)]) {
        around.templates.check(template, of.id);
      }
      return emailIntegration(of, spec.email, around);
    }
    default:
      return unsent(of, spec.name);
  }
}

/** One that cannot be told: said at every flush that has something to tell, counted, and not kept for a day. */
function unsent(of: Pick<Integration, 'id' | 'receiver' | 'sendResolved'>, kind: string): Integration {
  return {
    ...of,
    kind,
    send: async () => ({ kind: 'refused', message: `Tidemark cannot send by ${kind} yet` }),
  };
}
