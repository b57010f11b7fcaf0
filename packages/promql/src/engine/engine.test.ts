import { isTidemarkError, systemClock } from '@tidemark/base';
import { labelsOf, type SelectedSeries, type SelectRequest } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { parse } from '../language/parse.ts';
import { createEngine, type EngineOptions, type Queryable } from './engine.ts';
import { DEFAULT_LIMITS } from './limits.ts';

interface World {
  readonly requests: SelectRequest[];
  readonly source: Queryable;
}

/** `series` series of `m_total`, a sample every 10 s from 0 up to `untilMs`, rising by one. */
function world(series = 3, untilMs = 600_000): World {
  const requests: SelectRequest[] = [];
  const all: SelectedSeries[] = Array.from({ length: series }, (_, i) => {
    const timestampsMs = Float64Array.from({ length: untilMs / 10_000 + 1 }, (_v, k) => k * 10_000);
    return {
      labels: labelsOf({ __name__: 'm_total', i: String(i) }),
      timestampsMs,
      values: timestampsMs.map((ms) => ms / 10_000 + i),
    };
  });
  const source: Queryable = {
    async select(request) {
      requests.push(request);
      const inside = all.map(({ labels, timestampsMs, values }) => {
        const from = timestampsMs.findIndex((ms) => ms >= request.range.startMs);
        const to = timestampsMs.findLastIndex((ms) => ms < request.range.endMs) + 1;
        return { labels, timestampsMs: timestampsMs.slice(from, to), values: values.slice(from, to) };
      });
      return { series: inside, warnings: [] };
    },
  };
  return { requests, source };
}

const tenant = 'default';
const range = { startMs: 300_000, endMs: 420_000, stepMs: 60_000 };

async function failure(run: () => Promise<unknown>): Promise<unknown> {
  return run().then(
    () => 'no failure',
    (error: unknown) => error,
  );
}

describe('what a query asks of the source', () => {
  test('one after the other: what is refused at one selector is not asked at the next, and others get their turn', async () => {
    const { requests, source } = world(3);
    let turns = 0;
    let asking = 0;
    const slow: Queryable = {
      async select(request) {
        expect(asking++).toBe(0);
        // As a source does that has everything in memory.
        const untilMs = performance.now() + 25;
        while (performance.now() < untilMs);
        const answer = await source.select(request);
        asking--;
        return answer;
      },
    };
    const engine = createEngine({ source: slow, options: { limits: { ...DEFAULT_LIMITS, maxSamples: 200 } } });
    const counting = setInterval(() => turns++, 1);
    // 30 samples of each of three series in five minutes: the third selector is one too many.
    const expression = Array.from({ length: 50 }, (_, i) => `m_total offset ${i}s`).join(' + ');
    const error = await failure(() => engine.instant({ tenant, expression, atMs: 600_000 }));
    clearInterval(counting);
    expect(isTidemarkError(error, 'PROMQL_LIMIT')).toBe(true);
    expect(requests).toHaveLength(3);
    expect(turns).toBeGreaterThan(0);
  });

  test('each selector once, over its whole padded range, open at the far end', async () => {
    const { requests, source } = world();
    const engine = createEngine({ source });
    await engine.range({ tenant, expression: 'rate(m_total[1m] offset 30s) + on (i) m_total{i="1"}', ...range });
    expect(requests.map(({ range: asked }) => asked)).toEqual([
      { startMs: 300_000 - 30_000 - 60_000 + 1, endMs: 420_000 - 30_000 + 1 },
      { startMs: 300_000 - 300_000 + 1, endMs: 420_000 + 1 },
    ]);
    expect(requests[0]?.tenant).toBe(tenant);
    expect(requests[0]?.stepMs).toBe(60_000);
  });

  test('the same selector twice is one request', async () => {
    const { requests, source } = world();
    await createEngine({ source }).range({ tenant, expression: 'm_total / (m_total + m_total)', ...range });
    expect(requests).toHaveLength(1);
  });

  test('a selector in a subquery is asked for all of the subquery', async () => {
    const { requests, source } = world();
    const engine = createEngine({ source });
    await engine.instant({ tenant, expression: 'max_over_time(rate(m_total[1m])[2m:25s])', atMs: 300_000 });
    // Steps at 200, 225, .. 300 s: whole multiples of 25 s in (180 s, 300 s].
    expect(requests[0]?.range).toEqual({ startMs: 200_000 - 60_000 + 1, endMs: 300_001 });
  });

  test('a lookback of the query overrides the engine', async () => {
    const { requests, source } = world();
    await createEngine({ source }).instant({ tenant, expression: 'm_total', atMs: 300_000, lookbackMs: 1000 });
    expect(requests[0]?.range).toEqual({ startMs: 299_001, endMs: 300_001 });
  });

  test('its warnings are the answer’s, each once', async () => {
    const { source } = world();
    const torn: Queryable = {
      select: async (request) => ({ ...(await source.select(request)), warnings: ['segment 7 cannot be read'] }),
    };
    const { warnings } = await createEngine({ source: torn }).instant({
      tenant,
      expression: 'm_total + m_total offset 1m',
      atMs: 300_000,
    });
    expect(warnings).toEqual(['segment 7 cannot be read']);
  });
});

describe('answers', () => {
  test('a range query: points in columns, ordered by labels', async () => {
    const { data, stats } = await createEngine({ source: world().source }).range({
      tenant,
      expression: 'sum by (i) (rate(m_total[1m])) * 10',
      ...range,
    });
    if (data.kind !== 'matrix') throw new Error('another kind');
    expect(data.series.map(({ labels }) => labels)).toEqual(['0', '1', '2'].map((i) => [{ name: 'i', value: i }]));
    expect([...(data.series[0]?.timestampsMs ?? [])]).toEqual([300_000, 360_000, 420_000]);
    expect([...(data.series[0]?.values ?? [])]).toEqual([1, 1, 1]);
    // (240 s, 420 s], a sample every 10 s.
    expect(stats).toMatchObject({ series: 3, samples: 54 });
    expect(stats.peakSamples).toBeGreaterThan(54);
  });

  test('an instant query of each type', async () => {
    const engine = createEngine({ source: world(1).source });
    const ask = async (expression: string) => (await engine.instant({ tenant, expression, atMs: 60_000 })).data;
    expect(await ask('1 + on () 1')).toMatchObject({ kind: 'scalar', value: 2 });
    expect(await ask('1 + 1')).toEqual({ kind: 'scalar', atMs: 60_000, value: 2 });
    expect(await ask('"a"')).toEqual({ kind: 'string', atMs: 60_000, text: 'a' });
    expect(await ask('m_total')).toMatchObject({ kind: 'vector', samples: [{ value: 6 }] });
    const matrix = await ask('m_total[20s]');
    if (matrix.kind !== 'matrix') throw new Error('another kind');
    expect([...(matrix.series[0]?.timestampsMs ?? [])]).toEqual([50_000, 60_000]);
  });

  test('a tree answers like its text', async () => {
    const engine = createEngine({ source: world().source });
    const expression = 'sum(rate(m_total[1m]))';
    const ofText = await engine.range({ tenant, expression, ...range });
    const ofTree = await engine.range({ tenant, expression: parse(expression), ...range });
    expect(ofTree).toEqual(ofText);
  });

  test('names go at once, or at the end of the query', async () => {
    const expression = 'label_replace(rate(m_total{i="0"}[1m]), "was", "$1", "__name__", "(.*)")';
    const labels = async (delayedNameRemoval: boolean) => {
      const engine = createEngine({ source: world(1).source, options: { delayedNameRemoval } });
      const { data } = await engine.instant({ tenant, expression, atMs: 60_000 });
      return data.kind === 'vector' ? data.samples[0]?.labels.map(({ name, value }) => `${name}=${value}`) : [];
    };
    expect(await labels(false)).toEqual(['i=0']);
    expect(await labels(true)).toEqual(['i=0', 'was=m_total']);
  });
});

describe('refusals', () => {
  const refuse = async (expression: string, options: Partial<EngineOptions> = {}) => {
    const engine = createEngine({ source: world().source, options });
    return failure(() => engine.range({ tenant, expression, ...range }));
  };

  test('a range query for a range vector or a string', async () => {
    const error = await refuse('m_total[5m]');
    expect(isTidemarkError(error, 'PROMQL_TYPE')).toBe(true);
    expect(String(error)).toContain('invalid expression type "range vector" for range query');
    expect(String(await refuse('"a"'))).toContain('invalid expression type "string" for range query');
  });

  test('what is not there yet is named', async () => {
    for (const name of ['start_timestamp(m_total)']) {
      const error = await refuse(name);
      expect(isTidemarkError(error, 'PROMQL_UNSUPPORTED'), name).toBe(true);
      expect(String(error)).toContain(`the function ${name.split('(')[0]}() is not supported yet`);
    }
  });

  const limits = (own: Partial<typeof DEFAULT_LIMITS>) => ({ limits: { ...DEFAULT_LIMITS, ...own } });

  test('too many samples, with limit and number', async () => {
    const error = await refuse('m_total', limits({ maxSamples: 50 }));
    if (!isTidemarkError(error, 'PROMQL_LIMIT')) throw error;
    expect(error.message).toContain('too many samples');
    expect(error.details).toMatchObject({ limit: 50 });
    expect(error.details['actual']).toBeGreaterThan(50);
  });

  test('results on the way count as well', async () => {
    expect(await refuse('m_total', limits({ maxSamples: 126 + 9 }))).toBe('no failure');
    const both = 'm_total + ((m_total + 1) + (m_total + 2))';
    expect(isTidemarkError(await refuse(both, limits({ maxSamples: 126 + 9 })), 'PROMQL_LIMIT')).toBe(true);
  });

  test('too many steps, of the query and of a subquery', async () => {
    const query = await refuse('m_total', limits({ maxSteps: 2 }));
    expect(String(query)).toContain('the range query has 3 steps, more than 2');
    const subquery = await refuse('max_over_time(vector(1)[1h:1s])', limits({ maxSubquerySteps: 1000 }));
    expect(String(subquery)).toContain('a subquery has 3720 steps, more than 1000');
    const absurd = await refuse('max_over_time(vector(1)[100y:1ms])');
    expect(isTidemarkError(absurd, 'PROMQL_LIMIT')).toBe(true);
  });

  test('a query’s own limits only narrow the engine’s', async () => {
    const { requests, source } = world();
    const engine = createEngine({ source, options: limits({ maxSeries: 10 }) });
    await engine.instant({ tenant, expression: 'm_total', atMs: 0, limits: { maxSeries: 5 } });
    await engine.instant({ tenant, expression: 'm_total', atMs: 0, limits: { maxSeries: 50 } });
    expect(requests.map((request) => request.limits.seriesMax)).toEqual([5, 10]);
  });

  test('a step that is none, an end before the start', async () => {
    const engine = createEngine({ source: world().source });
    const ask = (over: object) => failure(() => engine.range({ tenant, expression: '1', ...range, ...over }));
    expect(String(await ask({ stepMs: 0 }))).toContain('step of a range query must be greater than 0');
    expect(String(await ask({ stepMs: Number.NaN }))).toContain('step of a range query must be greater than 0');
    expect(String(await ask({ endMs: 0 }))).toContain('must not be before its start');
  });
});

describe('a long query', () => {
  // 300 series x 2,000 steps x windows of up to 360 points: seconds of work in one go.
  const long = {
    tenant,
    expression: 'quantile_over_time(0.9, m_total[1h])',
    startMs: 0,
    endMs: 20_000_000,
    stepMs: 10_000,
  };

  test('lets others have their turn after every 20 ms of work', async () => {
    // A clock that is 5 ms further at every look: a turn is due at every fourth.
    let looks = 0;
    const clock = { ...systemClock, monotonicMs: () => 5 * looks++ };
    const engine = createEngine({ source: world(40, 4_000_000).source, clock });
    let turns = 0;
    let running = true;
    const turn = () => {
      turns++;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    await engine.range({ ...long, endMs: 4_000_000 });
    running = false;
    // 40 series of 401 steps and up to 360 points: some 5 million looked at, the clock once in 50 thousand or 100 thousand.
    expect(looks).toBeGreaterThan(40);
    expect(turns).toBeGreaterThanOrEqual(Math.floor(looks / 5));
  });

  test('ends soon when it is cancelled, with the reason', async () => {
    const engine = createEngine({ source: world(300, 20_000_000).source });
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new Error('nobody waits for it')), 50);
    const startedMs = performance.now();
    const error = await failure(() => engine.range({ ...long, signal: controller.signal }));
    clearTimeout(timer);
    expect(String(error)).toBe('Error: nobody waits for it');
    expect(performance.now() - startedMs).toBeLessThan(3000); // the whole query takes far longer
  });

  test('does not begin when it is cancelled already', async () => {
    const { requests, source } = world();
    const signal = AbortSignal.abort(new Error('too late'));
    const error = await failure(() =>
      createEngine({ source }).instant({ tenant, expression: 'm_total', atMs: 0, signal }),
    );
    expect(String(error)).toBe('Error: too late');
    expect(requests).toEqual([]);
  });
});
