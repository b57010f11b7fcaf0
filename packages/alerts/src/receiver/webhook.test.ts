import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SimClock } from '@tidemark/base';
import { labelsOf } from '@tidemark/model';
import { tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { type HttpOptions, PLAIN_HTTP } from '../notifier/config/http-config.ts';
import type { WebhookSpec } from '../notifier/config/plan.ts';
import type { Fetch } from './http-client.ts';
import { webhookIntegration } from './webhook.ts';
import { webhookPayload } from './webhook-payload.ts';

const group = { tenant: 't', groupKey: '{}:{}', groupLabels: [] };
const alert = (name: string, status: 'firing' | 'resolved' = 'firing') => ({
  fingerprint: name,
  status,
  labels: labelsOf({ alertname: 'X', name, team: 'core' }),
  annotations: [{ name: 'summary', value: 'the same' }],
  startsAt: 0,
  endsAt: 60_000,
  generatorURL: 'u',
});
const notice = { id: 'id', at: 0, alerts: [alert('a')] };

function send(
  fetch: Fetch,
  spec: Partial<WebhookSpec> = {},
  clock = new SimClock(),
  signal = new AbortController().signal,
) {
  const url = { text: 'http://receiver', file: '' };
  const integration = webhookIntegration(
    { id: 'ops/webhook[0]', receiver: 'ops', sendResolved: true },
    { url, alertsMax: 0, timeoutMs: 10_000, http: PLAIN_HTTP, ...spec },
    { clock, fetch, externalUrl: 'x' },
  );
  return integration.send(group, notice, signal);
}
const silent: Fetch = (_, { signal }) =>
  new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
const answers =
  (status: number, headers: Record<string, string> = {}) =>
  async () =>
    new Response('why', { status, headers });

test.each([
  [answers(200), { kind: 'delivered' }],
  [answers(202), { kind: 'delivered' }],
  [
    answers(500),
    { kind: 'retry', reason: 'server_error', message: 'answered 500: why', afterMs: undefined, isUncertain: false },
  ],
  [
    answers(503, { 'retry-after': '7' }),
    { kind: 'retry', reason: 'server_error', message: 'answered 503: why', afterMs: 7000, isUncertain: false },
  ],
  [
    answers(429, { 'retry-after': 'Thu, 01 Jan 1970 00:00:09 GMT' }),
    { kind: 'retry', reason: 'busy', message: 'answered 429: why', afterMs: 9000, isUncertain: false },
  ],
  [
    answers(429, { 'retry-after': 'soon' }),
    { kind: 'retry', reason: 'busy', message: 'answered 429: why', afterMs: undefined, isUncertain: false },
  ],
  [answers(400), { kind: 'refused', message: 'answered 400: why' }],
  [answers(404), { kind: 'refused', message: 'answered 404: why' }],
  [answers(302), { kind: 'refused', message: 'answered 302: why' }],
])('%#: the answer decides', async (fetch, outcome) => {
  expect(await send(fetch)).toEqual(outcome);
});

test('a broken line is tried again', async () => {
  const broken = () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNRESET') }));
  expect(await send(broken)).toEqual({
    kind: 'retry',
    reason: 'network',
    message: 'ECONNRESET',
    afterMs: undefined,
    isUncertain: true,
  });
});

test('a receiver that says nothing is given up after its time', async () => {
  const clock = new SimClock();
  const sending = send(silent, { timeoutMs: 3000 }, clock);
  await clock.advance(3000);
  expect(await sending).toEqual({
    kind: 'retry',
    reason: 'timeout',
    message: 'no answer within 3000 ms',
    afterMs: undefined,
    isUncertain: true,
  });
});

test('stopping is not an outcome', async () => {
  const stop = new AbortController();
  const sending = send(silent, {}, new SimClock(), stop.signal);
  stop.abort(new Error('stop'));
  await expect(sending).rejects.toThrow('stop');
});

test('a real connection that nobody takes', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const outcome = await send(globalThis.fetch, { url: { text: `http://127.0.0.1:${port}/`, file: '' } });
  expect(outcome).toMatchObject({
    kind: 'retry',
    reason: 'network',
    message: expect.stringContaining('ECONNREFUSED'),
    isUncertain: false,
  });
});

const http = (options: Partial<HttpOptions>): Partial<WebhookSpec> => ({ http: { ...PLAIN_HTTP, ...options } });
const said = (text: string) => ({ text, file: '' });

async function headersSent(options: Partial<HttpOptions>): Promise<Record<string, string>> {
  let seen: Record<string, string> = {};
  const fetch: Fetch = async (_, init) => {
    seen = init.headers as Record<string, string>;
    return new Response('', { status: 200 });
  };
  await send(fetch, http(options));
  return seen;
}

test('own headers go along, but do not replace what a receiver relies on', async () => {
  const headers = [
    { name: 'x-team', values: [said('a'), said('b')] },
    { name: 'content-type', values: [said('text/plain')] },
  ];
  expect(await headersSent({ headers })).toMatchObject({
    'x-team': 'a, b',
    'content-type': 'application/json',
    'x-tidemark-notice-id': 'id',
  });
});

test('credentials: basic, bearer, another scheme, from a file', async () => {
  const basicAuth = { username: said('me'), password: said('secret') };
  expect((await headersSent({ basicAuth }))['authorization']).toBe('Basic bWU6c2VjcmV0');
  const bearer = { type: 'Bearer', credentials: said('token') };
  expect((await headersSent({ authorization: bearer }))['authorization']).toBe('Bearer token');
  await using folder = await tempFolder('webhook');
  const file = join(folder.path, 'token');
  await writeFile(file, 'from a file\n');
  const filed = { type: 'Token', credentials: { text: '', file } };
  expect((await headersSent({ authorization: filed }))['authorization']).toBe('Token from a file');
});

test('a secret that cannot be read is tried again, and nothing is sent', async () => {
  const credentials = { text: '', file: '/nowhere/token' };
  const fetch = () => Promise.reject(new Error('sent'));
  const outcome = await send(fetch, http({ authorization: { type: 'Bearer', credentials } }));
  expect(outcome).toMatchObject({ kind: 'retry', reason: 'local', message: expect.stringContaining('/nowhere/token') });
});

test.each([
  [
    307,
    true,
    'http://receiver/b',
    { kind: 'delivered' },
    [
      ['http://receiver', true],
      ['http://receiver/b', true],
    ],
  ],
  [
    308,
    true,
    'http://other/b',
    { kind: 'delivered' },
    [
      ['http://receiver', true],
      ['http://other/b', false],
    ],
  ],
  [307, false, 'http://receiver/b', { kind: 'refused', message: 'answered 307' }, [['http://receiver', true]]],
  [302, true, 'http://receiver/b', { kind: 'refused', message: 'answered 302' }, [['http://receiver', true]]],
])('redirect %i, followed: %s, to %s', async (status, followRedirects, location, outcome, asked) => {
  const seen: [string, boolean][] = [];
  const fetch: Fetch = async (url, init) => {
    seen.push([url, 'authorization' in (init.headers as object)]);
    return seen.length === 1
      ? new Response('', { status, headers: { location } })
      : new Response('', { status: init.body === '' ? 400 : 200 });
  };
  const authorization = { type: 'Bearer', credentials: said('x') };
  expect(await send(fetch, http({ followRedirects, authorization }))).toEqual(outcome);
  expect(seen).toEqual(asked);
});

test('the payload: common pairs, what is cut off, an end only for what has ended', () => {
  const alerts = [alert('a', 'resolved'), alert('b', 'resolved'), alert('c')];
  const options = { receiver: 'ops', externalUrl: 'x', alertsMax: 2 };
  const payload = webhookPayload(group, { ...notice, alerts }, options);
  expect(payload).toMatchObject({
    status: 'resolved',
    truncatedAlerts: 1,
    commonLabels: { alertname: 'X', team: 'core' },
    commonAnnotations: { summary: 'the same' },
  });
  expect(payload.alerts.map(({ endsAt }) => endsAt)).toEqual(['1970-01-01T00:01:00.000Z', '1970-01-01T00:01:00.000Z']);
  expect(webhookPayload(group, { ...notice, alerts }, { ...options, alertsMax: 0 })).toMatchObject({
    status: 'firing',
    truncatedAlerts: 0,
  });
});

test('a label called __proto__ arrives', () => {
  const odd = { ...alert('a'), labels: [{ name: '__proto__', value: 'odd' }] };
  const text = JSON.stringify(
    webhookPayload(group, { ...notice, alerts: [odd] }, { receiver: 'r', externalUrl: '', alertsMax: 0 }),
  );
  expect(text).toContain('"labels":{"__proto__":"odd"}');
});
