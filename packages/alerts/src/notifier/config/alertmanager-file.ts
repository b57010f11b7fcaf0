import { dirname } from 'node:path';
import type { Node } from 'yaml';
import { YamlReader } from '../../rules/yaml-reader.ts';
import { HTTP_SHAPE, readHttpOptions, readTlsOptions, secretOf, TLS_SHAPE } from './http-config.ts';
import { maskSecrets } from './mask-secrets.ts';
import type { NotifierPlan } from './plan.ts';
import { readHostPort, readReceivers } from './receivers.ts';
import { beside } from './relative-files.ts';
import { readInhibitRules, readRoot } from './routes.ts';
import { Fields, readShape, type Shape } from './shape.ts';
import { readTimeIntervals } from './time-intervals-file.ts';

// An alertmanager.yml, read whole: either a plan, or every complaint with its line. What is fine but will not do what it says
// (a kind of receiver that cannot be sent to yet) is a warning.

export interface AlertmanagerFileResult {
  /** Absent when there are errors. */
  readonly plan: NotifierPlan | undefined;
  /** `file:line: what`. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

const texts = (...names: string[]): Shape => Object.fromEntries(names.map((name) => [name, 'text' as const]));
const urls = (...names: string[]): Shape => Object.fromEntries(names.map((name) => [name, 'url' as const]));

const GLOBAL_SHAPE: Shape = {
  resolve_timeout: 'duration',
  http_config: { map: HTTP_SHAPE },
  ...texts('smtp_from', 'smtp_hello', 'smtp_smarthost', 'smtp_auth_username', 'smtp_auth_password'),
  ...texts('smtp_auth_password_file', 'smtp_auth_secret', 'smtp_auth_secret_file', 'smtp_auth_identity'),
  smtp_require_tls: 'bool',
  smtp_tls_config: { map: TLS_SHAPE },
  smtp_force_implicit_tls: 'bool',
  ...urls('slack_api_url', 'slack_app_url', 'pagerduty_url', 'opsgenie_api_url', 'wechat_api_url', 'victorops_api_url'),
  ...urls('telegram_api_url', 'webex_api_url', 'jira_api_url', 'rocketchat_api_url', 'mattermost_webhook_url'),
  ...texts(
    'slack_api_url_file',
    'slack_app_token',
    'slack_app_token_file',
    'opsgenie_api_key',
    'opsgenie_api_key_file',
  ),
  ...texts('wechat_api_secret', 'wechat_api_secret_file', 'wechat_api_corp_id', 'victorops_api_key'),
  ...texts('victorops_api_key_file', 'telegram_bot_token', 'telegram_bot_token_file', 'rocketchat_token'),
  ...texts('rocketchat_token_file', 'rocketchat_token_id', 'rocketchat_token_id_file', 'mattermost_webhook_url_file'),
};

const TOP = [
  'global',
  'route',
  'inhibit_rules',
  'receivers',
  'templates',
  'mute_time_intervals',
  'time_intervals',
  'tracing',
];

/** Each of them and its `_file` exclude each other. */
const GLOBAL_SECRETS = [
  'smtp_auth_password',
  'smtp_auth_secret',
  'slack_api_url',
  'slack_app_token',
  'opsgenie_api_key',
  'wechat_api_secret',
  'victorops_api_key',
  'telegram_bot_token',
  'rocketchat_token',
  'rocketchat_token_id',
  'mattermost_webhook_url',
];
const SLACK_POST = 'https://slack.com/api/chat.postMessage';
const RESOLVE_TIMEOUT_MS = 300_000;

export function readAlertmanagerFile(file: string, text: string): AlertmanagerFileResult {
  const reader = new YamlReader(text);
  const warnings: string[] = [];
  const warn = (node: Node | null, message: string) => warnings.push(`${file}:${reader.lineOf(node)}: ${message}`);
  const plan = reader.complaints.length > 0 ? undefined : readPlan(reader, text, warn);
  const errors = reader.complaints.map(({ line, message }) => `${file}:${line}: ${message}`);
  return { plan: errors.length > 0 || !plan ? undefined : beside(dirname(file), plan), errors, warnings };
}

function readPlan(
  reader: YamlReader,
  text: string,
  warn: (node: Node | null, message: string) => void,
): NotifierPlan | undefined {
  const top = new Map(reader.fields(reader.root, 'the file', TOP)?.map(({ key, value }) => [key, value]));
  const part = (name: string) => top.get(name) ?? null;
  if (part('route') === null) {
    reader.complain(reader.root, 'the file must have a route');
    return undefined;
  }
  const global = readShape(reader, part('global'), 'global', GLOBAL_SHAPE) ?? new Fields(null, new Map(), new Map());
  checkGlobal(reader, global);
  const receivers = readReceivers(part('receivers'), { reader, global, warn });
  const timeIntervals = readTimeIntervals(reader, [
    ['mute_time_intervals', part('mute_time_intervals')],
    ['time_intervals', part('time_intervals')],
  ]);
  const route = readRoot(part('route'), {
    reader,
    warn,
    receivers: new Set(receivers.map(({ name }) => name)),
    timeIntervals: new Set(timeIntervals.keys()),
  });
  const inhibitRules = readInhibitRules(reader, part('inhibit_rules'));
  const templates = (reader.items(part('templates'), 'templates') ?? []).flatMap(
    (item) => reader.text(item, 'an item of templates') ?? [],
  );
  return (
    route && {
      route,
      receivers,
      inhibitRules,
      timeIntervals,
      templates,
      resolveTimeoutMs: global.number('resolve_timeout') ?? RESOLVE_TIMEOUT_MS,
      original: maskSecrets(text),
    }
  );
}

function checkGlobal(reader: YamlReader, global: Fields): void {
  for (const name of GLOBAL_SECRETS) secretOf(reader, global, name);
  readHttpOptions(reader, global.fields('http_config'));
  const tls = global.fields('smtp_tls_config');
  if (tls) readTlsOptions(reader, tls);
  readHostPort(reader, global, global.text('smtp_smarthost'), 'smtp_smarthost');
  const hasToken = global.text('slack_app_token') !== '' || global.text('slack_app_token_file') !== '';
  const url = global.text('slack_api_url');
  // A URL that is where tokens are used anyway contradicts nothing.
  if (
    hasToken &&
    (global.text('slack_api_url_file') !== '' || (url !== '' && url !== (global.text('slack_app_url') || SLACK_POST)))
  ) {
    reader.complain(global.nodeOf('slack_api_url'), 'at most one of slack_app_token and slack_api_url may be given');
  }
}
