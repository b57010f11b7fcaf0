import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { freePort } from './port.ts';

// An HTTP proxy in front of a real server, that does to requests what networks and busy servers do. A test says which:
//
//   client ── request ──▶ proxy ──▶ server       as it came, Host header and all: signatures stay right
//
//   refuse       the connection breaks before the server sees anything
//   answer       an answer of the test's own; the server sees nothing
//   lose-reply   the server does it, and the connection breaks instead of an answer
//   truncate     so many bytes of the answer's body, then the connection breaks
//   stall        no answer, ever; the server sees nothing

export type ProxyFault =
  | { readonly kind: 'refuse' | 'lose-reply' | 'stall' }
  | { readonly kind: 'answer'; readonly status: number; readonly body?: string }
  | { readonly kind: 'truncate'; readonly bytes: number };

export interface ProxiedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface FaultyProxy extends AsyncDisposable {
  /** http://127.0.0.1:port */
  readonly url: string;
  /** Requests that came, in order. */
  readonly seen: readonly ProxiedRequest[];
  /** Asked for every request; undefined lets it through. */
  decide: (request: ProxiedRequest) => ProxyFault | undefined;
  /** The next requests have these, in order; then `decide` is asked again. */
  next(...faults: readonly ProxyFault[]): void;
}

const SEEN_MAX = 10_000;

/** `target`: http://host:port */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port: targetPort } = new URL(target);
  const seen: ProxiedRequest[] = [];
  const queue: ProxyFault[] = [];
  const server = createServer((question, answer) => {
    const { method = 'GET', url: path = '/', headers } = question;
    const asked = { method, path, headers };
    if (seen.length < SEEN_MAX) seen.push(asked);
    const fault = queue.shift() ?? proxy.decide(asked);
    if (fault?.kind === 'refuse') return void question.socket.destroy();
    question.once('error', () => answer.destroy());
    if (fault?.kind === 'stall') return void question.resume();
    if (fault?.kind === 'answer') {
      question.resume();
      question.once('end', () => answer.writeHead(fault.status, { 'content-type': 'application/xml' }).end(fault.body));
      return;
    }
    forward({ hostname, port: Number(targetPort) }, question, answer, fault);
  });
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const proxy: FaultyProxy = {
    url: `http://127.0.0.1:${port}`,
    seen,
    decide: () => undefined,
    next: (...faults) => void queue.push(...faults),
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}

function forward(
  target: { readonly hostname: string; readonly port: number },
  question: IncomingMessage,
  answer: ServerResponse,
  fault: ProxyFault | undefined,
): void {
  const { method, url: path, headers } = question;
  const onward = request({ ...target, method, path, headers, agent: false }, (reply) => {
    reply.once('error', () => answer.destroy());
    if (fault?.kind === 'lose-reply') {
      reply.resume();
      reply.once('end', () => question.socket.destroy());
      return;
    }
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    if (fault?.kind === 'truncate') void cutShort(reply, answer, fault.bytes);
    else reply.pipe(answer);
  });
  onward.once('error', () => answer.destroy());
  question.pipe(onward);
}

async function cutShort(reply: IncomingMessage, answer: ServerResponse, bytes: number): Promise<void> {
  let left = bytes;
  for await (const piece of reply as AsyncIterable<Buffer>) {
    const some = piece.subarray(0, left);
    left -= some.length;
    if (some.length > 0) await new Promise((written) => answer.write(some, written));
    if (left <= 0) break;
  }
  answer.destroy();
}
