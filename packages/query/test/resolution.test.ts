import { SelfMetrics, SimClock } from '@tidemark/base';
import { afterEach, expect, test } from 'vitest';
import { Executor, QueryService } from '../src/index.ts';
import { serveApi } from './api-server.ts';
import { DAY_MS, KEPT, named, sourceOf, type World } from './tier-world.ts';

// How a question over HTTP asks for tiers, and how the answer says which it came from.

const MINUTE_MS = 60_000;
const NOW_MS = 100 * DAY_MS;
const WORLD: World = {
  series: [
    {
      labels: named('load'),
      marks: Array.from(
        { length: 12 * 24 * 12 },
        (_, i) => [NOW_MS - 12 * DAY_MS + i * 5 * MINUTE_MS, i % 10] as const,
      ),
    },
  ],
  nowMs: NOW_MS,
  retentionMs: KEPT,
  rowsUntilMs: { '1m': NOW_MS, '1h': NOW_MS },
};

let close = async () => {
  await Promise.resolve();
};
afterEach(() => close());

async function api(retentionMs: ConstructorParameters<typeof Executor>[0]['retentionMs'] = KEPT) {
  const source = sourceOf(WORLD);
  const clock = new SimClock(NOW_MS);
  const limits = { seriesMax: 100, samplesMax: 1_000_000 };
  const executor = new Executor({ source, clock, lookbackMs: 5 * MINUTE_MS, retentionMs, ...limits });
  const service = new QueryService({
    executor,
    source,
    freshness: { caughtUp: async () => true },
    clock,
    metrics: new SelfMetrics(),
    timeoutMs: 10_000,
    concurrency: 2,
    ...limits,
  });
  const server = await serveApi(service, () => clock.nowMs());
  close = server.close;
  const { url } = server;
  return async (expression: string, days: readonly [from: number, to: number], more = '') => {
    const [start, end] = days.map((ago) => (NOW_MS - ago * DAY_MS) / 1000);
    const query = encodeURIComponent(expression);
    const response = await fetch(`${url}/query_range?query=${query}&start=${start}&end=${end}&step=1h${more}`);
    const said = ['resolution', 'accuracy'].map((what) => response.headers.get(`x-tidemark-${what}`) ?? '-');
    return { status: response.status, said: said.join(' '), body: (await response.json()) as Record<string, unknown> };
  };
}

test.each([
  ['load', [2, 0], '', 'raw exact'],
  ['max_over_time(load[1h])', [10, 0], '', 'raw,1m,1h exact'],
  ['max_over_time(load[30m])', [10, 8], '', '1m exact'],
  ['max_over_time(load[90m])', [10, 8], '&resolution=1h', '1h approximate'],
  ['load - load offset 10d', [1, 0], '', 'raw,1h exact'],
  ['quantile_over_time(0.5, load[1h])', [10, 6], '', 'raw,1m approximate'],
  ['max_over_time(load[1h])', [2, 1], '&resolution=1m', '1m exact'],
  ['max_over_time(load[1h])', [10, 8], '&max_source_resolution=5m', '1m exact'],
  ['max_over_time(load[1h])', [6, 0], '&max_source_resolution=0s', 'raw exact'],
  ['max_over_time(load[1h])', [6, 0], '&resolution=raw', 'raw exact'],
  ['vector(1)', [10, 0], '', '- exact'],
] as const)('%s over the days %j%s: %s', async (expression, days, more, said) => {
  const ask = await api();
  const answer = await ask(expression, days, more);
  expect(answer).toMatchObject({ status: 200, said });
  const notes = JSON.stringify([answer.body['infos'] ?? [], answer.body['warnings'] ?? []]);
  expect(/approximate|needs every sample/.test(notes)).toBe(said.endsWith('approximate'));
});

test('each selector is planned by how long its own metric is kept', async () => {
  const asked: string[] = [];
  const ask = await api((tenant, matchers) => {
    asked.push(`${tenant} ${matchers.map(({ name, value }) => `${name}=${value}`).join()}`);
    return { ...KEPT, raw: DAY_MS };
  });
  expect((await ask('max_over_time(load[1h])', [2, 0])).said).toBe('raw,1m,1h exact');
  expect(new Set(asked)).toEqual(new Set(['default __name__=load']));
});

test('stats say it too', async () => {
  const ask = await api();
  const { body } = await ask('max_over_time(load[1h])', [10, 0], '&stats=all');
  expect(body).toMatchObject({
    data: { stats: { tidemark: { resolution: ['raw', '1m', '1h'], accuracy: 'exact' } } },
  });
});

test.each([
  ['&resolution=5m', 'invalid parameter "resolution": "5m" must be raw, 1m, 1h or auto'],
  ['&max_source_resolution=often', 'invalid parameter "max_source_resolution": cannot parse "often"'],
])('%s is refused', async (more, error) => {
  const ask = await api();
  expect(await ask('load', [1, 0], more)).toMatchObject({
    status: 400,
    body: { errorType: 'bad_data', error: expect.stringContaining(error) },
  });
});
