import type { Node } from 'yaml';
import type { YamlReader } from '../../rules/yaml-reader.ts';
import { HTTP_SHAPE, readHttpOptions, readTlsOptions, secretOf, TLS_SHAPE } from './http-config.ts';
import type { IntegrationSpec, ReceiverSpec } from './plan.ts';
import { checkUnsent, UNSENT_KINDS } from './receiver-kinds.ts';
import { type Fields, readShape, type Shape } from './shape.ts';

// Receivers: a name and what is told through it. Mail and webhooks are read for use, the other kinds checked.

const WEBHOOK_SHAPE: Shape = {
  send_resolved: 'bool',
  http_config: { map: HTTP_SHAPE },
  url: 'url',
  url_file: 'text',
  max_alerts: 'int',
  timeout: 'duration',
  payload: 'any',
};

const EMAIL_SHAPE: Shape = {
  send_resolved: 'bool',
  to: 'text',
  from: 'text',
  hello: 'text',
  smarthost: 'text',
  auth_username: 'text',
  auth_password: 'text',
  auth_password_file: 'text',
  auth_secret: 'text',
  auth_secret_file: 'text',
  auth_identity: 'text',
  headers: 'textMap',
  html: 'text',
  text: 'text',
  require_tls: 'bool',
  tls_config: { map: TLS_SHAPE },
  force_implicit_tls: 'bool',
  threading: { map: { enabled: 'bool', thread_by_date: 'text' } },
};

export const DEFAULT_WEBHOOK_TIMEOUT_MS = 10_000;
const DEFAULT_HTML = '{{ template "email.default.html" . }}';
const DEFAULT_TEXT = '{{ template "email.default.text" . }}';
const DEFAULT_SUBJECT = '{{ template "email.default.subject" . }}';
const SMTPS_PORT = 465;

export interface ReceiverReading {
  readonly reader: YamlReader;
  readonly global: Fields;
  /** Sentences for the log. */
  readonly warn: (node: Node | null, message: string) => void;
}

export function readReceivers(node: Node | null, reading: ReceiverReading): readonly ReceiverSpec[] {
  const names = new Set<string>();
  return (reading.reader.items(node, 'receivers') ?? []).flatMap((item) => {
    const receiver = readReceiver(item, reading);
    if (!receiver) return [];
    if (names.has(receiver.name)) {
      reading.reader.complain(item, `the receiver name ${JSON.stringify(receiver.name)} is not unique`);
    }
    names.add(receiver.name);
    return [receiver];
  });
}

function readReceiver(node: Node | null, reading: ReceiverReading): ReceiverSpec | undefined {
  const { reader } = reading;
  const parts = reader.fields(node, 'a receiver', [
    'name',
    'email_configs',
    'webhook_configs',
    ...Object.keys(UNSENT_KINDS),
  ]);
  if (!parts) return undefined;
  const named = parts.find(({ key }) => key === 'name');
  const name = named ? (reader.text(named.value, 'name') ?? '') : '';
  if (name === '') reader.complain(node, 'a receiver must have a name');
  const integrations = parts.flatMap(({ key, value }) => {
    if (key === 'name') return [];
    return (reader.items(value, key) ?? []).flatMap((item) => readIntegration(key, item, name, reading) ?? []);
  });
  return { name, integrations };
}

function readIntegration(
  key: string,
  node: Node | null,
  receiver: string,
  reading: ReceiverReading,
): IntegrationSpec | undefined {
  const { reader, global } = reading;
  if (key === 'webhook_configs') return readWebhook(node, reading);
  if (key === 'email_configs') return readEmail(node, reading);
  const kind = Object.hasOwn(UNSENT_KINDS, key) ? UNSENT_KINDS[key] : undefined;
  const fields = kind && readShape(reader, node, `an item of ${key}`, kind.shape);
  if (!kind || !fields) return undefined;
  checkUnsent(reader, kind, fields, global);
  const name = key.replace(/_configs$/, '');
  reading.warn(
    node,
    `Tidemark cannot send by ${name} yet: the receiver ${JSON.stringify(receiver)} tells nobody by it`,
  );
  return { kind: 'unsent', name, sendResolved: fields.bool('send_resolved') ?? true };
}

function readWebhook(node: Node | null, reading: ReceiverReading): IntegrationSpec | undefined {
  const { reader, global } = reading;
  const fields = readShape(reader, node, 'an item of webhook_configs', WEBHOOK_SHAPE);
  if (!fields) return undefined;
  const url = secretOf(reader, fields, 'url');
  if (url.text === '' && url.file === '') reader.complain(node, 'url or url_file must be given');
  const http = readHttpOptions(reader, fields.fields('http_config') ?? global.fields('http_config'));
  for (const what of http.unsupported) reading.warn(node, `${what} is not supported yet: this webhook is sent without`);
  if (fields.has('payload'))
    reading.warn(fields.nodeOf('payload'), 'payload is not supported yet: the usual one is sent');
  const alertsMax = fields.number('max_alerts') ?? 0;
  if (alertsMax < 0) reader.complain(fields.nodeOf('max_alerts'), 'max_alerts must not be negative');
  return {
    kind: 'webhook',
    sendResolved: fields.bool('send_resolved') ?? true,
    // 0: no timeout there; nobody may hold a slot for ever here.
    webhook: { url, alertsMax, http, timeoutMs: fields.number('timeout') || DEFAULT_WEBHOOK_TIMEOUT_MS },
  };
}

function readEmail(node: Node | null, reading: ReceiverReading): IntegrationSpec | undefined {
  const { reader, global } = reading;
  const fields = readShape(reader, node, 'an item of email_configs', EMAIL_SHAPE);
  if (!fields) return undefined;
  for (const name of ['threading', 'auth_identity']) {
    if (fields.has(name)) reading.warn(fields.nodeOf(name), `${name} is not supported yet: mails are sent without`);
  }
  const own = (name: string) => fields.text(name) || global.text(`smtp_${name}`);
  if (fields.text('to') === '') reader.complain(node, 'to must be given');
  if (own('smarthost') === '') reader.complain(node, 'smarthost must be given, here or as global.smtp_smarthost');
  if (own('from') === '') reader.complain(node, 'from must be given, here or as global.smtp_from');
  const { host, port } = readHostPort(reader, fields, fields.text('smarthost'), 'smarthost') ??
    readHostPort(reader, global, global.text('smtp_smarthost'), 'smtp_smarthost') ?? { host: '', port: 0 };
  const secret = (name: string) => {
    const here = secretOf(reader, fields, name);
    return here.text === '' && here.file === ''
      ? { text: global.text(`smtp_${name}`), file: global.text(`smtp_${name}_file`) }
      : here;
  };
  const tls = fields.fields('tls_config') ?? global.fields('smtp_tls_config');
  const isImplicit = fields.bool('force_implicit_tls') ?? global.bool('smtp_force_implicit_tls') ?? port === SMTPS_PORT;
  return {
    kind: 'email',
    sendResolved: fields.bool('send_resolved') ?? false,
    email: {
      to: fields.text('to'),
      from: own('from'),
      hello: own('hello') || 'localhost',
      host,
      port,
      username: own('auth_username'),
      identity: own('auth_identity'),
      password: secret('auth_password'),
      cramSecret: secret('auth_secret'),
      requireTls: fields.bool('require_tls') ?? global.bool('smtp_require_tls') ?? true,
      implicitTls: isImplicit,
      tls: tls && readTlsOptions(reader, tls),
      headers: readMailHeaders(reader, fields),
      html: fields.has('html') ? fields.text('html') : DEFAULT_HTML,
      text: fields.has('text') ? fields.text('text') : fields.has('html') ? '' : DEFAULT_TEXT,
    },
  };
}

function readMailHeaders(reader: YamlReader, fields: Fields): readonly (readonly [string, string])[] {
  const headers = new Map<string, string>();
  for (const [name, value] of fields.map('headers')) {
    const canonical = name.toLowerCase().replace(/(^|-)([a-z])/g, (found) => found.toUpperCase());
    if (headers.has(canonical)) reader.complain(fields.nodeOf('headers'), `the header ${canonical} stands twice`);
    if (!/^[!-9;-~]+$/.test(name))
      reader.complain(fields.nodeOf('headers'), `${JSON.stringify(name)} is no name of a header`);
    headers.set(canonical, value);
  }
  if (!headers.has('Subject')) headers.set('Subject', DEFAULT_SUBJECT);
  return [...headers];
}

/** `host:port`; undefined for ''. */
export function readHostPort(
  reader: YamlReader,
  fields: Fields,
  text: string,
  name: string,
): { readonly host: string; readonly port: number } | undefined {
  if (text === '') return undefined;
  const found = /^(?:\[([^\]]+)\]|([^:]*)):(\w+)$/.exec(text);
  const port = found && (found[3] === 'smtp' ? 25 : found[3] === 'smtps' ? SMTPS_PORT : Number(found[3]));
  if (!found || !port || port > 65_535) {
    reader.complain(fields.nodeOf(name), `${name} must be host:port, not ${JSON.stringify(text)}`);
    return { host: '', port: 0 };
  }
  return { host: found[1] ?? found[2] ?? '', port };
}
