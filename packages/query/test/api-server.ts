import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Labels } from '@tidemark/model';
import express from 'express';
import { type QueryService, queryRouter } from '../src/index.ts';

/** The API over a service, on a free port of this machine. */
export async function serveApi(service: QueryService, nowMs: () => number, externalLabels = (): Labels => []) {
  const app = express();
  app.use('/api/v1', queryRouter({ service, nowMs, version: '0.0.0', externalLabels }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
