import { createServer } from 'node:net';
import { freePort } from '@tidemark/testkit/real';
import { LISTENERS, type Ports } from './plan.ts';

// A port for everyone who listens: from the first one upwards, the same at every start; of 0, any that is free.

/** Throws when one of them is taken. */
export async function portsFrom(first: number): Promise<Ports> {
  const HIGHEST = 65_535 - LISTENERS.length + 1;
  if (first > HIGHEST) throw new Error(`--port takes ${LISTENERS.length} ports from N on: N is at most ${HIGHEST}`);
  const ports = new Map<string, number>();
  for (const [i, name] of LISTENERS.entries()) ports.set(name, first === 0 ? await freePort() : first + i);
  const tried = await Promise.all([...ports].map(async ([name, port]) => ({ name, port, free: await isFree(port) })));
  const taken = tried.filter(({ free }) => !free).map(({ name, port }) => `${port} (${name})`);
  if (taken.length === 0) return ports;
  throw new Error(
    `in use by other programs, perhaps another Tidemark: ${taken.join(', ')}; --port N takes ${LISTENERS.length} ports from N on, --port 0 any that are free`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
