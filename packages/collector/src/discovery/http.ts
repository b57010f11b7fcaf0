import { type Clock, type Logger, messageOf, TidemarkError } from '@tidemark/base';
import { type ConfigProblem, ConfigReader } from '../scrape/config-reader.ts';
import type { ScrapeFetch, ScrapeResponse } from '../scrape/fetch.ts';
import { authorizationOf, type HttpClientConfig } from '../scrape/http-client.ts';
import type { DiscoveryFiles } from './discovery-files.ts';
import type { Discovery, TargetGroup } from './group.ts';
import { readGroups } from './static.ts';

// Targets that a server lists: GET, JSON in the shape of a target file, every refresh_interval.
//
//   url --GET, 200, application/json--> [{"targets":["host:9100"],"labels":{...}}] --> groups, each with __meta_url
//
// A list that cannot be had or read keeps the targets of the last good one, and is said.

export interface HttpDiscoveryOptions {
  readonly url: string;
  readonly client: HttpClientConfig;
  readonly refreshIntervalMs: number;
  readonly fetch: ScrapeFetch;
  readonly files: DiscoveryFiles;
  readonly clock: Clock;
  readonly logger: Logger;
}

// Prometheus' own limit of time, and a size beyond which it is no list of targets.
const TIMEOUT_MS = 30_000;
const LIST_BYTES_MAX = 32 * 1024 * 1024;

export function httpDiscovery(options: HttpDiscoveryOptions): Discovery {
  return new HttpDiscovery(options);
}

class HttpDiscovery implements Discovery {
  readonly #options: HttpDiscoveryOptions;
  readonly #closing = new AbortController();
  #groups: readonly TargetGroup[] = [];
  #text = '';
  #problem = '';

  constructor(options: HttpDiscoveryOptions) {
    this.#options = options;
  }

  /** Does not wait for the first list: a server that is slow holds up nobody else's targets. */
  async start(onGroups: () => void): Promise<void> {
    this.#ask(onGroups).catch((error: unknown) => this.#said(messageOf(error)));
  }

  groups(): readonly TargetGroup[] {
    return this.#groups;
  }

  problems(): readonly string[] {
    return this.#problem === '' ? [] : [this.#problem];
  }

  close(): void {
    this.#closing.abort(new DOMException('closed', 'AbortError'));
  }

  async #ask(onGroups: () => void): Promise<void> {
    const { clock, refreshIntervalMs } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const isNew = await this.#refresh();
        this.#problem = '';
        if (isNew && !signal.aborted) onGroups();
      } catch (error) {
        if (!signal.aborted) this.#said(messageOf(error));
      }
      await clock.sleep(refreshIntervalMs, signal).catch(() => undefined);
    }
  }

  /** Said once each time it is another problem. */
  #said(what: string): void {
    const { logger, url } = this.#options;
    const problem = `${url}: ${what}${this.#text === '' ? '' : '; its last good targets stay'}`;
    if (problem !== this.#problem) logger.warn('a list of targets cannot be used', { url, reason: what });
    this.#problem = problem;
  }

  async #refresh(): Promise<boolean> {
    const { url, client, refreshIntervalMs, fetch, files, clock } = this.#options;
    const timeout = new AbortController();
    const cancel = clock.after(TIMEOUT_MS, () =>
      timeout.abort(new TidemarkError('DISCOVERY_TIMEOUT', `no answer within ${TIMEOUT_MS} ms`, { url })),
    );
    try {
      const authorization = await authorizationOf(client, (path) => files.read(path));
      const response = await fetch({
        url,
        headers: {
          Accept: 'application/json',
          'User-Agent': 'Tidemark',
          'X-Prometheus-Refresh-Interval-Seconds': String(refreshIntervalMs / 1000),
          ...(authorization === undefined ? {} : { Authorization: authorization }),
        },
        followRedirects: client.followRedirects,
        tls: client.tls,
        signal: AbortSignal.any([timeout.signal, this.#closing.signal]),
      });
      const text = await listOf(response);
      if (text === this.#text) return false;
      this.#groups = parse(text, url);
      this.#text = text;
      return true;
    } finally {
      cancel();
    }
  }
}

async function listOf(response: ScrapeResponse): Promise<string> {
  const type = response.header('content-type');
  if (response.status !== 200 || !/^\s*application\/json\s*(;|$)/i.test(type)) {
    await response.body[Symbol.asyncIterator]().return?.();
    throw new TidemarkError(
      'DISCOVERY_ANSWER',
      response.status === 200
        ? `the answer is ${JSON.stringify(type)}, not application/json`
        : `the server answered with HTTP status ${response.status}`,
    );
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body) {
    length += piece.length;
    if (length > LIST_BYTES_MAX) throw new TidemarkError('DISCOVERY_ANSWER', `more than ${LIST_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parse(text: string, url: string): readonly TargetGroup[] {
  const problems: ConfigProblem[] = [];
  const groups = readGroups(new ConfigReader(JSON.parse(text) as unknown, [], problems), url);
  const [first] = problems;
  if (first) throw new TidemarkError('DISCOVERY_ANSWER', `${first.path.join('.')}: ${first.message}`);
  return groups.map((group) => ({ ...group, labels: new Map([...group.labels, ['__meta_url', url]]) }));
}
