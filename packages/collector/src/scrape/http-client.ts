import type { ConfigReader } from './config-reader.ts';

// How a job asks over HTTP: who it says it is, whom it trusts. Scrapes and HTTP discovery share it.
//
//   basic_auth | authorization | bearer_token(_file)      at most one; what stands in files is read anew each time
//   tls_config                                            so are its files, so that certificates may be renewed

export interface HttpClientConfig {
  /** The whole `Authorization` header, when nothing of it stands in a file. */
  readonly authorization: string | undefined;
  readonly credentialFiles: CredentialFiles | undefined;
  readonly tls: TlsConfig | undefined;
  readonly followRedirects: boolean;
  /** Whether answers may be packed. */
  readonly compression: boolean;
}

export type CredentialFiles =
  | { readonly kind: 'token'; readonly scheme: string; readonly file: string }
  | { readonly kind: 'basic'; readonly username: TextOrFile; readonly password: TextOrFile };

export type TextOrFile = { readonly text: string } | { readonly file: string };

/** Each of the three: text, or a file. Empty text: none. */
export interface TlsConfig {
  readonly ca: TextOrFile;
  readonly cert: TextOrFile;
  readonly key: TextOrFile;
  /** '' takes the address' own. */
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
}

export const HTTP_CLIENT_KEYS = [
  'basic_auth',
  'authorization',
  'bearer_token',
  'bearer_token_file',
  'tls_config',
  'follow_redirects',
  'enable_compression',
];

type ReadFile = (path: string) => Promise<string>;

export function readHttpClient(item: ConfigReader): HttpClientConfig {
  const kinds = ['basic_auth', 'authorization', 'bearer_token', 'bearer_token_file'].filter((key) => item.at(key));
  const [first = '', second] = kinds;
  if (second !== undefined) item.at(second)?.complain(`a job has ${first} or ${second}, not both`);
  const credentials = first === '' ? undefined : readCredentials(item, first);
  return {
    authorization: typeof credentials === 'string' ? credentials : undefined,
    credentialFiles: typeof credentials === 'string' ? undefined : credentials,
    tls: readTls(item.at('tls_config')),
    followRedirects: item.at('follow_redirects')?.boolean() ?? true,
    compression: item.at('enable_compression')?.boolean() ?? true,
  };
}

/** The header for a request now; undefined for none. Throws what reading a file throws. */
export async function authorizationOf(client: HttpClientConfig, readFile: ReadFile): Promise<string | undefined> {
  const { authorization, credentialFiles } = client;
  if (credentialFiles === undefined) return authorization;
  if (credentialFiles.kind === 'token')
    return `${credentialFiles.scheme} ${(await readFile(credentialFiles.file)).trim()}`;
  const [username, password] = await Promise.all(
    [credentialFiles.username, credentialFiles.password].map((part) => contentOf(part, readFile)),
  );
  return basicHeader((username ?? '').trim(), (password ?? '').trim());
}

export async function contentOf(part: TextOrFile, readFile: ReadFile): Promise<string> {
  return 'file' in part ? readFile(part.file) : part.text;
}

function readCredentials(item: ConfigReader, key: string): string | CredentialFiles | undefined {
  const reader = item.at(key) as ConfigReader;
  switch (key) {
    case 'bearer_token':
      return checked(`Bearer ${reader.text()}`, reader);
    case 'bearer_token_file':
      return { kind: 'token', scheme: 'Bearer', file: reader.text() };
    case 'basic_auth':
      return readBasic(reader);
    default:
      return readAuthorization(reader);
  }
}

function readBasic(basic: ConfigReader): string | CredentialFiles {
  basic.onlyKeys(['username', 'username_file', 'password', 'password_file'], ['password_ref', 'username_ref']);
  const username = textOrFile(basic, 'username');
  const password = textOrFile(basic, 'password');
  return 'text' in username && 'text' in password
    ? basicHeader(username.text, password.text)
    : { kind: 'basic', username, password };
}

function readAuthorization(other: ConfigReader): string | CredentialFiles | undefined {
  other.onlyKeys(['type', 'credentials', 'credentials_file'], ['credentials_ref']);
  const scheme = other.at('type')?.text() ?? 'Bearer';
  if (scheme.toLowerCase() === 'basic') other.at('type')?.complain('for Basic there is basic_auth');
  const credentials = textOrFile(other, 'credentials');
  if ('file' in credentials) return { kind: 'token', scheme, file: credentials.file };
  if (!other.at('credentials')) {
    if (other.leftOut) return undefined;
    other.complain('authorization needs credentials');
  }
  return checked(`${scheme} ${credentials.text}`, other);
}

function checked(header: string, reader: ConfigReader): string {
  if (/[^\t\x20-\x7e]/.test(header)) reader.complain('credentials hold characters that a header cannot carry');
  return header;
}

function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

function readTls(tls: ConfigReader | undefined): TlsConfig | undefined {
  if (!tls) return undefined;
  tls.onlyKeys(
    ['ca', 'ca_file', 'cert', 'cert_file', 'key', 'key_file', 'server_name', 'insecure_skip_verify'],
    ['ca_ref', 'cert_ref', 'key_ref', 'min_version', 'max_version'],
  );
  const [cert, key] = [textOrFile(tls, 'cert'), textOrFile(tls, 'key')];
  if (isGiven(cert) !== isGiven(key)) tls.complain('a certificate needs its key, and a key its certificate');
  return {
    ca: textOrFile(tls, 'ca'),
    cert,
    key,
    serverName: tls.at('server_name')?.text() ?? '',
    insecureSkipVerify: tls.at('insecure_skip_verify')?.boolean() ?? false,
  };
}

export function isGiven(part: TextOrFile): boolean {
  return 'file' in part || part.text !== '';
}

function textOrFile(item: ConfigReader, key: string): TextOrFile {
  const [text, file] = [item.at(key), item.at(`${key}_file`)];
  if (text && file) file.complain(`there is ${key} or ${key}_file, not both`);
  return file ? { file: file.text() } : { text: text?.text() ?? '' };
}
