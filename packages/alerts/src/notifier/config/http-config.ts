import type { YamlReader } from '../../rules/yaml-reader.ts';
import type { Fields, Shape } from './shape.ts';

// `http_config` as Prometheus' clients have it, and `tls_config`.

export interface TlsOptions {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
}

/** A text, or the file that holds it, read at every use so that it can be replaced. */
export interface Secret {
  readonly text: string;
  readonly file: string;
}

export interface HttpOptions {
  readonly basicAuth: { readonly username: Secret; readonly password: Secret } | undefined;
  readonly authorization: { readonly type: string; readonly credentials: Secret } | undefined;
  readonly followRedirects: boolean;
  readonly headers: readonly { readonly name: string; readonly values: readonly Secret[] }[];
  readonly tls: TlsOptions | undefined;
  /** What was asked for and cannot be done: `proxy_url`, `oauth2`. */
  readonly unsupported: readonly string[];
}

export const PLAIN_HTTP: HttpOptions = {
  basicAuth: undefined,
  authorization: undefined,
  followRedirects: true,
  headers: [],
  tls: undefined,
  unsupported: [],
};

export const TLS_SHAPE: Shape = {
  ca: 'text',
  cert: 'text',
  key: 'text',
  ca_file: 'text',
  cert_file: 'text',
  key_file: 'text',
  ca_ref: 'text',
  cert_ref: 'text',
  key_ref: 'text',
  server_name: 'text',
  insecure_skip_verify: 'bool',
  min_version: 'text',
  max_version: 'text',
};

const PROXY_SHAPE: Shape = {
  proxy_url: 'text',
  no_proxy: 'text',
  proxy_from_environment: 'bool',
  proxy_connect_header: 'any',
};

export const HTTP_SHAPE: Shape = {
  basic_auth: {
    map: {
      username: 'text',
      username_file: 'text',
      username_ref: 'text',
      password: 'text',
      password_file: 'text',
      password_ref: 'text',
    },
  },
  authorization: { map: { type: 'text', credentials: 'text', credentials_file: 'text', credentials_ref: 'text' } },
  oauth2: {
    map: {
      client_id: 'text',
      client_secret: 'text',
      client_secret_file: 'text',
      client_secret_ref: 'text',
      client_certificate_key_id: 'text',
      client_certificate_key: 'text',
      client_certificate_key_file: 'text',
      grant_type: 'text',
      signature_algorithm: 'text',
      iss: 'text',
      audience: 'text',
      claims: 'any',
      scopes: 'texts',
      token_url: 'text',
      endpoint_params: 'textMap',
      tls_config: { map: TLS_SHAPE },
      ...PROXY_SHAPE,
    },
  },
  bearer_token: 'text',
  bearer_token_file: 'text',
  tls_config: { map: TLS_SHAPE },
  follow_redirects: 'bool',
  enable_http2: 'bool',
  http_headers: 'any',
  ...PROXY_SHAPE,
};

/** Complains about what contradicts itself. */
export function readHttpOptions(reader: YamlReader, fields: Fields | undefined): HttpOptions {
  if (!fields) return PLAIN_HTTP;
  const basic = fields.fields('basic_auth');
  const authorization = fields.fields('authorization');
  const oauth2 = fields.fields('oauth2');
  const bearer = secretOf(reader, fields, 'bearer_token');
  const hasBearer = bearer.text !== '' || bearer.file !== '';
  const ways = [basic, authorization, oauth2, hasBearer || undefined].filter((way) => way !== undefined);
  if (ways.length > 1) {
    reader.complain(fields.node, 'at most one of basic_auth, authorization, oauth2, bearer_token may be given');
  }
  if (authorization?.text('type').trim().toLowerCase() === 'basic') {
    reader.complain(authorization.nodeOf('type'), 'authorization type cannot be "basic": use basic_auth');
  }
  if (oauth2) checkOauth2(reader, oauth2);
  const tls = fields.fields('tls_config');
  return {
    basicAuth: basic && {
      username: secretOf(reader, basic, 'username'),
      password: secretOf(reader, basic, 'password'),
    },
    authorization: authorization
      ? {
          type: authorization.text('type').trim() || 'Bearer',
          credentials: secretOf(reader, authorization, 'credentials'),
        }
      : hasBearer
        ? { type: 'Bearer', credentials: bearer }
        : undefined,
    followRedirects: fields.bool('follow_redirects') ?? true,
    headers: readHeaders(reader, fields),
    tls: tls && readTlsOptions(reader, tls),
    unsupported: [
      ...(fields.text('proxy_url') !== '' || fields.bool('proxy_from_environment') ? ['proxy_url'] : []),
      ...(oauth2 ? ['oauth2'] : []),
    ],
  };
}

export function readTlsOptions(reader: YamlReader, fields: Fields): TlsOptions {
  for (const name of ['ca', 'cert', 'key']) secretOf(reader, fields, name);
  const has = (name: string) => fields.text(name) !== '' || fields.text(`${name}_file`) !== '';
  if (has('cert') && !has('key'))
    reader.complain(fields.node, 'exactly one of key or key_file must be given with cert');
  if (has('key') && !has('cert'))
    reader.complain(fields.node, 'exactly one of cert or cert_file must be given with key');
  return {
    caFile: fields.text('ca_file'),
    certFile: fields.text('cert_file'),
    keyFile: fields.text('key_file'),
    ca: fields.text('ca'),
    cert: fields.text('cert'),
    key: fields.text('key'),
    serverName: fields.text('server_name'),
    insecureSkipVerify: fields.bool('insecure_skip_verify') ?? false,
  };
}

/** `name`, or `name_file`; complains about both. */
export function secretOf(reader: YamlReader, fields: Fields, name: string): Secret {
  const secret = { text: fields.text(name), file: fields.text(`${name}_file`) };
  if (secret.text !== '' && secret.file !== '') {
    reader.complain(fields.nodeOf(name), `at most one of ${name} and ${name}_file may be given`);
  }
  return secret;
}

function checkOauth2(reader: YamlReader, oauth2: Fields): void {
  if (oauth2.text('client_id') === '') reader.complain(oauth2.node, 'oauth2 client_id must be given');
  if (oauth2.text('token_url') === '') reader.complain(oauth2.node, 'oauth2 token_url must be given');
  secretOf(reader, oauth2, 'client_secret');
}

// Headers a client sets itself; the list is that of Prometheus' clients.
const OWN_HEADERS = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'user-agent',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'accept-encoding',
  'x-prometheus-remote-write-version',
  'x-prometheus-remote-read-version',
  'x-prometheus-scrape-timeout-seconds',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
]);

function readHeaders(reader: YamlReader, fields: Fields): HttpOptions['headers'] {
  if (!fields.has('http_headers')) return [];
  const named = reader.fields(fields.nodeOf('http_headers'), 'http_headers') ?? [];
  return named.map(({ key, keyNode, value }) => {
    if (OWN_HEADERS.has(key.toLowerCase())) {
      reader.complain(keyNode, `setting the header ${JSON.stringify(key)} is not allowed`);
    }
    const parts = reader.fields(value, `the header ${key}`, ['values', 'secrets', 'files']) ?? [];
    const texts = (name: string) => {
      const part = parts.find((one) => one.key === name);
      return part ? (reader.items(part.value, name) ?? []).map((item) => reader.text(item, name) ?? '') : [];
    };
    return {
      name: key,
      values: [
        ...[...texts('values'), ...texts('secrets')].map((text) => ({ text, file: '' })),
        ...texts('files').map((file) => ({ text: '', file })),
      ],
    };
  });
}
