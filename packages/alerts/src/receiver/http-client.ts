import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { messageOf, TidemarkError } from '@tidemark/base';
import type { HttpOptions, Secret, TlsOptions } from '../notifier/config/http-config.ts';

// Requests as an `http_config` wants them: credentials, headers, TLS files, redirects. Files are read at every request, so that
// a password can be replaced without a restart.

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

// As many as Go's client follows.
const REDIRECTS_MAX = 10;
const ANSWER_BYTES_MAX = 1024 * 1024;

/**
 * Posts the body. 307 and 308 are followed, when `http` says so, with the same body; to another host without the credentials.
 * Other redirects come back as they are: following them would turn the POST into a GET. Throws what `fetch` throws,
 * `SECRET_UNREADABLE`.
 */
export async function post(
  to: {
    readonly url: string;
    readonly http: HttpOptions;
    readonly headers: Record<string, string>;
    readonly body: string;
  },
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Response> {
  const send = to.http.tls ? fetchWithTls(await tlsOf(to.http.tls)) : fetch;
  const credentials = await credentialsOf(to.http);
  let url = to.url;
  for (let hop = 0; ; hop++) {
    const isHome = new URL(url).origin === new URL(to.url).origin;
    const headers = { ...(isHome ? credentials : {}), ...to.headers };
    const response = await send(url, { method: 'POST', headers, body: to.body, redirect: 'manual', signal });
    const location = response.headers.get('location');
    const isRepeatable = response.status === 307 || response.status === 308;
    if (!isRepeatable || location === null || !to.http.followRedirects || hop >= REDIRECTS_MAX) return response;
    await response.body?.cancel();
    url = new URL(location, url).href;
  }
}

/** The text, or what stands in the file, without white space around. Throws `SECRET_UNREADABLE`; never says the text. */
export async function readSecret({ text, file }: Secret): Promise<string> {
  if (file === '') return text;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new TidemarkError('SECRET_UNREADABLE', `${file} cannot be read: ${messageOf(cause)}`, { file }, cause);
  }
}

async function credentialsOf({ basicAuth, authorization, headers }: HttpOptions): Promise<Record<string, string>> {
  const made: Record<string, string> = {};
  for (const { name, values } of headers) made[name] = (await Promise.all(values.map(readSecret))).join(', ');
  if (basicAuth) {
    const pair = `${await readSecret(basicAuth.username)}:${await readSecret(basicAuth.password)}`;
    made['authorization'] = `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
  } else if (authorization) {
    made['authorization'] = `${authorization.type} ${await readSecret(authorization.credentials)}`;
  }
  return made;
}

export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** What Node's TLS takes. Throws `SECRET_UNREADABLE`. */
export async function tlsOf(options: TlsOptions): Promise<TlsFiles> {
  const [ca, cert, key] = await Promise.all([
    readSecret({ text: options.ca, file: options.caFile }),
    readSecret({ text: options.cert, file: options.certFile }),
    readSecret({ text: options.key, file: options.keyFile }),
  ]);
  return {
    rejectUnauthorized: !options.insecureSkipVerify,
    ...(ca === '' ? {} : { ca }),
    ...(cert === '' ? {} : { cert }),
    ...(key === '' ? {} : { key }),
    ...(options.serverName === '' ? {} : { servername: options.serverName }),
  };
}

/** `fetch` for https with files of one's own, which the built-in one cannot be given. */
function fetchWithTls(tls: TlsFiles): Fetch {
  return (url, init) => {
    if (!url.startsWith('https:')) return globalThis.fetch(url, init);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        url,
        {
          ...tls,
          method: init.method ?? 'GET',
          headers: init.headers as Record<string, string>,
          signal: init.signal ?? undefined,
          // No pool: files may have changed by the next request.
          agent: false,
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          let length = 0;
          incoming.on('data', (chunk: Buffer) => {
            length += chunk.length;
            if (length <= ANSWER_BYTES_MAX) chunks.push(chunk);
          });
          incoming.once('error', reject);
          incoming.once('end', () => {
            const status = incoming.statusCode ?? 500;
            const hasBody = status >= 200 && status !== 204 && status !== 205 && status !== 304;
            const headers = Object.entries(incoming.headers).map(
              ([name, value]) => [name, String(value)] as [string, string],
            );
            resolve(new Response(hasBody ? Buffer.concat(chunks) : null, { status: Math.max(200, status), headers }));
          });
        },
      );
      outgoing.once('error', reject);
      outgoing.end(init.body as string);
    });
  };
}
