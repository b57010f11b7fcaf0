import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '@tidemark/testkit/real';
import { afterEach, expect, test, vi } from 'vitest';
import { startServers } from './servers.ts';

// Servers that somebody has named are asked before anything else begins.

afterEach(() => vi.unstubAllEnvs());

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listening(server: Server): Promise<number> {
  open.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const onConnect = (each: (socket: Socket) => void) =>
  listening(
    createServer((socket) => {
      socket.on('error', () => socket.destroy());
      each(socket);
    }),
  );

/** Whatever it is asked, it names itself, as a broker does that is asked for its metadata. */
const broker = () =>
  onConnect((socket) =>
    socket.once('data', () => {
      const body = Buffer.from(
        '00000001 00000000 00000001 00000007 0001 61 00000001 ffff 0001 63 00000007'.replaceAll(' ', ''),
        'hex',
      );
      const length = Buffer.alloc(4);
      length.writeInt32BE(body.length);
      socket.end(Buffer.concat([length, body]));
    }),
  );
const web = (status: number) => listening(createHttpServer((_, response) => response.writeHead(status).end('[]')));

interface Given {
  readonly brokers: string;
  readonly registry?: number;
  readonly s3?: number;
}

async function start({ brokers, registry, s3 }: Given) {
  vi.stubEnv('KAFKA_BROKERS', brokers);
  vi.stubEnv('SCHEMA_REGISTRY_URL', `http://127.0.0.1:${registry ?? (await web(200))}`);
  vi.stubEnv('S3_ENDPOINT', `http://127.0.0.1:${s3 ?? (await web(403))}`);
  vi.stubEnv('S3_BUCKET', 'b');
  vi.stubEnv('S3_ACCESS_KEY_ID', 'id');
  vi.stubEnv('S3_SECRET_ACCESS_KEY', 'secret');
  const said: string[] = [];
  const starting = startServers({
    folder: '/nowhere',
    ports: new Map() as never,
    say: (line) => said.push(line),
    changed: () => undefined,
  });
  const failure = await starting.then(
    async (servers) => {
      await servers[Symbol.asyncDispose]();
      return undefined;
    },
    (error: unknown) => String(error),
  );
  return { said, failure };
}

test('all that answer are used; of several brokers one is enough', async () => {
  const brokers = `127.0.0.1:${await freePort()},127.0.0.1:${await broker()}`;
  const { said, failure } = await start({ brokers });
  expect(failure).toBeUndefined();
  expect(said[0]).toBe(`Kafka answers at ${brokers}.`);
});

test('brokers that are not there are named, with the variable, and nothing is said of what answers', async () => {
  const ports = [await freePort(), await freePort()];
  const { said, failure } = await start({ brokers: ports.map((port) => `127.0.0.1:${port}`).join(',') });
  expect(failure).toMatch(
    new RegExp(
      `KAFKA_BROKERS: no broker answers.*127\\.0\\.0\\.1:${ports[0]}.*ECONNREFUSED.*127\\.0\\.0\\.1:${ports[1]}`,
    ),
  );
  expect(said).toEqual([]);
});

test('a broker that wants TLS or credentials is used, and it is said that it was not asked', async () => {
  const port = await onConnect((socket) => socket.once('data', () => socket.destroy()));
  const { said, failure } = await start({ brokers: `127.0.0.1:${port}` });
  expect(failure).toBeUndefined();
  expect(said[0]).toMatch(/^Kafka listens at 127\.0\.0\.1:\d+ .*TLS or credentials.*tidemark\.yaml/);
});

test('a broker that wants TLS or credentials needs a registry that has them', async () => {
  const port = await onConnect((socket) => socket.once('data', () => socket.destroy()));
  vi.stubEnv('KAFKA_BROKERS', `127.0.0.1:${port}`);
  vi.stubEnv('SCHEMA_REGISTRY_URL', '');
  const parts = { folder: '/nowhere', ports: new Map() as never, say: () => undefined, changed: () => undefined };
  await expect(startServers(parts)).rejects.toThrow(/KAFKA_BROKERS: .*SCHEMA_REGISTRY_URL/);
});

test('a registry and an S3 server that are not there are named, with their variables', async () => {
  const [registry, s3] = [await freePort(), await freePort()];
  const { failure } = await start({ brokers: `127.0.0.1:${await broker()}`, registry, s3 });
  expect(failure).toMatch(new RegExp(`SCHEMA_REGISTRY_URL: .*127\\.0\\.0\\.1:${registry}.*ECONNREFUSED`));
  expect(failure).toMatch(new RegExp(`S3_ENDPOINT: .*127\\.0\\.0\\.1:${s3}.*ECONNREFUSED`));
});

test('a page that is no registry is named, with what it answered', async () => {
  const { failure } = await start({ brokers: `127.0.0.1:${await broker()}`, registry: await web(404) });
  expect(failure).toMatch(/SCHEMA_REGISTRY_URL: http:\/\/127\.0\.0\.1:\d+\/subjects answers 404.*\/apis\/ccompat\/v7/);
});
