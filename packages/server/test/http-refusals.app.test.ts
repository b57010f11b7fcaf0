import {
  encodeRemoteWrite,
  type SentSeries,
  sendRemoteWrite,
  startTidemark,
  type Tidemark,
} from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { samples } from './http.ts';

// What a running Tidemark refuses, as Prometheus and its agents expect it: 400 and its kin are dropped by the sender, 429
// and 503 are sent again after Retry-After. The body names field, limit and value; /metrics counts by reason.

const BODY_BYTES = 2_000_000;
const SAMPLES_PER_SECOND = 2000;
const SERIES = 50;

let server: Tidemark;

beforeAll(async () => {
  server = await startTidemark({
    env: {
      TIDEMARK_COLLECTOR_HOST: 'false',
      TIDEMARK_INGEST_BODY_BYTES_MAX: String(BODY_BYTES),
      TIDEMARK_INGEST_SAMPLES_PER_SECOND_MAX: String(SAMPLES_PER_SECOND),
      TIDEMARK_INGEST_ACTIVE_SERIES_MAX: String(SERIES),
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const tenant = (name: string) => ({ 'x-scope-orgid': name });
const one = (name: string, timestampMs: number, value = 1): SentSeries => ({
  labels: { __name__: name },
  samples: [{ timestampMs, value }],
});

async function post(path: string, headers: Record<string, string>, body: string | Buffer<ArrayBuffer>) {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', headers, body });
  return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') };
}

const WRITE = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };

/** The counter of a tenant and reason, from /metrics. */
async function refused(name: string, reason: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('tidemark_ingest_refused_total{'))
    .filter((line) => line.includes(`tenant="${name}"`) && line.includes(`reason="${reason}"`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

test('a body that is no snappy, or no WriteRequest inside: 400', async () => {
  expect(await post('/api/v1/write', WRITE, 'no snappy at all')).toMatchObject({
    status: 400,
    text: expect.stringContaining('malformed snappy block'),
  });
  const valid = encodeRemoteWrite([one('cut', Date.now())]);
  const broken = Buffer.from(valid);
  broken[7] = 0xff; // the first field's length, after six bytes of snappy framing and its tag
  expect(await post('/api/v1/write', WRITE, broken)).toMatchObject({ status: 400 });
});

test('what it does not speak: 415, naming what it does', async () => {
  for (const headers of [
    { ...WRITE, 'content-type': 'application/json' },
    { ...WRITE, 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' },
    { ...WRITE, 'content-encoding': 'zstd' },
  ]) {
    const { status, text } = await post('/api/v1/write', headers, 'x');
    expect(status, text).toBe(415);
    expect(text).toMatch(/not supported here; supported: application\/x-protobuf/);
  }
});

test('a body above the limit: 413 with both numbers, on both write routes', async () => {
  const body = Buffer.alloc(BODY_BYTES + 1, '\n');
  for (const path of ['/api/v1/write', '/api/v1/import/prometheus']) {
    const headers = path.endsWith('write') ? WRITE : { 'content-type': 'text/plain' };
    const answer = await post(path, { ...headers, ...tenant('large') }, body);
    expect(answer, path).toMatchObject({ status: 413, text: expect.stringContaining(`${BODY_BYTES + 1} bytes`) });
    expect(answer.text).toContain(`the limit bodyBytesMax is ${BODY_BYTES}`);
  }
  expect(await refused('large', 'body_too_large')).toBe(2);
});

test('a tenant that is no name: 400, writing and reading', async () => {
  for (const name of ['a/b', '..', 'x'.repeat(151), '__proto__ ü']) {
    const header = { 'x-scope-orgid': encodeURI(name) === name ? name : 'a b' };
    const write = await post('/api/v1/write', { ...WRITE, ...header }, encodeRemoteWrite([one('a', Date.now())]));
    expect(write, name).toMatchObject({ status: 400, text: expect.stringContaining('tenant') });
    const read = await fetch(`${server.url}/api/v1/query?query=a`, { headers: header });
    expect(read.status, name).toBe(400);
    expect(await read.json()).toMatchObject({ status: 'error', errorType: 'bad_data' });
  }
});

test('times too old and too far ahead: 400 names them, and the good samples of the request are stored', async () => {
  const now = Date.now();
  const day = 86_400_000;
  const answer = await sendRemoteWrite(
    server.url,
    [
      one('time_good', now, 41),
      one('time_old', now - 8 * day),
      one('time_future', now + 11 * 60_000),
      one('time_also', now, 42),
    ],
    tenant('times'),
  );
  expect(answer.status).toBe(400);
  expect(answer.text).toMatch(/^2 refused, 2 stored\n/);
  expect(answer.text).toMatch(new RegExp(`^too_old \\(1\\): time_old has the timestamp ${now - 8 * day}, `, 'm'));
  expect(answer.text).toMatch(/^too_far_in_future \(1\): time_future .*the limit is 10m$/m);
  const query = await fetch(`${server.url}/api/v1/query?query={__name__=~"time_.*"}`, {
    headers: { ...tenant('times'), 'x-read-consistency': 'strong' },
  });
  const { data } = (await query.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  expect(data.result.map(({ metric, value }) => [metric['__name__'], value[1]]).sort()).toEqual([
    ['time_also', '42'],
    ['time_good', '41'],
  ]);
  expect(await refused('times', 'too_old')).toBe(1);
  expect(await refused('times', 'too_far_in_future')).toBe(1);
});

test('more samples than the tenant may send: 429 with Retry-After, nothing of it stored, and soon it may go on', async () => {
  const now = Date.now();
  const many = (count: number): SentSeries => ({
    labels: { __name__: 'fast' },
    samples: Array.from({ length: count }, (_, i) => ({ timestampMs: now - i, value: i })),
  });
  // Ten seconds' worth at once is a burst; two seconds more are owed before the next request.
  const first = many(SAMPLES_PER_SECOND * 12);
  const headers = { ...WRITE, ...tenant('fast') };
  expect(await post('/api/v1/write', headers, encodeRemoteWrite([first]))).toMatchObject({ status: 204 });
  const refusal = await post(
    '/api/v1/write',
    headers,
    encodeRemoteWrite([{ ...many(7), labels: { __name__: 'more' } }]),
  );
  expect(refusal).toMatchObject({
    status: 429,
    text: expect.stringContaining(`samplesPerSecondMax of ${SAMPLES_PER_SECOND} samples/s (this request: 7)`),
  });
  expect([1, 2]).toContain(Number(refusal.retryAfter));
  expect(await refused('fast', 'rate_limited')).toBe(7);
  const more = await fetch(`${server.url}/api/v1/query?query=more`, {
    headers: { ...tenant('fast'), 'x-read-consistency': 'strong' },
  });
  expect(await more.json()).toMatchObject({ data: { result: [] } });
  // Another tenant is not held up by it, and this one goes on in time.
  expect((await sendRemoteWrite(server.url, [one('calm', now)], tenant('calm'))).status).toBe(204);
  await expect
    .poll(async () => (await sendRemoteWrite(server.url, [one('fast', now + 1)], tenant('fast'))).status)
    .toBe(204);
});

test('more series than the tenant may have: 400 names the limit; the known ones go on', async () => {
  const now = Date.now();
  const series = (from: number, to: number, at: number) =>
    Array.from({ length: to - from }, (_, i) => ({
      labels: { __name__: 'many', n: String(from + i) },
      samples: [{ timestampMs: at, value: from + i }],
    }));
  expect((await sendRemoteWrite(server.url, series(0, SERIES, now), tenant('many'))).status).toBe(204);
  const more = await sendRemoteWrite(server.url, series(SERIES - 5, SERIES + 5, now + 1), tenant('many'));
  expect(more).toMatchObject({ status: 400, text: expect.stringContaining(`the limit activeSeriesMax is ${SERIES}`) });
  expect(more.text).toMatch(/^5 refused, 5 stored\nactive_series_limit \(5\): .*many\{n="50"\}/);
  expect(await refused('many', 'active_series_limit')).toBe(5);
  expect(await refused('default', 'active_series_limit')).toBe(0);
});

test('labels that cannot be: 400 by name, the series beside them is stored', async () => {
  const now = Date.now();
  const answer = await sendRemoteWrite(server.url, [
    { labels: { __name__: 'label_long', path: 'x'.repeat(5000) }, samples: [{ timestampMs: now, value: 1 }] },
    { labels: { job: 'nameless' }, samples: [{ timestampMs: now, value: 1 }] },
    {
      labels: { __name__: 'label_good', ['__proto__']: 'kept', constructor: 'too' },
      samples: [{ timestampMs: now, value: 1 }],
    },
  ]);
  expect(answer.status).toBe(400);
  expect(answer.text).toMatch(/^2 refused, 1 stored\n/);
  expect(answer.text).toContain('2048'); // the limit of a label value
  const [good] = await samples(server.url, '{constructor="too"}', '1m', now + 1000);
  expect(good?.metric['constructor']).toBe('too');
});

test('an unknown route of the API: 404 in JSON, naming it', async () => {
  for (const prefix of ['/api/v1', '/prometheus/api/v1']) {
    const answer = await fetch(`${server.url}${prefix}/no/such?x=1`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const error = `there is no GET ${prefix}/no/such in this Tidemark`;
    expect(await answer.json()).toEqual({ status: 'error', errorType: 'not_found', error });
  }
});

test.each([
  ['sum(', 400, 'bad_data', /parse error/],
  ['no_such_function(up)', 400, 'bad_data', /unknown function with name "no_such_function"/],
  ['rate(up)', 400, 'bad_data', /expected type range vector/],
  ['up{job=~"("}', 400, 'bad_data', /missing closing \)/],
  ['start_timestamp(up)', 422, 'execution', /start_timestamp\(\) is not supported yet/],
])('PromQL %s: %d %s', async (query, status, errorType, words) => {
  const answer = await fetch(`${server.url}/api/v1/query?${new URLSearchParams({ query })}`);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ status: 'error', errorType, error: expect.stringMatching(words) });
});

test.each([
  [{ start: '100', end: '0', step: '1' }, /"end"/],
  [{ start: '0', end: '100000', step: '1' }, /11,000 points.*\?step=XX/],
  [{ start: '0', end: '10', step: '0' }, /"step"/],
  [{ start: 'then', end: '10', step: '1' }, /"start".*"then"/],
])('query_range with %j: 400 names the parameter', async (range, words) => {
  const answer = await fetch(`${server.url}/api/v1/query_range?${new URLSearchParams({ query: 'up', ...range })}`);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ errorType: 'bad_data', error: expect.stringMatching(words) });
});
