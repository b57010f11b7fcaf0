import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startPrometheus, startTidemark } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, until, vector } from './http.ts';

// What Tidemark says of itself and of one scraped page, beside what a real Prometheus says that scrapes the same page.

const PAGE = `# HELP page_requests_total Requests, by what became of them.
# TYPE page_requests_total counter
page_requests_total{code="200",path="/"} 17
page_requests_total{code="200",path="/a b"} 4
page_requests_total{code="500",path="/"} 1
# HELP page_temperature_celsius How warm "it" is,\\nin \\\\degrees.
# TYPE page_temperature_celsius gauge
page_temperature_celsius 21.5
# TYPE page_latency_seconds histogram
page_latency_seconds_bucket{le="0.1"} 3
page_latency_seconds_bucket{le="+Inf"} 5
page_latency_seconds_sum 0.75
page_latency_seconds_count 5
page_untold{name="zürich"} 1
`;

const started = new AsyncDisposableStack();
let tidemark: Awaited<ReturnType<typeof startTidemark>>;
let prometheus: Awaited<ReturnType<typeof startPrometheus>>;
let target: string;

beforeAll(async () => {
  const page = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8').end(PAGE);
  });
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  started.defer(() => void page.close());
  target = `127.0.0.1:${(page.address() as AddressInfo).port}`;
  const jobs = `
  - job_name: page
    static_configs:
      - targets: ['${target}']
        labels: { rack: r1 }
  - job_name: none
    static_configs: [{ targets: ['${target}'] }]
    relabel_configs: [{ action: drop, source_labels: [job], regex: none }]
`;
  tidemark = started.use(
    await startTidemark({
      env: { TIDEMARK_COLLECTOR_HOST: 'false' },
      config: `scrape:
  interval: 1s
  timeout: 1s
  configs:${jobs.replaceAll('\n', '\n  ')}
notifier: { webhookUrl: 'http://127.0.0.1:9/hook?key=door' }
`,
    }),
  );
  prometheus = started.use(
    await startPrometheus({
      config: `global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:${jobs}`,
    }),
  );
  await until('both scraped', 30_000, async () => {
    const theirs = await prometheus.query('count({job="page"})');
    const ours = await vector(tidemark.url, 'count({job="page"})');
    return theirs[0]?.value?.[1] === '14' && ours[0]?.value[1] === '14' ? true : undefined;
  });
}, 60_000);

afterAll(() => started.disposeAsync());

interface Counted {
  readonly name: string;
  readonly value: number;
}

interface TsdbStatus {
  readonly headStats: Readonly<Record<string, number>>;
  readonly [list: string]: unknown;
}

/** Everything as a JSON value of the same shape with types for leaves. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}

test('status/tsdb: the counts of Prometheus', async () => {
  const [ours, theirs] = await Promise.all([
    ask<TsdbStatus>(tidemark.url, 'status/tsdb', { limit: '1000' }),
    ask<TsdbStatus>(prometheus.url, 'status/tsdb', { limit: '1000' }),
  ]);
  for (const list of ['seriesCountByMetricName', 'labelValueCountByLabelName', 'seriesCountByLabelValuePair']) {
    // This Prometheus knows no limit and gives ten, of equal ones any.
    const [mine, wanted] = [ours[list] as Counted[], theirs[list] as Counted[]];
    expect(mine, list).toEqual(expect.arrayContaining(wanted));
    expect(mine.slice(0, wanted.length).map(({ value }) => value)).toEqual(wanted.map(({ value }) => value));
  }
  // Prometheus 3 counts a value as often as series have it, this one once.
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  expect(ours['memoryInBytesByLabelName']).toContainEqual({ name: 'rack', value: 14 * 'r1'.length });
  expect(ours['memoryInBytesByLabelName']).toContainEqual({ name: 'name', value: 'zürich'.length + 1 });
  expect(Object.keys(ours.headStats).sort()).toEqual(Object.keys(theirs.headStats).sort());
  for (const count of ['numSeries', 'numLabelPairs', 'chunkCount']) {
    expect(ours.headStats[count], count).toBe(theirs.headStats[count]);
  }
  for (const time of ['minTime', 'maxTime']) {
    expect(Math.abs((ours.headStats[time] ?? 0) - (theirs.headStats[time] ?? 0)), time).toBeLessThan(120_000);
  }
});

test.each(['0', '-1', 'ten', '10001'])('status/tsdb: limit=%s is refused', async (limit) => {
  const response = await fetch(`${tidemark.url}/api/v1/status/tsdb?limit=${limit}`);
  expect([response.status, ((await response.json()) as { errorType: string }).errorType]).toEqual([400, 'bad_data']);
});

test('status/tsdb: a limit cuts each list; another tenant has nothing', async () => {
  const cut = await ask<TsdbStatus>(tidemark.url, 'status/tsdb', { limit: '1' });
  expect(cut['seriesCountByMetricName']).toEqual([{ name: 'page_requests_total', value: 3 }]);
  const nobody = await ask<TsdbStatus>(tidemark.url, 'status/tsdb', {}, { 'x-scope-orgid': 'nobody' });
  expect(nobody.headStats['numSeries']).toBe(0);
  expect(nobody.headStats['minTime']).toBeGreaterThan(nobody.headStats['maxTime'] as number);
});

test('status/usage: what metrics take; a limit that is none is refused', async () => {
  const usage = await ask<{
    metricCount: number;
    tiers: Record<string, object>;
    metrics: object[];
    warnings: string[];
  }>(tidemark.url, 'status/usage', { limit: '2' });
  expect(Object.keys(usage.tiers)).toEqual(['raw', '1m', '1h']);
  expect(usage.metrics.length).toBeLessThanOrEqual(2);
  expect(usage.warnings).toEqual([]);
  expect((await fetch(`${tidemark.url}/api/v1/status/usage?limit=0`)).status).toBe(400);
});

test('status/storage: where the samples are and how far storage is', async () => {
  const status = await ask<{
    tiers: Record<string, Record<string, number>>;
    partitions: { topic: string; lag: number; position: number; end: number }[];
  }>(tidemark.url, 'status/storage', {});
  expect(Object.keys(status.tiers)).toEqual(['raw', '1m', '1h']);
  expect(status.tiers['raw']).toMatchObject({ series: 14, retentionMs: 7 * 86_400_000 });
  const raw = status.partitions.filter(({ topic }) => topic === 'tidemark.raw');
  expect(raw.length).toBeGreaterThan(0);
  for (const { lag, position, end } of raw) expect([lag, position > 0]).toEqual([end - position, true]);
});

test.each(['runtimeinfo', 'buildinfo'])('status/%s has every field of Prometheus, of its type', async (what) => {
  const ours = await ask<object>(tidemark.url, `status/${what}`, {});
  const theirs = await ask<object>(prometheus.url, `status/${what}`, {});
  expect(shapeOf(ours)).toMatchObject(shapeOf(theirs) as object);
});

test('status/walreplay: all of the log is read; features: what is there and what is not', async () => {
  const replay = await until('nothing left to read', 20_000, async () => {
    const now = await ask<{ min: number; max: number; current: number }>(tidemark.url, 'status/walreplay', {});
    return now.current === now.max ? now : undefined;
  });
  expect(replay.min).toBe(0);
  expect(replay.max).toBeGreaterThan(0);
  const features = await ask<Record<string, Record<string, boolean>>>(tidemark.url, 'features', {});
  expect(features).toMatchObject({
    api: { admin: true, remote_write_receiver: true, search: false },
    promql: { at_modifier: true, anchored: false },
    promql_functions: { rate: true, histogram_quantile: true },
    promql_operators: { unless: true, '=~': true },
  });
});

test('status/config is YAML without secrets; status/flags is text by name', async () => {
  const { yaml } = await ask<{ yaml: string }>(tidemark.url, 'status/config', {});
  expect(yaml).toContain('webhookUrl: <secret>');
  expect(yaml).not.toContain('door');
  expect(yaml).toMatch(/retentionRaw: 1w/);
  expect(yaml).toMatch(/job_name: page/);
  const flags = await ask<Record<string, string>>(tidemark.url, 'status/flags', {});
  const theirs = await ask<Record<string, string>>(prometheus.url, 'status/flags', {});
  expect(flags['query.lookback-delta']).toBe(theirs['query.lookback-delta']);
  expect(flags['web.listen-address']).toBe(tidemark.url.slice('http://'.length));
  expect(JSON.stringify(flags)).not.toContain('door');
});

interface Described {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

test('metadata: what the page says, as Prometheus reads it', async () => {
  const [ours, theirs] = await Promise.all([
    ask<Record<string, Described[]>>(tidemark.url, 'metadata', {}),
    ask<Record<string, Described[]>>(prometheus.url, 'metadata', {}),
  ]);
  expect(ours).toEqual(theirs);
  const one = await ask<Record<string, Described[]>>(tidemark.url, 'metadata', { metric: 'page_temperature_celsius' });
  expect(one).toEqual({
    page_temperature_celsius: [{ type: 'gauge', help: 'How warm "it" is,\nin \\degrees.', unit: '' }],
  });
  for (const params of [{ limit: '2' }, { limit: '0' }, { limit: '9', limit_per_metric: '1' }, { metric: 'nothing' }]) {
    const [mine, wanted] = await Promise.all([
      ask<object>(tidemark.url, 'metadata', params),
      ask<object>(prometheus.url, 'metadata', params),
    ]);
    expect(Object.keys(mine).length, JSON.stringify(params)).toBe(Object.keys(wanted).length);
  }
  const refused = await fetch(`${tidemark.url}/api/v1/metadata?limit=x`);
  expect(refused.status).toBe(400);
});

interface ActiveTarget {
  readonly [field: string]: unknown;
  readonly discoveredLabels: Readonly<Record<string, string>>;
}

interface Targets {
  readonly activeTargets: readonly ActiveTarget[];
  readonly droppedTargets: readonly ActiveTarget[];
}

test.each([{}, { state: 'active' }, { state: 'dropped' }, { state: 'ANY' }, { state: 'other' }])(
  'targets with %j',
  async (params) => {
    const [ours, theirs] = await Promise.all([
      ask<Targets>(tidemark.url, 'targets', params),
      ask<Targets>(prometheus.url, 'targets', params),
    ]);
    const lasting = (targets: readonly ActiveTarget[]) =>
      targets.map(({ lastScrape, lastScrapeDuration, globalUrl, discoveredLabels, ...rest }) => ({
        ...rest,
        // Prometheus 2.42 has the interval as it is written, Tidemark in milliseconds.
        discoveredLabels: Object.entries(discoveredLabels).filter(([name]) => !name.startsWith('__scrape_')),
      }));
    expect(lasting(ours.activeTargets)).toEqual(lasting(theirs.activeTargets));
    expect(shapeOf(ours.activeTargets)).toMatchObject(shapeOf(theirs.activeTargets) as object);
    expect(lasting(ours.droppedTargets)).toMatchObject(
      lasting(theirs.droppedTargets).map(({ discoveredLabels }) => ({ discoveredLabels })),
    );
  },
);

test('targets of one pool; the pools', async () => {
  const { activeTargets } = await ask<Targets>(tidemark.url, 'targets', { scrapePool: 'none' });
  expect(activeTargets).toEqual([]);
  expect(await ask(tidemark.url, 'scrape_pools', {})).toEqual(await ask(prometheus.url, 'scrape_pools', {}));
});

test.each<Record<string, string>>([
  {},
  { limit: '2' },
  { match_target: '{job="page"}', metric: 'page_requests_total' },
  { match_target: '{rack=~"r."}' },
  { match_target: '{job="other"}' },
  { metric: 'nothing' },
])('targets/metadata with %j', async (params) => {
  const [ours, theirs] = await Promise.all([
    ask<{ metric?: string }[]>(tidemark.url, 'targets/metadata', params),
    ask<{ metric?: string }[]>(prometheus.url, 'targets/metadata', params),
  ]);
  const sorted = (list: { metric?: string }[]) =>
    [...list].sort((a, b) => ((a.metric ?? '') < (b.metric ?? '') ? -1 : 1));
  expect(sorted(ours)).toEqual(sorted(theirs));
});

test('targets/metadata of a selector that is none: 400', async () => {
  for (const { url } of [tidemark, prometheus]) {
    const response = await fetch(`${url}/api/v1/targets/metadata?match_target=%7Bjob=`);
    expect([url, response.status]).toEqual([url, 400]);
    expect((await response.json()) as object).toMatchObject({ status: 'error', errorType: 'bad_data' });
  }
});

test('alertmanagers: its own', async () => {
  const theirs = await ask<object>(prometheus.url, 'alertmanagers', {});
  const own = [{ url: `${tidemark.url}/api/v2/alerts` }];
  expect(await ask(tidemark.url, 'alertmanagers', {})).toEqual({ ...theirs, activeAlertmanagers: own });
  expect((await fetch(own[0]?.url ?? '')).status).toBe(200);
});

test.each<[string, Record<string, string>]>([
  ['format_query', { query: 'sum(rate(foo{a="b"}[5m]))by(x)/2' }],
  ['format_query', { query: 'sum(' }],
  ['query_exemplars', { query: 'page_requests_total', start: '1', end: '2' }],
  ['query_exemplars', { query: 'page_requests_total', start: '2', end: '1' }],
  ['query_exemplars', { query: 'sum(' }],
])('%s with %j: status and data of Prometheus', async (path, params) => {
  const [ours, theirs] = await Promise.all(
    [tidemark, prometheus].map(async ({ url }) => {
      const response = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(params) });
      const { error: _, ...body } = (await response.json()) as { error?: string };
      return { status: response.status, ...body };
    }),
  );
  expect(ours).toEqual({ ...theirs, status: theirs?.status });
});

test.each(['/api/v1/nothing', '/prometheus/api/v1/nothing', '/nothing'])('GET %s: 404', async (path) => {
  const response = await fetch(tidemark.url + path);
  expect(response.status).toBe(404);
  if (path.includes('/api/')) {
    expect((await response.json()) as object).toMatchObject({ status: 'error', errorType: 'not_found' });
  }
});
