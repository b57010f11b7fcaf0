import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, systemCode, TidemarkError } from '@tidemark/base';
import type { Problem } from './readiness.ts';

// The one listener.

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Listening {
  /** `http://127.0.0.1:9470`: as bound, so port 0 shows the port that was picked. */
  readonly url: string;
  /** From now on this answers; before, everything but /-/healthy gets 503. */
  serve(handler: RequestHandler): void;
  /** What the start waits for; asked, and said to whoever asks before `serve`. */
  waitingFor(reason: Problem): void;
  /** Stops accepting, lets answers under way finish for at most `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

// 1 MiB, Go's: dashboards ask for label values by GET, with every chosen host in the address.
const HEADER_BYTES_MAX = 1024 * 1024;

export function parseListen(listen: string): { host: string; port: number } {
  const at = listen.lastIndexOf(':');
  return { host: listen.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(listen.slice(at + 1)) };
}

export function isLoopback(listen: string): boolean {
  const { host } = parseListen(listen);
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Throws `HTTP_PORT_IN_USE`, `HTTP_LISTEN`. */
export async function listenOn(listen: string): Promise<Listening> {
  const { host, port } = parseListen(listen);
  let waitsFor: Problem = () => undefined;
  let handler: RequestHandler = (request, response) => answerStarting(request, response, waitsFor());
  const server = createServer({ maxHeaderSize: HEADER_BYTES_MAX }, (request, response) => handler(request, response));
  // Prometheus keeps connections for 5 minutes between sends.
  server.keepAliveTimeout = 330_000;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => resolve());
    });
  } catch (error) {
    if (systemCode(error) === 'EADDRINUSE') {
      throw new TidemarkError(
        'HTTP_PORT_IN_USE',
        `${listen} is in use by another program (perhaps another Tidemark); set TIDEMARK_HTTP_LISTEN to another address, for example ${host}:${port === 65535 ? port - 1 : port + 1}`,
        { listen },
        error,
      );
    }
    throw new TidemarkError('HTTP_LISTEN', `cannot listen on ${listen}: ${messageOf(error)}`, { listen }, error);
  }
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    serve(next) {
      handler = next;
    },
    waitingFor(reason) {
      waitsFor = reason;
    },
    close: (graceMs) => closeServer(server, graceMs),
  };
}

function answerStarting({ url }: IncomingMessage, response: ServerResponse, waitsFor: string | undefined): void {
  if (url === '/-/healthy') response.end('Tidemark is healthy.\n');
  else {
    response.writeHead(503, { 'retry-after': '1', 'content-type': 'text/plain; charset=utf-8' });
    response.end(waitsFor === undefined ? 'Tidemark is starting.\n' : `Tidemark is starting: ${waitsFor}\n`);
  }
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
