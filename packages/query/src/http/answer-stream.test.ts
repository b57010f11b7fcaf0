import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { AnswerStream } from './answer-stream.ts';
import { sendError } from './envelope.ts';

// Answers over HTTP, packed as their reader wants them: whole, or cut so that everybody sees it.

let close = async () => {
  await Promise.resolve();
};
afterEach(() => close());

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

/** What a reader gets of whom `write` answers. */
async function answered(
  write: (out: AnswerStream, response: ServerResponse) => Promise<void>,
  accept?: string,
  method = 'GET',
): Promise<Got> {
  const server = createServer((_request, response) => {
    write(new AnswerStream(response), response).catch((error) => sendError(response, error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const headers = accept === undefined ? {} : { 'accept-encoding': accept };
    const asked = request({ host: '127.0.0.1', port, method, headers }, (response) => {
      const bytes: Buffer[] = [];
      response.on('data', (piece) => bytes.push(piece));
      response.on('error', () => undefined);
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes: Buffer.concat(bytes),
          isWhole: response.complete,
        }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

// Digits that repeat nowhere: 20 MB pack to some 8, more than sockets hold.
const LINES = Array.from({ length: 200 }, (_, i) =>
  Array.from({ length: 10_000 }, (_, k) => `${((i * 10_000 + k) * 2_654_435_761) % 1e9},`).join(''),
);
const long = async (out: AnswerStream) => {
  for (const line of LINES) await out.write(line);
  await out.end();
};
const of = (text: string) => async (out: AnswerStream) => {
  await out.write(text);
  await out.end();
};

test.each([
  ['gzip', gunzipSync],
  ['zstd', zstdDecompressSync],
] as const)('%s: short, long and in one piece', async (packing, unpack) => {
  for (const text of ['x'.repeat(1024), 'ü'.repeat(70_000), 'y'.repeat(65_536)]) {
    const { headers, bytes, isWhole } = await answered(of(text), packing);
    expect([headers['content-encoding'], headers.vary, isWhole]).toEqual([packing, 'Accept-Encoding', true]);
    expect(unpack(bytes).toString()).toBe(text);
    await close();
  }
  const { bytes, isWhole } = await answered(long, packing);
  expect([isWhole, unpack(bytes).toString() === LINES.join('')]).toEqual([true, true]);
});

test('what is small, or asked for as it is, goes as it is', async () => {
  const small = await answered(of('x'.repeat(1023)), 'gzip, zstd');
  expect([small.headers['content-encoding'], small.headers['content-length']]).toEqual([undefined, '1023']);
  expect(small.headers.vary).toBe('Accept-Encoding');
  await close();
  const plain = await answered(long);
  expect([plain.headers['content-encoding'], plain.isWhole]).toEqual([undefined, true]);
  expect(plain.bytes.toString() === LINES.join('')).toBe(true);
});

test('HEAD is told how it would be packed, and nothing else', async () => {
  const { headers, bytes } = await answered(of('x'.repeat(2000)), 'gzip', 'HEAD');
  expect([headers['content-encoding'], bytes.length]).toEqual(['gzip', 0]);
});

test.each([
  ['gzip', gunzipSync],
  ['zstd', zstdDecompressSync],
] as const)('%s that is cut ends nowhere: neither for HTTP nor for who unpacks it', async (packing, unpack) => {
  const stopped = Promise.withResolvers<unknown>();
  const got = await answered(async (out, response) => {
    for (const [i, line] of LINES.entries()) {
      if (i === 150) response.destroy();
      await out.write(line).catch((error) => {
        stopped.resolve(error);
        throw error;
      });
    }
    await out.end();
  }, packing);
  expect(await stopped.promise).toMatchObject({ code: 'QUERY_CANCELED' });
  expect([got.status, got.isWhole]).toEqual([200, false]);
  expect(() => unpack(got.bytes)).toThrow();
});

test('cut while a piece is being packed, or the last one: nobody waits for ever', async () => {
  for (const cutAt of ['write', 'end'] as const) {
    const stopped = Promise.withResolvers<unknown>();
    await answered(async (out, response) => {
      await out.write('a'.repeat(100_000));
      const rest = out.write('b'.repeat(cutAt === 'write' ? 10_000_000 : 10));
      if (cutAt === 'write') setImmediate(() => response.destroy());
      const ended = rest.then(() => out.end());
      if (cutAt === 'end') setImmediate(() => response.destroy());
      await ended.then(() => stopped.resolve(undefined), stopped.resolve);
      response.destroy();
    }, 'gzip').catch(() => undefined);
    expect(await stopped.promise).toMatchObject({ code: 'QUERY_CANCELED' });
    await close();
  }
});

test('an error before anything is sent is told as one, not packed', async () => {
  const got = await answered(async (out) => {
    // A piece, but less than a block of zstd's: nothing comes out yet.
    await out.write('a'.repeat(70_000));
    throw new Error('broken');
  }, 'zstd');
  expect([got.status, got.isWhole, got.headers['content-encoding']]).toEqual([500, true, undefined]);
  expect(JSON.parse(got.bytes.toString())).toMatchObject({ status: 'error', error: 'broken' });
});
