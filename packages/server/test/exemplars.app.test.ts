import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type SentSeries, sendRemoteWrite, startPrometheus, startTidemark } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from './http.ts';

// Exemplars beside a real Prometheus that keeps them: the same bodies by remote write to both, the same page scraped by both, and
// what it scraped sent on by it. Asked the same, they answer the same text.

const started = new AsyncDisposableStack();
let tidemark: Awaited<ReturnType<typeof startTidemark>>;
let prometheus: Awaited<ReturnType<typeof startPrometheus>>;
let page = '';

beforeAll(async () => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8').end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  started.defer(() => void server.close());
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  page = `# TYPE shop_orders counter\nshop_orders_total 1 # {trace_id="first"} 1 ${secondsAgo(60)}\n# EOF\n`;
  const job = `\n  - job_name: page\n    static_configs: [{ targets: ['${target}'] }]\n`;
  const scrape = `scrape: { interval: 1s, timeout: 1s, configs: [{ job_name: page, static_configs: [{ targets: ['${target}'] }] }] }`;
  tidemark = started.use(await startTidemark({ env: { TIDEMARK_COLLECTOR_HOST: 'false' }, config: `${scrape}\n` }));
  prometheus = started.use(
    await startPrometheus({
      args: ['--enable-feature=exemplar-storage'],
      config: `global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:${job}
remote_write:
  - url: ${tidemark.url}/api/v1/write
    send_exemplars: true
    write_relabel_configs: [{ target_label: job, replacement: sent }]
    queue_config: { batch_send_deadline: 500ms }
`,
    }),
  );
}, 60_000);

afterAll(() => started.disposeAsync());

const secondsAgo = (seconds: number) => Math.floor(Date.now() / 1000) - seconds;

/** The whole answer, as text. */
async function asked(url: string, params: Record<string, string>) {
  const response = await fetch(`${url}/api/v1/query_exemplars`, {
    method: 'POST',
    body: new URLSearchParams(params),
    headers: { 'x-read-consistency': 'strong' },
  });
  return { status: response.status, text: (await response.text()).trimEnd() };
}

async function expectAlike(params: Record<string, string>): Promise<string> {
  const [ours, theirs] = [await asked(tidemark.url, params), await asked(prometheus.url, params)];
  expect(ours, JSON.stringify(params)).toEqual(theirs);
  return ours.text;
}

const NOW_MS = Math.floor(Date.now() / 1000) * 1000;
const exemplar = (trace_id: string, afterMs: number, value = 0.5) => ({
  labels: { trace_id },
  value,
  timestampMs: NOW_MS - 60_000 + afterMs,
});
const sample = (afterMs: number) => ({ timestampMs: NOW_MS - 60_000 + afterMs, value: 1 });

const REQUESTS: readonly (readonly SentSeries[])[] = [
  [
    {
      labels: { __name__: 'http_seconds_bucket', le: '0.5', job: 'a' },
      samples: [sample(0)],
      exemplars: [exemplar('a1', 0), exemplar('a2', 10.0), exemplar('a2', 10), exemplar('old', 5), exemplar('a3', 10)],
    },
    {
      labels: { __name__: 'http_seconds_bucket', le: '+Inf', job: 'a' },
      samples: [sample(0)],
      exemplars: [exemplar('é'.repeat(120), 0), exemplar('é'.repeat(121), 1), exemplar('', 2, Number.NaN)],
    },
    { labels: { __name__: 'http_total', job: 'b', zürich: '"x"' }, samples: [sample(0)], exemplars: [] },
  ],
  [
    // A batch later, without a sample; a series that nobody knows; values that JSON has no numbers for.
    {
      labels: { __name__: 'http_total', job: 'b', zürich: '"x"' },
      samples: [],
      exemplars: [exemplar('b1', 500, 1e21)],
    },
    { labels: { __name__: 'never_seen', job: 'b' }, samples: [], exemplars: [exemplar('n1', 0)] },
    {
      labels: { __name__: 'http_total', job: 'c' },
      samples: [sample(0)],
      exemplars: [
        { labels: { zone: '1', a: '2', empty: '' }, value: Number.POSITIVE_INFINITY, timestampMs: NOW_MS - 59_999 },
        { labels: {}, value: -0, timestampMs: NOW_MS - 59_998 },
        exemplar('c3', 3, 5e-7),
      ],
    },
  ],
];

const at = (afterMs: number) => String((NOW_MS - 60_000 + afterMs) / 1000);
const ALL = { start: at(-1000), end: at(60_000) };

const QUESTIONS: readonly Record<string, string>[] = [
  { query: 'http_seconds_bucket', ...ALL },
  { query: '{__name__=~"http_.+"}', ...ALL },
  { query: '{__name__=~"http_.+"}' },
  { query: 'histogram_quantile(0.9, sum by (le) (rate(http_seconds_bucket{job="a"}[5m]))) > 1', ...ALL },
  { query: 'http_total{job="b"} / on () http_total{job!="b"} + 0 * http_total', ...ALL },
  { query: 'max_over_time(rate(http_total[1m] offset 1d)[1h:1m])', ...ALL },
  { query: 'http_seconds_bucket{le="0.5"}', start: at(10), end: at(10) },
  { query: 'http_seconds_bucket', start: at(0.4), end: at(9.6) },
  { query: 'http_seconds_bucket{le="0.5"}', start: at(11), end: at(20) },
  { query: 'never_seen', ...ALL },
  { query: 'nobody', ...ALL },
  { query: '1 + 1', ...ALL },
  { query: 'time()' },
];

test('what was sent by remote write: the text of every answer', async () => {
  for (const request of REQUESTS) {
    const answers = await Promise.all([tidemark, prometheus].map(({ url }) => sendRemoteWrite(url, request)));
    expect(answers.map(({ status }) => status)).toEqual([204, 204]);
  }
  const texts: string[] = [];
  for (const question of QUESTIONS) texts.push(await expectAlike(question));
  expect(texts[1]).toContain('"trace_id":"a2"');
  // The same requests again add nothing, there as here.
  for (const request of REQUESTS) {
    await Promise.all([tidemark, prometheus].map(({ url }) => sendRemoteWrite(url, request)));
  }
  for (const [i, question] of QUESTIONS.entries()) expect(await expectAlike(question)).toBe(texts[i]);
});

test.each<[string, Record<string, string>]>([
  ['an end before the start', { query: 'a', start: '2', end: '1' }],
  ['no query', {}],
  ['no PromQL', { query: 'sum(' }],
  ['no time', { query: 'a', start: 'x' }],
])('%s is refused alike', async (_, params) => {
  const [ours, theirs] = await Promise.all([tidemark, prometheus].map(({ url }) => asked(url, params)));
  const withoutWords = ({ status, text }: { status: number; text: string }) => {
    const { error: _words, ...body } = JSON.parse(text) as { error: string };
    return { code: status, ...body };
  };
  expect(withoutWords(ours as NonNullable<typeof ours>)).toEqual(withoutWords(theirs as NonNullable<typeof theirs>));
});

test('what is on a page that both scrape, and what Prometheus sends on of it', async () => {
  const find = (text: string) => (text.match(/"trace_id"/g) ?? []).length;
  const all = (have: (text: string) => boolean) =>
    until('all three have it', 30_000, async () => {
      const texts = await Promise.all([
        asked(tidemark.url, { query: '{job="page"}' }),
        asked(tidemark.url, { query: '{job="sent"}' }),
        asked(prometheus.url, { query: '{job="page"}' }),
      ]);
      return texts.every(({ text }) => have(text)) ? true : undefined;
    });
  await all((text) => text.includes('"first"'));
  const early = { start: String(secondsAgo(3600)), end: String(secondsAgo(30)) };
  const [b, c] = [secondsAgo(45), secondsAgo(40)];
  page = `# TYPE shop_orders counter
shop_orders_total 2 # {trace_id="first"} 1 ${secondsAgo(50)}
# TYPE shop_seconds histogram
shop_seconds_bucket{le="0.1"} 3 # {trace_id="b1"} 0.067 ${b}.5
shop_seconds_bucket{le="1.0"} 4 # {} 0.9 ${c}
shop_seconds_bucket{le="+Inf"} 5 # {trace_id="inf",span_id="s"} 17
shop_seconds_count 5
shop_seconds_sum 18.5
# TYPE shop_other gauge
shop_other{a="b"} 1
# EOF
`;
  await all((text) => text.includes('"inf"') && text.includes('"b1"'));
  const text = await expectAlike({ query: '{job="page"}', ...early });
  expect(text).toContain('"b1"');
  const sent = await asked(tidemark.url, { query: '{job="sent"}', ...early });
  expect(sent.text.replaceAll('"sent"', '"page"')).toBe(text);
  // Without a time of its own, and on the page at every scrape: one, however often it was seen.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const late = (job: string) => ({ query: `shop_seconds_bucket{le="+Inf",job="${job}"}` });
  const counts = await Promise.all([
    asked(tidemark.url, late('page')),
    asked(tidemark.url, late('sent')),
    asked(prometheus.url, late('page')),
  ]);
  expect(counts.map(({ text: one }) => find(one))).toEqual([1, 1, 1]);
});
