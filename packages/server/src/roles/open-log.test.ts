import { createServer, type Socket } from 'node:net';
import { SelfMetrics, seededRandom, silentLogger, systemClock } from '@tidemark/base';
import { expect, test } from 'vitest';
import { parseConfig } from '../config/load.ts';
import { logOpener } from './open-log.ts';

const API_VERSIONS = 18;
const METADATA = 3;

const i16 = (value: number) => Buffer.from([(value >> 8) & 255, value & 255]);
const i32 = (value: number) => Buffer.concat([i16(value >> 16), i16(value)]);
const text = (value: string) => Buffer.concat([i16(value.length), Buffer.from(value)]);

/** Every API there is, in all versions that may be asked for. */
const everything = () => {
  const keys = Array.from({ length: 70 }, (_, key) => Buffer.concat([i16(key), i16(0), i16(20)]));
  return Buffer.concat([i16(0), i32(keys.length), ...keys, i32(0)]);
};

/** A broker that says who it is, once, and never answers anything else. `silent` resolves when it was asked for more. */
async function brokerThatFallsSilent() {
  const silent = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  let port = 0;
  let hasToldWho = false;
  const itself = () =>
    Buffer.concat([i32(0), i32(1), i32(1), text('127.0.0.1'), i32(port), i16(-1), i16(-1), i32(1), i32(0)]);
  const answerTo = (key: number): Buffer | undefined => {
    if (key === API_VERSIONS) return everything();
    if (key !== METADATA || hasToldWho) {
      silent.resolve();
      return undefined;
    }
    hasToldWho = true;
    return itself();
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let bytes = Buffer.alloc(0);
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE()) {
        const request = bytes.subarray(4, 4 + bytes.readInt32BE());
        bytes = bytes.subarray(4 + request.length);
        const answer = answerTo(request.readInt16BE());
        if (answer) socket.write(Buffer.concat([i32(4 + answer.length), request.subarray(4, 8), answer]));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as { port: number });
  const end = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { address: `127.0.0.1:${port}`, silent: silent.promise, [Symbol.dispose]: end };
}

test('a log whose brokers fall silent while it opens is let go of when the process is told to stop', async () => {
  using broker = await brokerThatFallsSilent();
  const { config } = parseConfig(`log:\n  kind: kafka\nkafka:\n  brokers: ["${broker.address}"]\n`, 'x.yaml', {
    env: {},
  });
  const stopping = new AbortController();
  const open = logOpener({
    config,
    disk: undefined,
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics: new SelfMetrics(),
    signal: stopping.signal,
  });
  const opening = open().catch((error: unknown) => error);
  await broker.silent;
  const toldMs = performance.now();
  stopping.abort(new Error('stop'));
  expect(await opening).toBe(stopping.signal.reason);
  expect(performance.now() - toldMs).toBeLessThan(5_000);
});
