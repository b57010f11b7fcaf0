import { ByteWriter, ProtoCursor, readLength, SnappyDecoder, snappyBlock } from '@tidemark/base';
import { type Prometheus, sendRemoteWrite, startPrometheus, startTidemark } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serverNow } from './http.ts';

// A real Prometheus that has nothing itself reads from Tidemark, and answers what Tidemark answers.

const SECOND = 1000;
const cleanup = new AsyncDisposableStack();
let tidemarkUrl: string;
let prometheus: Prometheus;
/** The first sample of everything. */
let startMs: number;

beforeAll(async () => {
  const tidemark = cleanup.use(await startTidemark({ env: { TIDEMARK_COLLECTOR_HOST: 'false' } }));
  tidemarkUrl = tidemark.url;
  prometheus = cleanup.use(
    await startPrometheus({
      config: `global: { scrape_interval: 10s }\nremote_read: [{ url: '${tidemark.url}/api/v1/read', read_recent: true }]\n`,
    }),
  );
  startMs = Math.floor((await serverNow(tidemark.url)) / SECOND) * SECOND - 1800 * SECOND;
  const every = (stepMs: number, count: number, value: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => ({ timestampMs: startMs + i * stepMs, value: value(i) }));
  const cores = Array.from({ length: 20 }, (_, cpu) => ({
    labels: { __name__: 'cpu_seconds_total', cpu: String(cpu), my_label: 'ünï' },
    // Begins again after a while, each at another time.
    samples: every(5 * SECOND + cpu, 300, (i) => ((i + cpu * 7) % 170) * 1.37),
  }));
  const histograms = Array.from({ length: 100 }, (_, i) => {
    const n = i < 60 ? i + 1 : i - 59;
    return {
      timestampMs: startMs + i * 15 * SECOND,
      schema: 1,
      sum: n * 4.5,
      first: i < 80 ? 0 : -1,
      counts: [n, n * 2, n],
    };
  });
  const odd = [0, -0, 1e300, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, -1.5, 1 / 3];
  const sent = [
    ...cores,
    { labels: { __name__: 'odd' }, samples: every(60 * SECOND, odd.length, (i) => odd[i] as number) },
    { labels: { __name__: 'native_seconds', job: 'a' }, samples: [], histograms },
  ];
  const { status, text } = await sendRemoteWrite(tidemark.url, sent);
  expect(status, text).toBe(204);
  await fetch(`${tidemark.url}/api/v1/query?query=odd`, { headers: { 'x-read-consistency': 'strong' } });
}, 120_000);
afterAll(() => cleanup.disposeAsync());

const form = (parameters: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(parameters) });

async function both(path: string, parameters: Record<string, string>): Promise<readonly [unknown, unknown]> {
  const [ours, theirs] = await Promise.all(
    [tidemarkUrl, prometheus.url].map(async (url) => {
      const response = await fetch(`${url}/api/v1/${path}`, form(parameters));
      return (await response.json()) as { status: string; data: { result: { metric: object }[] }; warnings?: string[] };
    }),
  );
  expect(theirs, JSON.stringify(theirs)).toMatchObject({ status: 'success' });
  expect(theirs?.warnings).toBeUndefined();
  const sorted = (result: { metric: object }[]) =>
    [...result].sort((a, b) => (JSON.stringify(a.metric) < JSON.stringify(b.metric) ? -1 : 1));
  return [ours, theirs].map((one) => sorted(one?.data.result ?? [])) as unknown as readonly [unknown, unknown];
}

// What the older Prometheus of the tests evaluates as ours does.
test.each([
  'cpu_seconds_total',
  'cpu_seconds_total{cpu=~"1.*",cpu!="11"}',
  '{__name__=~"cpu.+",cpu!~"1."}',
  'sum(rate(cpu_seconds_total[2m]))',
  'max by (cpu) (cpu_seconds_total offset 3m)',
  'increase(cpu_seconds_total{cpu="3"}[7m])',
  'odd',
  'absent(nothing)',
])('the same lines: %s', async (query) => {
  // No sample stands at the end of a window: an older Prometheus has both ends in it, ours one.
  const [start, end] = [startMs / SECOND + 0.7, startMs / SECOND + 1600];
  const parameters = { query, start: String(start), end: String(end), step: '30' };
  const [ours, theirs] = await both('query_range', parameters);
  expect(JSON.stringify(ours).length).toBeGreaterThan(20);
  expect(close(theirs)).toEqual(close(ours));
});

test('the same samples, bit by bit', async () => {
  for (const selector of ['cpu_seconds_total', 'odd']) {
    const time = String(startMs / SECOND + 1750.5);
    const [ours, theirs] = await both('query', { query: `${selector}[1751s]`, time });
    expect(theirs, selector).toEqual(ours);
  }
});

test('what is read can be written again, native histograms too: the answers are the same', async () => {
  const text = (field: number, value: string) => {
    const out = new ByteWriter();
    out.u8(field * 8 + 2);
    out.text(value);
    return out.finish();
  };
  const message = (field: number, ...parts: readonly Uint8Array[]) => {
    const out = new ByteWriter();
    out.u8(field * 8 + 2);
    out.lengthPrefixed(Buffer.concat(parts));
    return out.finish();
  };
  const time = new ByteWriter();
  time.u8(2 * 8);
  time.uvarint(startMs + 3600 * SECOND);
  const matcher = message(3, text(2, '__name__'), text(3, 'native_seconds'));
  const asked = await fetch(`${tidemarkUrl}/api/v1/read`, {
    method: 'POST',
    body: Buffer.from(snappyBlock(message(1, time.finish(), matcher))),
  });
  expect(asked.status).toBe(200);
  const decoder = new SnappyDecoder({ decodedBytesMax: 1e8, keepBytes: 0 });
  const cursor = new ProtoCursor();
  cursor.over(decoder.decode(new Uint8Array(await asked.arrayBuffer())));
  expect(cursor.bytes[cursor.at++]).toBe(0x0a);
  // Series stand in the result of a query as they do in a request to write.
  const end = readLength(cursor, cursor.bytes.length);
  const result = cursor.bytes.subarray(cursor.at, end);
  const again = await fetch(`${tidemarkUrl}/api/v1/write`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-scope-orgid': 'again' },
    body: Buffer.from(snappyBlock(result)),
  });
  expect([again.status, await again.text()]).toEqual([204, '']);
  for (const query of ['native_seconds[30m]', 'histogram_count(increase(native_seconds[20m]))']) {
    const [first, second] = await Promise.all(
      ['default', 'again'].map(async (tenant) => {
        const parameters = form({ query, time: String(startMs / SECOND + 1500) });
        const headers = { 'x-scope-orgid': tenant, 'x-read-consistency': 'strong' };
        const response = await fetch(`${tidemarkUrl}/api/v1/query`, { ...parameters, headers });
        return (await response.json()) as { data: { result: object[] } };
      }),
    );
    expect(first?.data.result).toHaveLength(1);
    expect(second?.data.result).toEqual(first?.data.result);
  }
});

/** Twelve digits: sums are added up in another order. */
function close(value: unknown): unknown {
  const rounded = (text: string) => (/^-?[\d.]+(e[+-]?\d+)?$/.test(text) ? Number(text).toPrecision(12) : text);
  return JSON.parse(JSON.stringify(value), (_, one: unknown) => (typeof one === 'string' ? rounded(one) : one));
}
