import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Member } from './plan.ts';
import type { Supervised } from './supervisor.ts';

// The page of the stack: who runs, what each does, how it is, and buttons to kill one and see what the others make of it.
//
//   GET /            page.html      GET /state        StackState, asked by the page every other second
//   POST /kill/NAME  SIGKILL        POST /stop/NAME, /start/NAME       of this machine only, from this page only

export interface Running extends Member {
  readonly url: string;
  readonly process: Supervised;
}

export interface Stack {
  readonly members: readonly Running[];
  readonly servers: readonly { readonly name: string; readonly at: string; readonly does: string }[];
}

export interface MemberState {
  readonly name: string;
  readonly roles: readonly string[];
  readonly does: string;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly url: string;
  readonly state: 'ready' | 'not ready' | 'waiting' | 'stopped';
  /** Why it is not ready, or its last line where it ended. */
  readonly why: string;
  readonly pid: number | undefined;
  readonly restarts: number;
  readonly memoryMb: number | undefined;
}

const ASK_MS = 1500;
const WHY_CHARS_MAX = 300;

export async function servePage(port: number, stack: Stack): Promise<AsyncDisposable & { readonly url: string }> {
  const html = readFileSync(join(import.meta.dirname, 'page.html'));
  const server = createServer((request, response) => {
    answer(stack, html, request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(stack: Stack, html: Buffer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/';
  if (request.method === 'GET' && path === '/') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  } else if (request.method === 'GET' && path === '/state') {
    const members = await Promise.all(stack.members.map(stateOf));
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify({ members, servers: stack.servers }));
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

async function stateOf(member: Running): Promise<MemberState> {
  const { name, roles, does, reads, writes, url, process } = member;
  const [state, why] = process.state === 'running' ? await readiness(url) : [process.state, process.lines.at(-1) ?? ''];
  const { pid, restarts } = process;
  return {
    name,
    roles,
    does,
    reads,
    writes,
    url,
    state,
    why: why.slice(0, WHY_CHARS_MAX),
    pid,
    restarts,
    memoryMb: memoryOf(pid),
  };
}

async function readiness(url: string): Promise<['ready' | 'not ready', string]> {
  try {
    const response = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(ASK_MS) });
    const text = (await response.text()).trim();
    return response.ok ? ['ready', ''] : ['not ready', text];
  } catch {
    return ['not ready', 'does not listen yet'];
  }
}

/** Resident, where /proc tells. */
function memoryOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return found?.[1] === undefined ? undefined : Math.round(Number(found[1]) / 1024);
  } catch {
    return undefined; // gone, or a system without /proc
  }
}
