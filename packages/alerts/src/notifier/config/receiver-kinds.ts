import type { YamlReader } from '../../rules/yaml-reader.ts';
import { HTTP_SHAPE, readHttpOptions, secretOf } from './http-config.ts';
import type { Fields, Shape } from './shape.ts';

// The kinds of receiver that Alertmanager knows and Tidemark cannot send to yet. Their configuration is read and checked all
// the same, so that a file is judged as Alertmanager judges it, and whoever moves finds out what does not work yet from a
// warning for each, not from a refusal, and not from silence.

export interface ReceiverKind {
  readonly shape: Shape;
  /** Complains about what is missing or contradicts itself. `global` is the file's section of that name. */
  readonly check?: (reader: YamlReader, fields: Fields, global: Fields) => void;
}

const COMMON: Shape = { send_resolved: 'bool', http_config: { map: HTTP_SHAPE } };

const texts = (...names: string[]): Shape => Object.fromEntries(names.map((name) => [name, 'text' as const]));

function need(reader: YamlReader, fields: Fields, ...names: string[]): void {
  if (names.some((name) => fields.text(name) !== '')) return;
  const [first, ...rest] = names;
  reader.complain(
    fields.node,
    rest.length === 0 ? `${first} must be given` : `one of ${names.join(', ')} must be given`,
  );
}

/** The receiver's own `name` or `name_file`, or the global ones called `prefix_name`; somebody must say it. */
function needOwnOrGlobal(reader: YamlReader, fields: Fields, global: Fields, name: string, globalName: string): void {
  const own = secretOf(reader, fields, name);
  if (own.text !== '' || own.file !== '') return;
  if (global.text(globalName) !== '' || global.text(`${globalName}_file`) !== '') return;
  reader.complain(fields.node, `${name} or ${name}_file must be given, here or as global.${globalName}`);
}

const SLACK_POST = 'https://slack.com/api/chat.postMessage';

function checkSlack(reader: YamlReader, fields: Fields, global: Fields): void {
  const url = secretOf(reader, fields, 'api_url');
  const token = secretOf(reader, fields, 'app_token');
  const isGiven = (secret: { text: string; file: string }) => secret.text !== '' || secret.file !== '';
  if (isGiven(url) && isGiven(token)) {
    reader.complain(fields.node, 'at most one of api_url (or its file) and app_token (or its file) may be given');
  }
  if (fields.bool('update_message') && isGiven(url) && url.text !== SLACK_POST) {
    reader.complain(
      fields.nodeOf('update_message'),
      'update_message needs an app token: a webhook URL cannot change messages',
    );
  }
  const globals = ['slack_api_url', 'slack_api_url_file', 'slack_app_token', 'slack_app_token_file'];
  const isSaid = isGiven(url) || isGiven(token) || globals.some((name) => global.text(name) !== '');
  const hasOwnAuth = fields.fields('http_config')?.has('authorization') ?? false;
  if (!isSaid && !hasOwnAuth) {
    reader.complain(
      fields.node,
      'api_url or app_token must be given, here or as global.slack_api_url or global.slack_app_token',
    );
  }
}

const RESPONDER_TYPES = ['team', 'teams', 'user', 'escalation', 'schedule'];

function checkOpsgenie(reader: YamlReader, fields: Fields, global: Fields): void {
  needOwnOrGlobal(reader, fields, global, 'api_key', 'opsgenie_api_key');
  for (const responder of fields.list('responders')) {
    need(reader, responder, 'id', 'name', 'username');
    const type = responder.text('type');
    if (!type.includes('{{') && !RESPONDER_TYPES.includes(type.toLowerCase())) {
      reader.complain(
        responder.nodeOf('type'),
        `the responder type ${JSON.stringify(type)} is none of ${RESPONDER_TYPES.join(', ')}`,
      );
    }
  }
}

function webhookUrl(globalName?: string) {
  return (reader: YamlReader, fields: Fields, global: Fields) => {
    const own = secretOf(reader, fields, 'webhook_url');
    if (globalName !== undefined) needOwnOrGlobal(reader, fields, global, 'webhook_url', globalName);
    else if (own.text === '' && own.file === '')
      reader.complain(fields.node, 'webhook_url or webhook_url_file must be given');
  };
}

export const UNSENT_KINDS: Readonly<Record<string, ReceiverKind>> = {
  discord_configs: {
    shape: {
      ...COMMON,
      webhook_url: 'url',
      ...texts('webhook_url_file', 'content', 'title', 'message', 'username', 'avatar_url'),
    },
    check: webhookUrl(),
  },
  incidentio_configs: {
    shape: {
      ...COMMON,
      url: 'url',
      ...texts('url_file', 'alert_source_token', 'alert_source_token_file'),
      max_alerts: 'int',
      timeout: 'duration',
      metadata: 'any',
    },
    check: (reader, fields) => {
      need(reader, fields, 'url', 'url_file');
      secretOf(reader, fields, 'url');
      secretOf(reader, fields, 'alert_source_token');
      const hasToken = fields.text('alert_source_token') !== '' || fields.text('alert_source_token_file') !== '';
      const hasAuthorization = fields.fields('http_config')?.has('authorization') ?? false;
      if (!hasToken && !hasAuthorization) {
        reader.complain(
          fields.node,
          'alert_source_token, alert_source_token_file or http_config.authorization must be given',
        );
      }
    },
  },
  jira_configs: {
    shape: {
      ...COMMON,
      api_url: 'url',
      ...texts('api_type', 'project', 'priority', 'issue_type', 'reopen_transition', 'resolve_transition'),
      ...texts('wont_fix_resolution'),
      summary: 'any',
      description: 'any',
      labels: 'texts',
      reopen_duration: 'duration',
      fields: 'any',
      custom_fields: 'any',
    },
    check: (reader, fields, global) => {
      need(reader, fields, 'project');
      need(reader, fields, 'issue_type');
      if (fields.text('api_url') === '' && global.text('jira_api_url') === '') {
        reader.complain(fields.node, 'api_url must be given, here or as global.jira_api_url');
      }
    },
  },
  mattermost_configs: {
    shape: {
      ...COMMON,
      webhook_url: 'url',
      ...texts('webhook_url_file', 'channel', 'username', 'text', 'fallback', 'color', 'pretext', 'author_name'),
      ...texts('author_link', 'author_icon', 'title', 'title_link', 'thumb_url', 'footer', 'footer_icon', 'image_url'),
      ...texts('icon_url', 'icon_emoji', 'type'),
      fields: 'any',
      attachments: 'any',
      props: 'any',
      priority: 'any',
    },
    check: webhookUrl('mattermost_webhook_url'),
  },
  msteams_configs: {
    shape: { ...COMMON, webhook_url: 'url', ...texts('webhook_url_file', 'title', 'summary', 'text') },
    check: webhookUrl(),
  },
  msteamsv2_configs: {
    shape: { ...COMMON, webhook_url: 'url', ...texts('webhook_url_file', 'title', 'text') },
    check: webhookUrl(),
  },
  opsgenie_configs: {
    shape: {
      ...COMMON,
      ...texts('api_key', 'api_key_file', 'message', 'description', 'source', 'entity', 'actions', 'tags', 'note'),
      ...texts('priority'),
      api_url: 'url',
      details: 'textMap',
      responders: { list: texts('id', 'name', 'username', 'type') },
      update_alerts: 'bool',
    },
    check: checkOpsgenie,
  },
  pagerduty_configs: {
    shape: {
      ...COMMON,
      ...texts('service_key', 'service_key_file', 'routing_key', 'routing_key_file', 'client', 'client_url'),
      ...texts('description', 'source', 'severity', 'class', 'component', 'group'),
      url: 'url',
      details: 'any',
      images: { list: texts('href', 'src', 'alt') },
      links: { list: texts('href', 'text') },
      timeout: 'duration',
    },
    check: (reader, fields) => {
      need(reader, fields, 'service_key', 'service_key_file', 'routing_key', 'routing_key_file');
      secretOf(reader, fields, 'service_key');
      secretOf(reader, fields, 'routing_key');
    },
  },
  pushover_configs: {
    shape: {
      ...COMMON,
      ...texts('user_key', 'user_key_file', 'token', 'token_file', 'title', 'message', 'url', 'url_title', 'device'),
      ...texts('sound', 'priority'),
      retry: 'duration',
      expire: 'duration',
      ttl: 'duration',
      html: 'bool',
      monospace: 'bool',
    },
    check: (reader, fields) => {
      need(reader, fields, 'user_key', 'user_key_file');
      need(reader, fields, 'token', 'token_file');
      secretOf(reader, fields, 'user_key');
      secretOf(reader, fields, 'token');
      if (fields.bool('html') && fields.bool('monospace')) {
        reader.complain(fields.node, 'at most one of html and monospace may be true');
      }
    },
  },
  rocketchat_configs: {
    shape: {
      ...COMMON,
      api_url: 'url',
      ...texts('token', 'token_file', 'token_id', 'token_id_file', 'channel', 'color', 'title', 'title_link', 'text'),
      ...texts('emoji', 'icon_url', 'image_url', 'thumb_url'),
      fields: 'any',
      actions: 'any',
      short_fields: 'bool',
      link_names: 'bool',
    },
    check: (reader, fields, global) => {
      needOwnOrGlobal(reader, fields, global, 'token', 'rocketchat_token');
      needOwnOrGlobal(reader, fields, global, 'token_id', 'rocketchat_token_id');
    },
  },
  slack_configs: {
    shape: {
      ...COMMON,
      api_url: 'url',
      app_url: 'url',
      ...texts('api_url_file', 'app_token', 'app_token_file', 'channel', 'username', 'color', 'title', 'title_link'),
      ...texts('pretext', 'text', 'footer', 'fallback', 'callback_id', 'icon_emoji', 'icon_url', 'image_url'),
      ...texts('thumb_url', 'message_text'),
      fields: { list: { ...texts('title', 'value'), short: 'bool' } },
      actions: {
        list: { ...texts('type', 'text', 'url', 'style', 'name', 'value'), confirm: 'any' },
      },
      short_fields: 'bool',
      link_names: 'bool',
      mrkdwn_in: 'texts',
      update_message: 'bool',
      timeout: 'duration',
    },
    check: checkSlack,
  },
  sns_configs: {
    shape: {
      ...COMMON,
      ...texts('api_url', 'topic_arn', 'phone_number', 'target_arn', 'subject', 'message'),
      sigv4: {
        map: {
          ...texts('region', 'access_key', 'secret_key', 'profile', 'role_arn', 'external_id'),
          use_fips_sts_endpoint: 'bool',
        },
      },
      attributes: 'textMap',
    },
    check: (reader, fields) => {
      const targets = ['topic_arn', 'target_arn', 'phone_number'].filter((name) => fields.text(name) !== '');
      if (targets.length !== 1) {
        reader.complain(fields.node, 'exactly one of topic_arn, target_arn, phone_number must be given');
      }
      const sigv4 = fields.fields('sigv4');
      if (sigv4 && (sigv4.text('access_key') === '') !== (sigv4.text('secret_key') === '')) {
        reader.complain(sigv4.node, 'access_key and secret_key must be given together or not at all');
      }
    },
  },
  telegram_configs: {
    shape: {
      ...COMMON,
      api_url: 'url',
      ...texts('bot_token', 'bot_token_file', 'chat_id_file', 'message', 'parse_mode'),
      chat_id: 'int',
      message_thread_id: 'int',
      disable_notifications: 'bool',
    },
    check: (reader, fields, global) => {
      needOwnOrGlobal(reader, fields, global, 'bot_token', 'telegram_bot_token');
      const hasId = (fields.number('chat_id') ?? 0) !== 0;
      const hasFile = fields.text('chat_id_file') !== '';
      if (hasId === hasFile) reader.complain(fields.node, 'exactly one of chat_id and chat_id_file must be given');
      if (!['', 'Markdown', 'MarkdownV2', 'HTML'].includes(fields.text('parse_mode'))) {
        reader.complain(fields.nodeOf('parse_mode'), 'parse_mode must be Markdown, MarkdownV2, HTML or empty');
      }
    },
  },
  victorops_configs: {
    shape: {
      ...COMMON,
      ...texts('api_key', 'api_key_file', 'routing_key', 'message_type', 'state_message', 'entity_display_name'),
      ...texts('monitoring_tool'),
      api_url: 'url',
      custom_fields: 'textMap',
    },
    check: (reader, fields, global) => {
      need(reader, fields, 'routing_key');
      needOwnOrGlobal(reader, fields, global, 'api_key', 'victorops_api_key');
      const own = [
        'routing_key',
        'message_type',
        'state_message',
        'entity_display_name',
        'monitoring_tool',
        'entity_id',
        'entity_state',
      ];
      for (const name of fields.map('custom_fields').keys()) {
        if (own.includes(name)) reader.complain(fields.nodeOf('custom_fields'), `custom_fields must not hold ${name}`);
      }
    },
  },
  webex_configs: {
    shape: { ...COMMON, api_url: 'url', ...texts('message', 'room_id') },
    check: (reader, fields) => {
      need(reader, fields, 'room_id');
      if (!(fields.fields('http_config')?.has('authorization') ?? false)) {
        reader.complain(fields.node, 'http_config.authorization must be given');
      }
    },
  },
  wechat_configs: {
    shape: {
      ...COMMON,
      api_url: 'url',
      ...texts('api_secret', 'api_secret_file', 'corp_id', 'message', 'to_user', 'to_party', 'to_tag', 'agent_id'),
      ...texts('message_type'),
    },
    check: (reader, fields, global) => {
      needOwnOrGlobal(reader, fields, global, 'api_secret', 'wechat_api_secret');
      if (fields.text('corp_id') === '' && global.text('wechat_api_corp_id') === '') {
        reader.complain(fields.node, 'corp_id must be given, here or as global.wechat_api_corp_id');
      }
      if (!['', 'text', 'markdown'].includes(fields.text('message_type'))) {
        reader.complain(fields.nodeOf('message_type'), 'message_type must be text or markdown');
      }
    },
  },
};

/** Complains about one receiver’s part of such a kind. */
export function checkUnsent(reader: YamlReader, kind: ReceiverKind, fields: Fields, global: Fields): void {
  readHttpOptions(reader, fields.fields('http_config'));
  kind.check?.(reader, fields, global);
}
