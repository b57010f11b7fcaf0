import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
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
//   slow         the answer's body comes piece by piece, with a pause before each
//   flip         one bit of the body is another one, of the request on its way there or of the answer on its way back

export type ProxyFault =
  | { readonly kind: 'refuse' | 'lose-reply' | 'stall' }
  | { readonly kind: 'answer'; readonly status: number; readonly body?: string }
  | { readonly kind: 'truncate'; readonly bytes: number }
  | { readonly kind: 'slow'; readonly pieceBytes: number; readonly pauseMs: number }
  | { readonly kind: 'flip'; readonly of: 'request' | 'answer'; readonly byte: number };

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
    else if (fault?.kind === 'slow') reply.pipe(slowed(fault)).pipe(answer);
    else if (fault?.kind === 'flip' && fault.of === 'answer') reply.pipe(flipped(fault.byte)).pipe(answer);
    else reply.pipe(answer);
  });
  onward.once('error', () => answer.destroy());
  if (fault?.kind === 'flip' && fault.of === 'request') question.pipe(flipped(fault.byte)).pipe(onward);
  else question.pipe(onward);
}

/** The lowest bit of the byte at `at` turned over. */
function flipped(at: number): Transform {
  let passed = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      const copy = Buffer.from(piece);
      if (at >= passed && at < passed + copy.length) copy[at - passed] = (copy[at - passed] as number) ^ 1;
      passed += copy.length;
      done(null, copy);
    },
  });
}

function slowed({ pieceBytes, pauseMs }: { readonly pieceBytes: number; readonly pauseMs: number }): Transform {
  return new Transform({
    async transform(this: Transform, piece: Buffer, _encoding, done) {
      for (let at = 0; at < piece.length; at += pieceBytes) {
        await sleep(pauseMs);
        this.push(piece.subarray(at, at + pieceBytes));
      }
      done();
    },
  });
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
