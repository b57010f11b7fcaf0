import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SimClock } from '@tidemark/base';
import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { type Fetch, type WebhookSpec, webhookReceiver } from './webhook.ts';
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
  const receiver = webhookReceiver(
    { name: 'ops', url: 'http://receiver', ...spec },
    { clock, fetch, externalUrl: 'x' },
  );
  return receiver.send(group, notice, signal);
}
const answers =
  (status: number, headers: Record<string, string> = {}) =>
  async () =>
    new Response('why', { status, headers });

test.each([
  [answers(200), { kind: 'delivered' }],
  [answers(202), { kind: 'delivered' }],
  [answers(500), { kind: 'retry', reason: 'server_error', message: 'answered 500: why', afterMs: undefined }],
  [
    answers(503, { 'retry-after': '7' }),
    { kind: 'retry', reason: 'server_error', message: 'answered 503: why', afterMs: 7000 },
  ],
  [
    answers(429, { 'retry-after': 'Thu, 01 Jan 1970 00:00:09 GMT' }),
    { kind: 'retry', reason: 'busy', message: 'answered 429: why', afterMs: 9000 },
  ],
  [
    answers(429, { 'retry-after': 'soon' }),
    { kind: 'retry', reason: 'busy', message: 'answered 429: why', afterMs: undefined },
  ],
  [answers(400), { kind: 'refused', message: 'answered 400: why' }],
  [answers(404), { kind: 'refused', message: 'answered 404: why' }],
  [answers(302), { kind: 'refused', message: 'answered 302: why' }],
])('%#: the answer decides', async (fetch, outcome) => {
  expect(await send(fetch)).toEqual(outcome);
});

test('a broken line is tried again', async () => {
  const broken = () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') }));
  expect(await send(broken)).toEqual({ kind: 'retry', reason: 'network', message: 'ECONNREFUSED', afterMs: undefined });
});

test('a receiver that says nothing is given up after its time', async () => {
  const clock = new SimClock();
  const silent: Fetch = (_, init) =>
    new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
  const sending = send(silent, { timeoutMs: 3000 }, clock);
  await clock.advance(3000);
  expect(await sending).toEqual({
    kind: 'retry',
    reason: 'timeout',
    message: 'no answer within 3000 ms',
    afterMs: undefined,
  });
});

test('stopping is not an outcome', async () => {
  const stop = new AbortController();
  const silent: Fetch = (_, init) =>
    new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
  const sending = send(silent, {}, new SimClock(), stop.signal);
  stop.abort(new Error('stop'));
  await expect(sending).rejects.toThrow('stop');
});

test('a real connection that nobody takes', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const outcome = await send(globalThis.fetch, { url: `http://127.0.0.1:${port}/` });
  expect(outcome).toMatchObject({ kind: 'retry', reason: 'network', message: expect.stringContaining('ECONNREFUSED') });
});

test('own headers go along, but do not replace what a receiver relies on', async () => {
  let seen: Record<string, string> = {};
  const fetch: Fetch = async (_, init) => {
    seen = init.headers as Record<string, string>;
    return new Response('', { status: 200 });
  };
  await send(fetch, { headers: { authorization: 'Bearer x', 'content-type': 'text/plain' } });
  expect(seen).toMatchObject({
    authorization: 'Bearer x',
    'content-type': 'application/json',
    'x-tidemark-notice-id': 'id',
  });
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
