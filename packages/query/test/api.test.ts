import { SelfMetrics, systemClock } from '@tidemark/base';
import {
  type Freshness,
  type Labels,
  labelsOf,
  labelValue,
  type Matcher,
  makeRowColumns,
  type SeriesSource,
} from '@tidemark/model';
import { afterEach, expect, test } from 'vitest';
import { Executor, QueryService } from '../src/index.ts';
import { serveApi } from './api-server.ts';

// The API over HTTP, on a source of a few series, as a Prometheus client sees it.

const SERIES: readonly { labels: Labels; points: readonly (readonly [number, number])[] }[] = [
  {
    labels: labelsOf({ __name__: 'up', job: 'node' }),
    points: [
      [1000_000, 1],
      [1010_000, 0],
    ],
  },
  {
    labels: labelsOf({ __name__: 'up', job: 'web' }),
    points: [
      [1000_000, 1],
      [1010_000, Number.NaN],
    ],
  },
  { labels: labelsOf({ __name__: 'my.metric', job: 'web' }), points: [[1000_000, Number.POSITIVE_INFINITY]] },
];

const fits = (matchers: readonly Matcher[]) => (one: { labels: Labels }) =>
  matchers.every((matcher) => matcher.matches(labelValue(one.labels, matcher.name)));

const source: SeriesSource = {
  async select({ matchers, range, tenant, limits, signal }) {
    signal.throwIfAborted();
    expect(limits.samplesMax).toBe(1000);
    const series = SERIES.filter(fits(matchers)).map(({ labels, points }) => {
      const inRange = points.filter(([t]) => t >= range.startMs && t < range.endMs);
      return {
        labels,
        timestampsMs: Float64Array.from(inRange, ([t]) => t),
        values: Float64Array.from(inRange, ([, v]) => v),
      };
    });
    return {
      series: tenant === 'default' ? series : [],
      warnings: tenant === 'broken' ? ['a segment cannot be read'] : [],
    };
  },
  async selectRows({ matchers }) {
    const rows = makeRowColumns(1);
    rows.endMs[0] = 1020_000;
    rows.count[0] = 2;
    return { series: SERIES.filter(fits(matchers)).map(({ labels }) => ({ labels, rows })), warnings: [] };
  },
  series: async ({ matchers }) => {
    const busyMs = Number(matchers.find(({ name }) => name === 'busy')?.value ?? 0);
    for (const untilMs = performance.now() + busyMs; performance.now() < untilMs; );
    return { series: SERIES.filter(fits(matchers)).map((s) => s.labels), warnings: [] };
  },
  labelNames: async ({ limit }) => ({ series: ['__name__', 'job'].slice(0, limit), warnings: [] }),
  labelValues: async ({ name }) => ({
    series: [...new Set(SERIES.map((s) => labelValue(s.labels, name)))].reverse(),
    warnings: [],
  }),
};

let close = async () => {
  await Promise.resolve();
};
afterEach(() => close());

async function api(freshness: Freshness = { caughtUp: async () => true }, timeoutMs = 5000) {
  const clock = systemClock;
  const limits = { seriesMax: 100, samplesMax: 1000 };
  const executor = new Executor({ source, clock, lookbackMs: 300_000, subqueryStepMs: 10_000, ...limits });
  const service = new QueryService({
    executor,
    source,
    freshness,
    clock,
    metrics: new SelfMetrics(),
    timeoutMs,
    concurrency: 2,
    ...limits,
  });
  const server = await serveApi(service, () => 1010_000);
  close = server.close;
  const { url } = server;
  return {
    service,
    url,
    get: async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(url + path, { headers });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    post: async (path: string, form: Record<string, string> | [string, string][]) => {
      const response = await fetch(url + path, { method: 'POST', body: new URLSearchParams(form) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
  };
}

test('an instant query: values are strings, NaN and infinities too', async () => {
  const { get, post } = await api();
  const wanted = {
    status: 'success',
    data: {
      resultType: 'vector',
      result: [
        { metric: { __name__: 'up', job: 'node' }, value: [1010, '0'] },
        { metric: { __name__: 'up', job: 'web' }, value: [1010, 'NaN'] },
      ],
    },
  };
  expect(await get('/query?query=up')).toEqual({ status: 200, body: wanted });
  expect(await post('/query', { query: 'up', time: '1010' })).toEqual({ status: 200, body: wanted });
  expect((await get(`/query?query=${encodeURIComponent('{"my.metric"}')}`)).body).toMatchObject({
    data: { result: [{ value: [1010, '+Inf'] }] },
  });
  expect((await get('/query?query=1%2B1')).body).toMatchObject({ data: { resultType: 'scalar', result: [1010, '2'] } });
  expect((await get('/query?query=%22x%22')).body).toMatchObject({
    data: { resultType: 'string', result: [1010, 'x'] },
  });
});

test('a range query has a point a step, and leaves out steps without a value', async () => {
  const { get } = await api();
  const { body } = await get('/query_range?query=up{job="node"}&start=990&end=1020&step=10');
  expect(body).toMatchObject({
    data: {
      resultType: 'matrix',
      result: [
        {
          metric: { job: 'node' },
          values: [
            [1000, '1'],
            [1010, '0'],
            [1020, '0'],
          ],
        },
      ],
    },
  });
});

test.each([
  ['/query?query=up{', 400, 'bad_data', 'invalid parameter "query": 1:4: parse error'],
  ['/query_range?query=)&start=1&end=2&step=1', 400, 'bad_data', 'invalid parameter "query": 1:1: parse error'],
  ['/format_query?query=)', 400, 'bad_data', 'invalid parameter "query": 1:1: parse error'],
  ['/labels?match[]={}', 400, 'bad_data', 'invalid parameter "match[]": 1:1: parse error'],
  ['/query?query=', 400, 'bad_data', ''],
  [
    '/query?query=up&time=yesterday',
    400,
    'bad_data',
    'invalid parameter "time": cannot parse "yesterday" to a valid timestamp',
  ],
  [
    '/query?query=up%20%2B%20on(job)%20{__name__=~"up|my.metric"}',
    422,
    'execution',
    'many-to-many matching not allowed',
  ],
  ['/query_range?query=up&start=10&end=5&step=1', 400, 'bad_data', 'end timestamp must not be before start time'],
  ['/query_range?query=up&start=0&end=5&step=0', 400, 'bad_data', 'zero or negative query resolution step widths'],
  [
    '/query_range?query=up&start=0&end=11002&step=1',
    400,
    'bad_data',
    'exceeded maximum resolution of 11,000 points per timeseries',
  ],
  ['/query_range?query=up&start=0&end=1', 400, 'bad_data', 'invalid parameter "step"'],
  ['/query_range?query=up[5m]&start=0&end=1&step=1', 400, 'bad_data', 'range vector'],
  ['/series', 400, 'bad_data', 'no match[] parameter provided'],
  ['/series?match[]=1', 400, 'bad_data', 'expected a series selector and nothing else'],
  ['/labels?limit=-1', 400, 'bad_data', 'invalid parameter "limit": limit must be non-negative'],
  ['/labels?limit=1e3', 400, 'bad_data', 'invalid parameter "limit": "1e3" must be a whole number'],
  ['/rows?match[]=up&resolution=5m', 400, 'bad_data', '"5m" must be 1m or 1h'],
])('%s is refused with %d %s', async (path, status, errorType, text) => {
  const { get } = await api();
  const answer = await get(path);
  expect(answer).toMatchObject({ status, body: { status: 'error', errorType, error: expect.stringContaining(text) } });
});

test('series, labels, values: sorted, limited with a warning, escaped names', async () => {
  const { get } = await api();
  expect((await get('/series?match[]=up&match[]={job="web"}')).body['data']).toHaveLength(3);
  expect((await get('/labels?limit=1')).body).toMatchObject({
    data: ['__name__'],
    warnings: ['results truncated due to limit'],
  });
  expect((await get('/label/job/values')).body).toEqual({ status: 'success', data: ['node', 'web'] });
  expect((await get('/label/U___5f__5f_name_5f__5f_/values')).body).toMatchObject({ data: ['my.metric', 'up'] });
});

test('an end before the start selects nothing; of a repeated parameter the first counts, a form before the address', async () => {
  const { get, post } = await api();
  for (const path of ['/series?match[]=up&', '/labels?match[]=up&', '/label/job/values?match[]=up&'])
    expect((await get(`${path}start=1005&end=1004`)).status).toBe(200);
  expect((await get('/query?query=1&query=2&time=3&time=4')).body).toMatchObject({ data: { result: [3, '1'] } });
  expect((await post('/query?query=1&time=4', { query: '2' })).body).toMatchObject({ data: { result: [4, '2'] } });
});

test('a scalar is written without an exponent; a subquery without a step has that of the rules', async () => {
  const { get } = await api();
  expect((await get('/query?query=1e21&time=0')).body).toMatchObject({ data: { result: [0, `1${'0'.repeat(21)}`] } });
  expect((await get('/query?query=count_over_time(up{job="node"}[20s:])')).body).toMatchObject({
    data: { result: [{ value: [1010, '2'] }] },
  });
});

test('other methods: 405 and which there are', async () => {
  const { url } = await api();
  for (const [method, path] of [
    ['PUT', '/query'],
    ['DELETE', '/series'],
    ['PATCH', '/label/job/values'],
  ] as const) {
    const response = await fetch(url + path, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  }
});

test('many selectors: the time is up between them, and others are answered meanwhile', async () => {
  const { post, get } = await api(undefined, 200);
  // Each costs the source some milliseconds without a turn for anybody: together far more than the timeout.
  const selectors = Array.from({ length: 5000 }, (_, i) => ['match[]', `{busy="5",job="${i}"}`] as [string, string]);
  const asked = post('/series', selectors);
  const started = performance.now();
  expect((await get('/query?query=1')).status).toBe(200);
  expect(performance.now() - started).toBeLessThan(2000);
  expect(await asked).toMatchObject({ status: 503, body: { errorType: 'timeout' } });
});

test('another tenant sees nothing; a bad tenant is named; warnings of the source come through', async () => {
  const { get } = await api();
  expect((await get('/query?query=up', { 'x-scope-orgid': 'other' })).body).toMatchObject({ data: { result: [] } });
  expect(await get('/query?query=up', { 'x-scope-orgid': 'a/b' })).toMatchObject({
    status: 400,
    body: { errorType: 'bad_data' },
  });
  expect((await get('/query?query=up', { 'x-scope-orgid': 'broken' })).body).toMatchObject({
    warnings: ['a segment cannot be read'],
  });
});

test('a strong read that cannot be fulfilled is answered and says so', async () => {
  const { get } = await api({ caughtUp: async () => false });
  expect((await get('/query?query=up', { 'x-read-consistency': 'strong' })).body).toMatchObject({
    status: 'success',
    warnings: [expect.stringContaining('storage is behind')],
  });
  expect((await get('/query?query=up')).body).not.toHaveProperty('warnings');
});

test('rows come as they are; buildinfo says what Grafana asks', async () => {
  const { get } = await api();
  expect((await get('/rows?match[]=nothing')).body).toMatchObject({
    status: 'success',
    data: [],
  });
  expect((await get('/rows?match[]=up{job="web"}')).body).toMatchObject({
    data: [{ metric: { job: 'web' }, rows: [{ end: 1020, count: 2, sum: '0' }] }],
  });
  expect((await get('/status/buildinfo')).body).toMatchObject({
    data: { version: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
  });
});

test('a query as a tree and as lines, by GET and by form', async () => {
  const { get, post } = await api();
  const tree = { type: 'call', func: { name: 'rate' }, args: [{ type: 'matrixSelector', name: 'x', range: 60_000 }] };
  expect((await get('/parse_query?query=rate(x[1m])')).body).toMatchObject({ status: 'success', data: tree });
  expect((await post('/parse_query', { query: 'rate(x[1m])' })).body).toMatchObject({ data: tree });
  expect(await get('/parse_query?query=rate(x)')).toMatchObject({ status: 400, body: { errorType: 'bad_data' } });
  const [name, other] = ['a'.repeat(60), 'b'.repeat(60)];
  expect((await post('/format_query', { query: `${name}  +${other}` })).body).toEqual({
    status: 'success',
    data: `  ${name}\n+\n  ${other}`,
  });
});

test('what Prometheus says of no parameter is said in its words', async () => {
  const { get } = await api();
  expect((await get('/series')).body['error']).toBe('no match[] parameter provided');
  expect((await get('/query_range?query=up&start=0&end=11002&step=1')).body['error']).toMatch(
    /^exceeded maximum resolution of 11,000/,
  );
});

test('statistics where they are asked for; another word than true and all is warned of', async () => {
  const { get } = await api();
  for (const stats of ['true', 'all', 'yes']) {
    const { body } = await get(`/query?query=up&stats=${stats}`);
    expect(body).toMatchObject({
      data: {
        stats: {
          timings: { evalTotalTime: expect.any(Number), execTotalTime: expect.any(Number) },
          samples: { totalQueryableSamples: 4, samplesRead: 4 },
        },
      },
    });
    expect(body['warnings'] ?? []).toEqual(stats === 'yes' ? [expect.stringContaining('deprecated')] : []);
  }
  expect((await get('/query?query=up')).body['data']).not.toHaveProperty('stats');
});

test('a limit leaves series out and warns', async () => {
  const { get } = await api();
  const { body } = await get('/query?query=up&limit=1');
  expect(body).toMatchObject({
    data: { result: [{ metric: { job: 'node' } }] },
    warnings: ['results truncated due to limit'],
  });
});

test('a service that closes answers what waits and what comes with 503', async () => {
  const waiting = Promise.withResolvers<boolean>();
  const { get, service } = await api({
    caughtUp: (_timeoutMs, signal) => {
      signal?.addEventListener('abort', () => waiting.reject(signal.reason));
      return waiting.promise;
    },
  });
  const asked = get('/query?query=up', { 'x-read-consistency': 'strong' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  service.close();
  const answer = { status: 503, body: { errorType: 'unavailable', error: 'this Tidemark is stopping; ask again' } };
  expect(await asked).toMatchObject(answer);
  expect(await get('/query?query=up')).toMatchObject(answer);
});
