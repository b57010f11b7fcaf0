import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';
import { messageOf, systemCode, TidemarkError } from '@tidemark/base';
import type { ScrapeFetch, ScrapeResponse } from './fetch.ts';
import type { TlsConfig } from './http-client.ts';

// One page: asked for, checked, read whole within its limit, unpacked.

export interface PageRequest {
  readonly url: string;
  readonly timeoutMs: number;
  readonly authorization: string | undefined;
  readonly followRedirects: boolean;
  readonly tls?: TlsConfig | undefined;
  /** Whether the answer may be packed. */
  readonly compression: boolean;
  /** 0: only the limit that holds for everybody. */
  readonly bodySizeLimitBytes: number;
}

export interface Page {
  readonly bytes: Uint8Array;
  readonly isOpenMetrics: boolean;
}

// The largest pages in use (kube-state-metrics of a large cluster) are about 100 MB; beyond this is an accident.
const BODY_BYTES_MAX = 512 * 1024 * 1024;
// A page of about a thousand series: unpacked in a millisecond or two, which is no more than handing it to a thread.
const UNPACK_HERE_BYTES_MAX = 32 * 1024;
// Names of any characters are read as they are.
const ACCEPT =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8,application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

const unpack = promisify(gunzip);

/** Throws `SCRAPE_STATUS`, `SCRAPE_BODY_TOO_LARGE`, `SCRAPE_BODY_BROKEN`, and what `fetch` and the signal throw. */
export async function fetchPage(fetch: ScrapeFetch, request: PageRequest, signal: AbortSignal): Promise<Page> {
  const response = await fetch({
    url: request.url,
    headers: {
      Accept: ACCEPT,
      'Accept-Encoding': request.compression ? 'gzip' : 'identity',
      'User-Agent': 'Tidemark',
      'X-Prometheus-Scrape-Timeout-Seconds': String(request.timeoutMs / 1000),
      ...(request.authorization === undefined ? {} : { Authorization: request.authorization }),
    },
    followRedirects: request.followRedirects,
    tls: request.tls,
    signal,
  });
  const limitBytes = request.bodySizeLimitBytes || BODY_BYTES_MAX;
  if (response.status !== 200) {
    await leave(response);
    const status = `${response.status} ${response.statusText}`.trim();
    throw new TidemarkError('SCRAPE_STATUS', `the target answered with HTTP status ${status}`, {
      status: response.status,
    });
  }
  const sent = await readWhole(response, limitBytes, signal);
  const bytes = await unpacked(sent, response.header('content-encoding'), limitBytes);
  signal.throwIfAborted();
  return { bytes, isOpenMetrics: /^\s*application\/openmetrics-text\s*(;|$)/i.test(response.header('content-type')) };
}

async function readWhole(response: ScrapeResponse, limitBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of response.body) {
      length += piece.length;
      if (length > limitBytes) throw tooLarge(limitBytes);
      pieces.push(piece);
    }
  } catch (error) {
    signal.throwIfAborted(); // the reason says more than the stream does
    if (error instanceof TidemarkError) throw error;
    throw new TidemarkError(
      'SCRAPE_BODY_BROKEN',
      `the answer broke off after ${length} bytes: ${messageOf(error)}`,
      { length },
      error,
    );
  }
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces, length);
}

async function unpacked(bytes: Uint8Array, encoding: string, limitBytes: number): Promise<Uint8Array> {
  if (encoding === '' || encoding === 'identity') return bytes;
  if (encoding !== 'gzip') {
    throw new TidemarkError('SCRAPE_BODY_BROKEN', `the target answered in ${JSON.stringify(encoding)}, not in gzip`, {
      encoding,
    });
  }
  try {
    const options = { maxOutputLength: limitBytes };
    return bytes.length <= UNPACK_HERE_BYTES_MAX ? gunzipSync(bytes, options) : await unpack(bytes, options);
  } catch (error) {
    if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limitBytes);
    throw new TidemarkError('SCRAPE_BODY_BROKEN', `the answer is no whole gzip: ${messageOf(error)}`, {}, error);
  }
}

function tooLarge(limitBytes: number): TidemarkError {
  return new TidemarkError('SCRAPE_BODY_TOO_LARGE', `the answer is larger than body_size_limit, ${limitBytes} bytes`, {
    limitBytes,
  });
}

/** Gives the connection up without reading what nobody wants. */
async function leave(response: ScrapeResponse): Promise<void> {
  await response.body[Symbol.asyncIterator]().return?.();
}
