import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  endFrame,
  headFrame,
  labelsOf,
  matcher,
  READ_CONTENT_TYPE,
  type ReadPart,
  samplesFrames,
} from '@tidemark/model';
import { afterEach, expect, test } from 'vitest';
import { httpStore } from './http-store.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const store = httpStore(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  closing.push(() => {
    store.close();
    server.closeAllConnections();
    server.close();
  });
  return store;
}

const HEAD = headFrame({ partitions: 1, answered: [0], positions: [] });
const END = endFrame({ warnings: [], parts: 1 });
const times = Float64Array.from({ length: 60_000 }, (_, i) => i * 997);
// Values that do not compress: an answer of many megabytes.
const series = Array.from({ length: 40 }, (_, s) => ({
  labels: labelsOf({ s: String(s) }),
  timestampsMs: times,
  values: Float64Array.from(times, (_, i) => Math.sin(s * 60_000 + i)),
}));
const PARTS = [...samplesFrames({ series, warnings: [] })];

function begin(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': READ_CONTENT_TYPE });
  response.write(HEAD);
}

async function kindsOf(asked: AsyncIterable<ReadPart>): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { kind } of asked) kinds.push(kind);
  return kinds;
}

const QUESTION = { tenant: 't', matchers: [matcher('=', 'a', 'b')], partitions: [0] };
const { signal } = new AbortController();

test('a question is posted, and its answer comes in parts', async () => {
  const bodies: string[] = [];
  const store = await serve((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => bodies.push(`${request.method} ${request.url} ${text}`));
    request.on('end', () => {
      begin(response);
      response.write(PARTS[0]);
      response.end(END);
    });
  });
  expect(await kindsOf(store.ask('select', QUESTION, signal))).toEqual(['head', 'samples', 'end']);
  expect(bodies).toEqual([
    'POST /internal/v1/store/select {"version":0,"tenant":"t","partitions":[0],"matchers":[["=","a","b"]]}',
  ]);
});

test.each<[string, (response: ServerResponse) => void, RegExp]>([
  ['starts', (r) => r.writeHead(503).end('Tidemark is starting.\n'), /503 Tidemark is starting\.$/],
  ['is no store', (r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), /it is no store/],
  ['hangs up', (r) => r.destroy(), /ECONNRESET/],
  [
    'dies in the middle',
    (r) => {
      begin(r);
      r.write((PARTS[0] as Uint8Array).subarray(0, 1000), () => r.destroy());
    },
    /aborted/,
  ],
])('one that %s is away', async (_, answer, message) => {
  const store = await serve((_request, response) => answer(response));
  const asked = kindsOf(store.ask('select', QUESTION, signal));
  await expect(asked).rejects.toMatchObject({ code: 'STORE_AWAY' });
  await expect(asked).rejects.toThrow(message);
});

test('nobody there is away', async () => {
  const store = await serve(() => undefined);
  closing.splice(0).forEach((close) => {
    close();
  });
  await expect(store.state(signal)).rejects.toMatchObject({ code: 'STORE_AWAY', message: /ECONNREFUSED/ });
});

test('damage on the way is noticed', async () => {
  const store = await serve((_request, response) => {
    begin(response);
    const damaged = (PARTS[0] as Uint8Array).slice();
    damaged[500] = (damaged[500] as number) ^ 4;
    response.end(damaged);
  });
  await expect(kindsOf(store.ask('select', QUESTION, signal))).rejects.toMatchObject({ code: 'READ_ANSWER_MALFORMED' });
});

test('it is read no faster than its parts are taken, and cut when nobody wants the rest', async () => {
  let written = 0;
  const cut = Promise.withResolvers<void>();
  const store = await serve((_request, response) => {
    begin(response);
    response.on('close', cut.resolve);
    const next = () => {
      while (written < PARTS.length) if (!response.write(PARTS[written++])) return void response.once('drain', next);
    };
    next();
  });
  const all = PARTS.reduce((sum, { length }) => sum + length, 0);
  expect(all).toBeGreaterThan(12_000_000);
  for await (const { kind } of store.ask('select', QUESTION, signal)) {
    if (kind !== 'samples') continue;
    // Long enough for all of it, if it were read ahead.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(written).toBeLessThan(PARTS.length);
    break;
  }
  await cut.promise;
});

test('an asker that goes away cuts the connection', async () => {
  const cut = Promise.withResolvers<void>();
  const gone = new AbortController();
  const store = await serve((_request, response) => {
    response.on('close', cut.resolve);
    begin(response);
  });
  const asked = kindsOf(store.ask('select', QUESTION, gone.signal));
  setTimeout(() => gone.abort(new Error('gone')), 50);
  await expect(asked).rejects.toThrow('gone');
  await cut.promise;
});

test('what a store says of itself', async () => {
  const said = { zone: 'a', partitions: 2, owned: [1], positions: [] };
  const store = await serve((_request, response) => response.end(JSON.stringify({ version: 0, ...said })));
  expect(await store.state(signal)).toEqual(said);
  const strange = await serve((_request, response) => response.end('{"version":0,"partitions":2,"owned":[2]}'));
  await expect(strange.state(signal)).rejects.toMatchObject({ code: 'READ_ANSWER_MALFORMED' });
});
