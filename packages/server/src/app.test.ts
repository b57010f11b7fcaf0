import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { SelfMetrics } from '@tidemark/base';
import express from 'express';
import { expect, test } from 'vitest';
import { createApp } from './app.ts';

// What is wrong with a request before any handler sees it is told in the API's envelope, without a stack.

let waitsFor: string | undefined;

interface Asked {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly body: string;
}

async function ask(path: string, init: RequestInit = {}, corsOrigin = '.*'): Promise<Asked> {
  const queries = express.Router();
  queries.use(express.urlencoded({ extended: false, limit: '1kb' }));
  queries.post('/query', (_request, response) => void response.json({ status: 'success' }));
  queries.get('/label/:name/values', (_request, response) => void response.json({ status: 'success' }));
  queries.get('/counted', (request, response) => void response.json([request.query['m']].flat().length));
  queries.get('/broken', () => {
    throw new Error('a secret of ours');
  });
  const app = createApp({
    metrics: new SelfMetrics(),
    notReady: () => waitsFor,
    writes: {
      '/write': async (request, response) => void response.writeHead(request.method === 'POST' ? 204 : 405).end(),
    },
    queries,
    federate: undefined,
    rules: () => ({ groups: [] }),
    alerts: () => ({ alerts: [] }),
    status: { '/status/thing': () => ({ it: 'is' }) },
    flush: undefined,
    reload: async () => undefined,
    quit: undefined,
    page: false,
    corsOrigin,
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      headers: response.headers,
      body: await response.text(),
    };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };

test.each<[string, string, RequestInit, number, string, RegExp]>([
  ['an address that is no UTF-8', '/api/v1/label/%FF/values', {}, 400, 'bad_data', /%FF/],
  [
    'a body above the limit',
    '/api/v1/query',
    { method: 'POST', headers: form, body: 'a'.repeat(2000) },
    413,
    'bad_data',
    /too large/,
  ],
  [
    'a body that unpacks above the limit',
    '/api/v1/query',
    { method: 'POST', headers: { ...form, 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(100_000)) },
    413,
    'bad_data',
    /too large/,
  ],
  [
    'a body that is not packed as it says',
    '/api/v1/query',
    { method: 'POST', headers: { ...form, 'content-encoding': 'gzip' }, body: 'query=1' },
    400,
    'bad_data',
    /header/,
  ],
  [
    'a body in another alphabet',
    '/prometheus/api/v1/query',
    { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-16' }, body: 'q=1' },
    415,
    'bad_data',
    /utf-16/i,
  ],
])('%s', async (_, path, init, status, errorType, error) => {
  const answer = await ask(path, init);
  expect([answer.status, answer.type]).toEqual([status, 'application/json; charset=utf-8']);
  expect(JSON.parse(answer.body)).toMatchObject({ status: 'error', errorType, error: expect.stringMatching(error) });
  expect(answer.body).not.toMatch(/node_modules|at .*:\d+:\d+/);
});

test('a fault of ours: 500, without its stack', async () => {
  const answer = await ask('/api/v1/broken');
  expect([answer.status, answer.type]).toEqual([500, 'application/json; charset=utf-8']);
  expect(JSON.parse(answer.body)).toMatchObject({ status: 'error', errorType: 'internal' });
  expect(answer.body).not.toMatch(/node_modules|at .*:\d+:\d+/);
});

test('a write route sees every method: what is wrong with it is its own to say', async () => {
  expect((await ask('/api/v1/write', { method: 'POST' })).status).toBe(204);
  expect((await ask('/api/v1/write')).status).toBe(405);
  expect((await ask('/api/v1/write', { method: 'PUT' })).status).toBe(405);
});

test('no parameter of an address is dropped', async () => {
  const many = Array.from({ length: 3000 }, (_, i) => `m=${i % 10}`).join('&');
  expect((await ask(`/api/v1/counted?${many}`)).body).toBe('3000');
});

test('what is asked of the process itself: GET and HEAD, else 405', async () => {
  expect(JSON.parse((await ask('/api/v1/status/thing')).body)).toEqual({ status: 'success', data: { it: 'is' } });
  expect((await ask('/api/v1/status/thing', { method: 'HEAD' })).status).toBe(200);
  const refused = await ask('/prometheus/api/v1/status/thing', { method: 'POST', headers: form, body: 'a=b' });
  expect([refused.status, JSON.parse(refused.body).errorType]).toEqual([405, 'bad_data']);
  expect((await ask('/api/v1/rules', { method: 'POST' })).status).toBe(405);
  expect((await ask('/api/v1/alerts', { method: 'DELETE' })).status).toBe(405);
});

test('who asks whether it is ready is told what it waits for', async () => {
  expect(await ask('/-/ready')).toMatchObject({ status: 200, body: 'Tidemark is ready.\n' });
  waitsFor = 'no store answers';
  expect(await ask('/-/ready')).toMatchObject({ status: 503, body: 'Tidemark is not ready: no store answers\n' });
  expect(await ask('/-/healthy')).toMatchObject({ status: 200 });
  waitsFor = undefined;
});

const access = ({ headers }: Asked) =>
  ['origin', 'methods', 'headers'].map((what) => headers.get(`access-control-allow-${what}`));
const ALLOWED = ['GET, POST, OPTIONS', 'Accept, Authorization, Content-Type, Origin'];

test('a page of another origin may read every answer of the API, refusals too', async () => {
  const from = { headers: { origin: 'https://grafana.example' } };
  for (const path of ['/api/v1/status/thing', '/prometheus/api/v1/rules', '/api/v1/query', '/api/v1/nowhere']) {
    const answer = await ask(path, from);
    expect(access(answer)).toEqual(['*', ...ALLOWED]);
    expect(answer.headers.get('access-control-expose-headers')).toBe('Date');
    expect(answer.headers.get('vary')).toMatch(/\bOrigin\b/);
  }
  expect(access(await ask('/api/v1/rules'))).toEqual([null, null, null]);
  expect((await ask('/api/v1/rules')).headers.get('vary')).toMatch(/\bOrigin\b/);
  expect(access(await ask('/-/healthy', from))).toEqual([null, null, null]);
});

test('who asks before he asks is answered 204, whatever the path', async () => {
  const preflight = { method: 'OPTIONS', headers: { origin: 'http://a', 'access-control-request-method': 'POST' } };
  for (const path of ['/api/v1/query', '/api/v1/write', '/prometheus/api/v1/label/x/values', '/api/v1/nowhere']) {
    const answer = await ask(path, preflight);
    expect([answer.status, answer.body, ...access(answer)]).toEqual([204, '', '*', ...ALLOWED]);
  }
});

test.each([
  ['https://.*[.]example', 'https://a.example', 'https://a.example'],
  ['https://.*[.]example', 'https://a.example.evil', null],
  ['https://.*[.]example', 'xhttps://a.example', null],
  ['https://a|http://b', 'http://b', 'http://b'],
  ['', 'http://b', null],
])('where "%s" is allowed, %s is told %s', async (pattern, origin, told) => {
  expect(access(await ask('/api/v1/rules', { headers: { origin } }, pattern))).toEqual([told, ...ALLOWED]);
});
