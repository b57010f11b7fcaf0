import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

const LOWEST = 12_000; // below it live programs with a port of their own, Tidemark's 9470 among them
const TRIES = 200;
const given = new Set<number>();

/**
 * A port on 127.0.0.1 that nobody listens on at this moment, below those the kernel deals out by itself: one of its own
 * would be given to the next outgoing connection of any process on the machine before the server under test takes it.
 * No port is given twice by one process.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST, firstOfKernel());
    if (given.has(port) || !(await canListen(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port on 127.0.0.1 in ${TRIES} tries from ${LOWEST} to ${firstOfKernel() - 1}`);
}

/** The first port that outgoing connections get: Linux tells; elsewhere IANA's dynamic ports begin at 49152. */
function firstOfKernel(): number {
  const first = Number(contentOf('/proc/sys/net/ipv4/ip_local_port_range')?.split(/\s/)[0] ?? 49_152);
  return first > LOWEST + TRIES ? first : 49_152;
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * Whether the process `pid` itself listens on a TCP port. An answer on the port could come from a stranger who took it
 * first; the kernel knows whose socket it is. On systems without /proc this is always true.
 */
export function listensOn(pid: number, port: number): boolean {
  const sockets = listeningSockets(port);
  if (sockets === undefined) return true;
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false; // the process is gone
  }
}

/** `socket:[inode]` of every socket that listens on the port; undefined when there is no /proc to ask. */
function listeningSockets(port: number): Set<string> | undefined {
  const found = new Set<string>();
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map(contentOf);
  if (tables.every((table) => table === undefined)) return undefined;
  for (const line of tables.flatMap((table) => (table ?? '').split('\n').slice(1))) {
    const fields = line.trim().split(/\s+/);
    const LISTEN = '0A';
    if (fields[1]?.endsWith(suffix) && fields[3] === LISTEN) found.add(`socket:[${fields[9]}]`);
  }
  return found;
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined; // not this system, or no IPv6
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed between listing and reading
  }
}
