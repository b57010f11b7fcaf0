import { isScalar, isSeq, parseDocument, type Scalar, visit } from 'yaml';

// The file as it is shown to people: what is secret in it reads `<secret>`; a URL keeps its scheme, since amtool before 0.26 refuses
// the whole file for a webhook's URL without one.

const SECRET_NAMES = new Set([
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
  'auth_password',
  'auth_secret',
  'password',
  'credentials',
  'bearer_token',
  'client_secret',
  'client_certificate_key',
  'api_key',
  'api_url',
  'api_secret',
  'app_token',
  'service_key',
  'routing_key',
  'user_key',
  'token',
  'token_id',
  'bot_token',
  'secret_key',
  'webhook_url',
  'alert_source_token',
  'secrets',
  'key',
  // Of a webhook: such URLs often hold a token.
  'url',
  // Credentials may stand before the host.
  'proxy_url',
]);

/** Requires a text that was read before. */
export function maskSecrets(text: string): string {
  const document = parseDocument(text, { merge: true });
  visit(document, {
    Pair(_, { key, value }) {
      if (!isScalar(key) || !SECRET_NAMES.has(String(key.value))) return;
      if (isScalar(value)) mask(value);
      else if (isSeq(value)) for (const item of value.items) if (isScalar(item)) mask(item);
    },
  });
  return document.toString();
}

function mask(scalar: Scalar): void {
  if (scalar.value === null || scalar.value === '') return;
  const scheme = /^https?:\/\//i.exec(String(scalar.value))?.[0] ?? '';
  scalar.value = `${scheme}<secret>`;
  scalar.type = 'PLAIN';
}
