import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { SelfMetrics, systemClock } from '@tidemark/base';
import { labelsOf, type SeriesSource } from '@tidemark/model';
import express from 'express';
import { afterEach, expect, test } from 'vitest';
import { Executor, QueryService, queryRouter } from '../src/index.ts';

// Answers that nobody reads: they keep their place, and all together no more than their share of memory.

// 300 lines of 10,000 steps are some 60 MB of text: no socket swallows that. In memory they are 24 MB.
const SERIES = 300;
const STEPS = 10_000;
const BIG = `/api/v1/query_range?query=x&start=1000&end=${1000 + STEPS - 1}&step=1&lookback_delta=1y`;

const nothing = async () => ({ series: [], warnings: [] });
const source: SeriesSource = {
  select: async () => ({
    series: Array.from({ length: SERIES }, (_, i) => ({
      labels: labelsOf({ __name__: 'x', i: String(i) }),
      timestampsMs: Float64Array.of(1000),
      values: Float64Array.of(1 / 3),
    })),
    warnings: [],
  }),
  selectRows: nothing,
  series: nothing,
  labelNames: nothing,
  labelValues: nothing,
};

let close = async () => {
  await Promise.resolve();
};
afterEach(() => close());

async function api(concurrency: number, unreadBytesMax: number, timeoutMs = 60_000) {
  const limits = { seriesMax: 1000, samplesMax: 10_000_000 };
  const clock = systemClock;
  const metrics = new SelfMetrics();
  const service = new QueryService({
    executor: new Executor({ source, clock, lookbackMs: 300_000, ...limits }),
    source,
    freshness: { caughtUp: async () => true },
    clock,
    metrics,
    timeoutMs,
    concurrency,
    unreadBytesMax,
    ...limits,
  });
  const app = express();
  app.use('/api/v1', queryRouter({ service, nowMs: () => clock.nowMs(), version: '0.0.0' }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets: Socket[] = [];
  close = async () => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  const unread = () => Number(/^tidemark_query_unread_bytes (\d+)/m.exec(metrics.expose())?.[1] ?? Number.NaN);
  return {
    service,
    unread,
    get: (path: string) => fetch(`http://127.0.0.1:${port}${path}`),
    /** Asks, and reads nothing until told to; then tells how many bytes came. */
    async askWithoutReading(path: string): Promise<{ socket: Socket; readAll: () => Promise<number> }> {
      const before = unread();
      const socket = connect(port, '127.0.0.1').pause();
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await until(() => unread() > before);
      const readAll = async () => {
        let bytes = 0;
        for await (const piece of socket) bytes += (piece as Buffer).length;
        return bytes;
      };
      return { socket, readAll };
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('an answer beyond the limit is refused with numbers, until others are read', async () => {
  const { get, askWithoutReading, unread } = await api(10, 30_000_000);
  const first = await askWithoutReading(BIG);
  expect(unread()).toBeGreaterThan(SERIES * STEPS * 8);
  const refused = await get(BIG);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toMatchObject({
    errorType: 'unavailable',
    error: expect.stringMatching(
      /this answer takes 24.1 MB and answers of 24.1 MB are not read yet, more than 30.0 MB/,
    ),
  });
  // A small one fits beside it.
  expect((await get('/api/v1/query?query=1')).status).toBe(200);
  expect(await first.readAll()).toBeGreaterThan(SERIES * STEPS * 15);
  await until(() => unread() === 0);
  const again = await get(BIG);
  expect([again.status, (await again.text()).length > SERIES * STEPS * 15]).toEqual([200, true]);
});

test('an answer keeps its place until it is written; rules have places of their own', async () => {
  const { service, get, askWithoutReading } = await api(1, 1e9);
  const first = await askWithoutReading(BIG);
  let answered = false;
  const waiting = get('/api/v1/query?query=1').then(() => {
    answered = true;
  });
  const atMs = 1_000_000;
  const rule = await service.evaluate({
    tenant: 'default',
    expression: '1',
    atMs,
    consistency: 'latest',
    timeoutMs: 10_000,
  });
  expect(rule.samples).toMatchObject([{ value: 1 }]);
  expect(answered).toBe(false);
  await first.readAll();
  await waiting;
});

test('a reader that goes, or takes longer than a query may, gives place and memory back', async () => {
  const { askWithoutReading, unread } = await api(10, 1e9, 3000);
  const first = await askWithoutReading(BIG);
  first.socket.destroy();
  await until(() => unread() === 0);
  await askWithoutReading(BIG);
  await until(() => unread() === 0);
});
