import { join } from 'node:path';
import type { HttpOptions, Secret, TlsOptions } from './http-config.ts';
import type { EmailSpec, IntegrationSpec, NotifierPlan, WebhookSpec } from './plan.ts';

// Names of files in the configuration are relative to the folder it lies in.

/** The plan with every name of a file seen from where the process runs. */
export function beside(folder: string, plan: NotifierPlan): NotifierPlan {
  const path = (name: string) => (name === '' || name.startsWith('/') ? name : join(folder, name));
  const secret = ({ text, file }: Secret): Secret => ({ text, file: path(file) });
  const tls = (options: TlsOptions): TlsOptions => ({
    ...options,
    caFile: path(options.caFile),
    certFile: path(options.certFile),
    keyFile: path(options.keyFile),
  });
  const http = (options: HttpOptions): HttpOptions => ({
    ...options,
    basicAuth: options.basicAuth && {
      username: secret(options.basicAuth.username),
      password: secret(options.basicAuth.password),
    },
    authorization: options.authorization && {
      ...options.authorization,
      credentials: secret(options.authorization.credentials),
    },
    headers: options.headers.map(({ name, values }) => ({ name, values: values.map(secret) })),
    tls: options.tls && tls(options.tls),
  });
  const webhook = (spec: WebhookSpec): WebhookSpec => ({ ...spec, url: secret(spec.url), http: http(spec.http) });
  const email = (spec: EmailSpec): EmailSpec => ({
    ...spec,
    password: secret(spec.password),
    cramSecret: secret(spec.cramSecret),
    tls: spec.tls && tls(spec.tls),
  });
  const integration = (spec: IntegrationSpec): IntegrationSpec => {
    if (spec.kind === 'webhook') return { ...spec, webhook: webhook(spec.webhook) };
    return spec.kind === 'email' ? { ...spec, email: email(spec.email) } : spec;
  };
  return {
    ...plan,
    templates: plan.templates.map(path),
    receivers: plan.receivers.map(({ name, integrations }) => ({ name, integrations: integrations.map(integration) })),
  };
}
