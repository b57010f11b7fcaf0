import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { TidemarkError } from '@tidemark/base';
import type { TlsConfig } from './http-client.ts';
import { TlsAgents } from './tls-agents.ts';

// The port through which targets are asked, and its real adapter: node:http with kept connections.

export interface ScrapeRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly followRedirects: boolean;
  /** For https; undefined trusts whom the system trusts. The same object again means the same connections. */
  readonly tls?: TlsConfig | undefined;
  /** Aborts the answer's body as well. */
  readonly signal: AbortSignal;
}

export interface ScrapeResponse {
  readonly status: number;
  readonly statusText: string;
  /** By lower-case name; '' when absent. */
  header(name: string): string;
  /** As sent: still compressed. Leaving it unread gives the connection up. */
  readonly body: AsyncIterable<Uint8Array>;
}

export type ScrapeFetch = (request: ScrapeRequest) => Promise<ScrapeResponse>;

export interface NodeScrapeFetch {
  readonly fetch: ScrapeFetch;
  close(): void;
}

const REDIRECTS_MAX = 10;
// A pool of a thousand targets spread over its interval has few scrapes at once; this bounds a burst after a stall.
const SOCKETS_MAX = 256;

/** `socketsMax` bounds connections in all; scrapes beyond it wait, within their timeout. */
export function nodeScrapeFetch(socketsMax: number = SOCKETS_MAX): NodeScrapeFetch {
  const options = { keepAlive: true, maxTotalSockets: socketsMax, maxFreeSockets: socketsMax };
  const tls = new TlsAgents(options, (path) => readFile(path, 'utf8'));
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options), tls };
  return {
    fetch: (request) => followed(request, agents),
    close() {
      agents.http.destroy();
      agents.https.destroy();
      tls.close();
    },
  };
}

interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
  readonly tls: TlsAgents;
}

async function followed(request: ScrapeRequest, agents: Agents): Promise<ScrapeResponse> {
  let { url, headers } = request;
  for (let redirects = 0; ; redirects++) {
    const message = await asked({ ...request, url, headers }, agents);
    const status = message.statusCode ?? 0;
    const { location } = message.headers;
    if (!request.followRedirects || status < 300 || status > 399 || location === undefined) return answer(message);
    message.destroy();
    if (redirects === REDIRECTS_MAX) {
      throw new TidemarkError('SCRAPE_REDIRECTS', `stopped after ${REDIRECTS_MAX} redirects`, { url });
    }
    const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
    if (next?.protocol !== 'http:' && next?.protocol !== 'https:') {
      throw new TidemarkError('SCRAPE_REDIRECTS', `redirected to ${JSON.stringify(location)}, which cannot be scraped`);
    }
    // Credentials are for the host they were written for.
    if (next.host !== new URL(url).host) headers = withoutCredentials(headers);
    url = next.href;
  }
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

async function asked({ url, headers, tls, signal }: ScrapeRequest, agents: Agents): Promise<IncomingMessage> {
  const isHttps = url.startsWith('https:');
  const https = isHttps && tls ? await agents.tls.of(tls) : agents.https;
  return new Promise((resolve, reject) => {
    const request = isHttps
      ? httpsRequest(url, { agent: https, headers, signal })
      : httpRequest(url, { agent: agents.http, headers, signal });
    request.once('response', resolve);
    // Stays: an error after the answer began reaches the reader of the body too.
    request.on('error', reject);
    request.end();
  });
}

function answer(message: IncomingMessage): ScrapeResponse {
  return {
    status: message.statusCode ?? 0,
    statusText: message.statusMessage ?? '',
    header(name) {
      const value = message.headers[name];
      return value === undefined ? '' : String(value);
    },
    body: message,
  };
}
