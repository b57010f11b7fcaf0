import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { RunningServers } from './servers.ts';
import type { Supervised } from './supervisor.ts';
import { topologyOf } from './topology.ts';
import { type Running, statesOf } from './watch.ts';

// The page of the stack: who runs, what each does, how it is, and buttons to kill one and see what the others make of it.
//
//   GET /            page.html      GET /state        { topology, members, servers }, asked by the page every other second
//   POST /kill/NAME  SIGKILL        POST /stop/NAME, /start/NAME       of this machine only, from this page only

export interface Stack {
  readonly members: readonly Running[];
  readonly servers: Pick<RunningServers, 'states'>;
}

// Several pages that look at once are answered from one look.
const STATE_AGE_MS = 1000;

export async function servePage(port: number, stack: Stack): Promise<AsyncDisposable & { readonly url: string }> {
  const html = readFileSync(join(import.meta.dirname, 'page.html'));
  const state = stateOf(stack);
  const server = createServer((request, response) => {
    answer({ stack, html, state }, request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function stateOf({ members, servers }: Stack): () => Promise<string> {
  const topology = topologyOf();
  let atMs = Number.NEGATIVE_INFINITY;
  let last: Promise<string> = Promise.resolve('');
  return () => {
    if (performance.now() - atMs < STATE_AGE_MS) return last;
    atMs = performance.now();
    last = Promise.all([statesOf(members), servers.states()]).then(([theirs, others]) =>
      JSON.stringify({ topology, members: theirs, servers: others }),
    );
    return last;
  };
}

interface Shown {
  readonly stack: Stack;
  readonly html: Buffer;
  readonly state: () => Promise<string>;
}

async function answer({ stack, html, state }: Shown, request: IncomingMessage, response: ServerResponse) {
  const path = request.url ?? '/';
  if (request.method === 'GET' && path === '/') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  } else if (request.method === 'GET' && path === '/state') {
    const text = await state();
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(text);
  } else if (request.method === 'POST') {
    // Another site's page may post here too; only this one sends the header.
    if (request.headers['x-stack'] !== 'page') return void response.writeHead(403).end();
    const [, verb = '', name = ''] = path.split('/');
    const found = stack.members.find((each) => each.name === name);
    if (found === undefined || !(await act(found.process, verb))) return void response.writeHead(404).end();
    response.writeHead(204).end();
  } else {
    response.writeHead(404).end();
  }
}

async function act(process: Supervised, verb: string): Promise<boolean> {
  if (verb === 'kill') process.kill();
  else if (verb === 'stop') await process.stop();
  else if (verb === 'start') process.start();
  else return false;
  return true;
}
