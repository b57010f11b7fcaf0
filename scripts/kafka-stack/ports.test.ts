import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { LISTENERS } from './plan.ts';
import { portsFrom } from './ports.ts';

test('of 0, each has another one', async () => {
  const ports = await portsFrom(0);
  expect([...ports.keys()]).toEqual([...LISTENERS]);
  expect(new Set(ports.values()).size).toBe(LISTENERS.length);
});

test('a port that is taken is named, with whose it would be', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  await expect(portsFrom(port - 1)).rejects.toThrow(`${port} (ingest)`);
  server.close();
});
