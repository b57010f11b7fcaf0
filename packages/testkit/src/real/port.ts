import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** A port on 127.0.0.1 that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
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
