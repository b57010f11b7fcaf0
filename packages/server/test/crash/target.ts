import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// A target that counts its scrapes: no two answers are the same, so a sample that is stored twice, or that nobody served, shows.

export interface Target extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  /** Pages served so far. */
  served(): number;
}

export async function startTarget(): Promise<Target> {
  let served = 0;
  const server = createServer((_request, response) => {
    served++;
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(`# TYPE crash_page_scrapes counter\ncrash_page_scrapes ${served}\ncrash_page_constant 7\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    served: () => served,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
