import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { SelfMetrics, SimClock, seededRandom, silentLogger, snappyBlock } from '@tidemark/base';
import { answerError, type IngestOptions, IngestPipeline, WriteHandlers } from '@tidemark/ingest';
import { SimLog } from '@tidemark/log/sim';
import { tenantOfHeader } from '@tidemark/model';
import { afterEach, expect, test } from 'vitest';
import { type RequestSeries, writeRequest } from '../src/testing/write-request.ts';

// The write APIs over a real socket, the log simulated.

const NOW = 1_800_000_000_000;
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

async function start(options: Partial<IngestOptions> = {}) {
  const clock = new SimClock(NOW);
  const log = new SimLog({ clock });
  await log.ensureTopics([{ name: 'tidemark.raw', partitions: 4, compacted: false, retentionMs: 1e9 }]);
  const metrics = new SelfMetrics();
  const pipeline = new IngestPipeline({ clock, random: seededRandom(1), log, metrics }, options);
  const routes = new WriteHandlers({ pipeline, clock, logger: silentLogger }).routes();
  const server = createServer((req, res) => {
    const route = routes.find(({ path }) => path === req.url);
    if (!route) return void res.writeHead(404).end();
    try {
      void route.handle(req, res, tenantOfHeader(req.headers['x-scope-orgid']));
    } catch (error) {
      answerError(res, error);
    }
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    clock,
    log,
    metrics,
    post: (path: string, body: Uint8Array | string, headers: Record<string, string> = {}, method = 'POST') =>
      new Promise<Answer>((resolve, reject) => {
        const req = request({ port, host: '127.0.0.1', path, method, headers }, (res) => {
          const chunks: Buffer[] = [];
          res.on('data', (chunk: Buffer) => chunks.push(chunk));
          res.on('end', () =>
            resolve({
              status: res.statusCode ?? 0,
              text: Buffer.concat(chunks).toString('utf8'),
              headers: res.headers,
            }),
          );
        });
        req.on('error', reject);
        req.end(body);
      }),
  };
}

const HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
};

function body(...series: RequestSeries[]): Uint8Array {
  return snappyBlock(writeRequest(series));
}

function up(timestampMs = NOW): RequestSeries {
  return { labels: [['__name__', 'up']], samples: [{ value: 1, timestampMs }] };
}

test.each(['/api/v1/write', '/api/v1/push'])('%s: 204 without a body when all is stored', async (path) => {
  const run = await start();
  expect(await run.post(path, body(up()), HEADERS)).toMatchObject({ status: 204, text: '' });
  expect((await run.log.bounds('tidemark.raw')).reduce((sum, { end }) => sum + end, 0)).toBe(1);
  expect(run.metrics.expose()).toContain('tidemark_ingest_samples_total{tenant="default",protocol="remote_write"} 1');
});

test('what is refused is named in a 400; the rest is stored', async () => {
  const run = await start();
  const answer = await run.post('/api/v1/write', body(up(), up(5)), HEADERS);
  expect(answer).toMatchObject({
    status: 400,
    text: `1 refused, 1 stored\ntoo_old (1): up has the timestamp 5, 20833d8h before now (${NOW}); raw samples are kept for 1w\n`,
  });
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect((await run.log.bounds('tidemark.raw')).reduce((sum, { end }) => sum + end, 0)).toBe(1);
});

test('native histograms are taken; a 400 names those that are none', async () => {
  const run = await start();
  const histogram = {
    timestampMs: NOW,
    schema: 0,
    count: 1,
    sum: 1,
    positive: { spans: [[0, 1]] as const, counts: [1] },
  };
  expect((await run.post('/api/v1/write', body({ ...up(), histograms: [histogram] }), HEADERS)).status).toBe(204);
  const bad = { ...histogram, schema: 40 };
  expect(await run.post('/api/v1/write', body({ ...up(), histograms: [bad, histogram] }), HEADERS)).toMatchObject({
    status: 400,
    text: '1 refused, 2 stored\nhistogram_schema (1): series up has a native histogram that is none\n',
  });
});

test.each([
  [
    'remote write 2',
    { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' },
    'proto=io.prometheus.write.v2.Request',
  ],
  ['JSON', { 'content-type': 'application/json' }, '"application/json"'],
  ['gzip', { 'content-encoding': 'gzip' }, '"gzip"'],
])('%s is a 415 that names what is supported', async (_, headers, named) => {
  const run = await start();
  const answer = await run.post('/api/v1/write', body(up()), { ...HEADERS, ...headers });
  expect(answer.status).toBe(415);
  expect(answer.text).toContain(named);
  expect(answer.text).toContain('supported: application/x-protobuf (proto=prometheus.WriteRequest, remote write 1.0)');
});

test('the type may be spelled out, or left out', async () => {
  const run = await start();
  const spelled = { ...HEADERS, 'content-type': 'application/x-protobuf; proto="prometheus.WriteRequest"' };
  expect((await run.post('/api/v1/write', body(up()), spelled)).status).toBe(204);
  expect((await run.post('/api/v1/write', body(up()), {})).status).toBe(204);
});

test('malformed bodies are a 400 that says where', async () => {
  const run = await start();
  expect(await run.post('/api/v1/write', 'rubbish', HEADERS)).toMatchObject({
    status: 400,
    text: expect.stringMatching(/^malformed snappy block: .* \(byte \d+\)\n$/),
  });
  expect(await run.post('/api/v1/write', snappyBlock(Uint8Array.of(0x0a, 0x7f)), HEADERS)).toMatchObject({
    status: 400,
    text: 'malformed protobuf: a length of 127 where 0 bytes are left (byte 2 of the decoded request)\n',
  });
});

test('tenants: by header, checked', async () => {
  const run = await start();
  expect((await run.post('/api/v1/write', body(up()), { ...HEADERS, 'x-scope-orgid': 'acme' })).status).toBe(204);
  expect(run.metrics.expose()).toContain('tidemark_ingest_samples_total{tenant="acme",protocol="remote_write"} 1');
  const answer = await run.post('/api/v1/write', body(up()), { ...HEADERS, 'x-scope-orgid': 'a/b' });
  expect(answer.status).toBe(400);
  expect(answer.text).toContain('the tenant "a/b" must be');
});

test('too large: declared, on the way, or decoded', async () => {
  const run = await start({ bodyBytesMax: 1_000, decodedBytesMax: 2_000 });
  const declared = await run.post('/api/v1/write', new Uint8Array(1_001), HEADERS);
  expect(declared).toMatchObject({ status: 413, text: expect.stringContaining('the limit bodyBytesMax is 1000') });
  const chunked = await run.post('/api/v1/write', new Uint8Array(5_000), {
    ...HEADERS,
    'transfer-encoding': 'chunked',
  });
  expect(chunked.status).toBe(413);
  const decoded = await run.post('/api/v1/write', snappyBlock(new Uint8Array(2_001)), HEADERS);
  expect(decoded).toMatchObject({ status: 413, text: expect.stringContaining('the limit decodedBytesMax is 2000') });
  const text = await run.post('/api/v1/push/line', gzipSync(Buffer.alloc(3_000, '#')), { 'content-encoding': 'gzip' });
  expect(text).toMatchObject({ status: 413, text: expect.stringContaining('decodedBytesMax') });
});

test('try again later: 429 and 503 come with Retry-After, and nothing is stored', async () => {
  const run = await start({ samplesPerSecondMax: 0.1, burstSamplesMax: 1, pendingBytesMax: 1 });
  expect((await run.post('/api/v1/write', body(up()), HEADERS)).status).toBe(204);
  const limited = await run.post('/api/v1/write', body(up()), HEADERS);
  expect(limited).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
  expect(limited.text).toContain('samplesPerSecondMax of 0.1');
  run.log.faults.failNextAppend({ when: 'before' });
  const other = { ...HEADERS, 'x-scope-orgid': 'other' };
  expect(await run.post('/api/v1/write', body(up()), other)).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
  });
  run.log.faults.appendDelayMs = 1_000;
  const waiting = run.post('/api/v1/write', body(up()), { ...HEADERS, 'x-scope-orgid': 'third' });
  while (!run.metrics.expose().match(/tidemark_ingest_pending_bytes [1-9]/))
    await new Promise((done) => setTimeout(done, 5));
  const crowded = await run.post('/api/v1/write', body(up()), { ...HEADERS, 'x-scope-orgid': 'fourth' });
  expect(crowded).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  expect(crowded.text).toContain('pendingBytesMax');
  await run.clock.advance(1_000);
  expect((await waiting).status).toBe(204);
});

test('bodies held at once are bounded, and given back', async () => {
  const run = await start({ bodyBytesInFlightMax: 2_000 });
  const socket = connect(run.port, '127.0.0.1');
  socket.write('POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n');
  socket.write(Buffer.alloc(1_900));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const crowded = await run.post('/api/v1/push/line', '#'.repeat(200));
  expect(crowded).toMatchObject({ status: 503, text: expect.stringContaining('bodyBytesInFlightMax') });
  socket.destroy();
  for (let i = 0; i < 100 && !run.metrics.expose().includes('reason="body_cut_off"} 1'); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect((await run.post('/api/v1/push/line', '#'.repeat(200))).status).toBe(200);
});

test('a body that does not arrive in time is a 408', async () => {
  const run = await start({ bodyTimeoutMs: 1_000 });
  const socket = connect(run.port, '127.0.0.1');
  socket.write('POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\nabc');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const answer = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())));
  await run.clock.advance(1_000);
  expect(await answer).toContain('408 Request Timeout');
  socket.destroy();
});

test('exposition text: accepted and refused, in JSON', async () => {
  const run = await start();
  const good = await run.post('/api/v1/import/prometheus', '# TYPE a counter\na{x="1"} 1\nb 2\n');
  expect(good.status).toBe(200);
  expect(JSON.parse(good.text)).toEqual({ accepted: 2, refused: [] });
  const mixed = await run.post('/api/v1/import/prometheus', gzipSync('a 1\nb one\nc 1 5\n'), {
    'content-type': 'text/plain; version=0.0.4',
    'content-encoding': 'gzip',
  });
  expect(mixed.status).toBe(400);
  expect(JSON.parse(mixed.text)).toEqual({
    accepted: 1,
    refused: [
      { reason: 'malformed_line', count: 1, example: 'line 2: the value "one" is no number' },
      { reason: 'too_old', count: 1, example: expect.stringContaining('c has the timestamp 5, ') },
    ],
  });
  expect(run.metrics.expose()).toContain('protocol="exposition",reason="malformed_line"} 1');
  const openMetrics = await run.post('/api/v1/import/prometheus', `a 1 ${NOW / 1000}.5\n# EOF\n`, {
    'content-type': 'application/openmetrics-text; version=1.0.0',
  });
  expect(openMetrics.status).toBe(200);
});

test('the line protocol', async () => {
  const run = await start();
  const line = (seconds: number) => `CPU.load host=webserver01,region=us-west ${seconds} 50\n`;
  expect(JSON.parse((await run.post('/api/v1/push/line', line(NOW / 1000))).text)).toEqual({
    accepted: 1,
    refused: [],
  });
  const old = await run.post('/api/v1/push/line', line(1_613_707_265));
  expect(old.status).toBe(400);
  expect(JSON.parse(old.text)).toMatchObject({ accepted: 0, refused: [{ reason: 'too_old', count: 1 }] });
});

test('what is not text at all is refused before it takes long', async () => {
  const run = await start({ samplesPerRequestMax: 100 });
  const answer = await run.post('/api/v1/push/line', 'x\n'.repeat(50_000));
  expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('more than 1000 lines are malformed') });
  for (const [path, text] of [
    ['/api/v1/import/prometheus', 'a 1\n'],
    ['/api/v1/push/line', `a ${NOW} 1\n`],
  ] as const) {
    expect((await run.post(path, text.repeat(101))).status).toBe(413);
  }
  expect(
    (await run.post('/api/v1/push/line', gzipSync('a').subarray(0, 9), { 'content-encoding': 'gzip' })).status,
  ).toBe(400);
});

test('other methods are a 405', async () => {
  const run = await start();
  expect(await run.post('/api/v1/write', '', {}, 'PUT')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
});
