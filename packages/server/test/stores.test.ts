import { SelfMetrics, systemClock } from '@tidemark/base';
import { labelsOf, matcher } from '@tidemark/model';
import { Executor, QueryService, queryRouter } from '@tidemark/query';
import express from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Asker,
  appendSamples,
  askOf,
  listen,
  openLog,
  type RunningStore,
  readsAll,
  type Sample,
  startStore,
  TENANT,
} from './stores-world.ts';

// A hundred metrics of some megabytes, in three stores of two zones over real connections that break.

const METRICS = Array.from({ length: 100 }, (_, i) => `metric_${i}`);
const nowMs = Math.floor(systemClock.nowMs() / 1000) * 1000;
const SAMPLES: Sample[] = METRICS.flatMap((name, m) =>
  Array.from({ length: 600 }, (_, i) => ({
    labels: labelsOf({ __name__: name, i: String(i % 10) }),
    timestampMs: nowMs - 600_000 + i * 1000,
    value: Math.sin(m * 600 + i),
  })),
);

let stores: [a0: RunningStore, a1: RunningStore, b0: RunningStore];
let delayMs = 0;
const log = await openLog();

beforeAll(async () => {
  await appendSamples(log, SAMPLES);
  stores = [
    await startStore(log, { zone: 'a', ordinal: 0, replicas: 2 }),
    await startStore(log, { zone: 'a', ordinal: 1, replicas: 2 }, () => delayMs),
    await startStore(log, { zone: 'b', ordinal: 0, replicas: 1 }),
  ];
  for (const store of stores) await readsAll(log, store);
});
afterAll(async () => {
  for (const store of stores) await store.close();
});

const select = (asker: Asker, signal = new AbortController().signal) =>
  asker.source.select({
    tenant: TENANT,
    matchers: [matcher('=~', '__name__', 'metric_.*')],
    range: { startMs: 0, endMs: nowMs + 1 },
    limits: { seriesMax: 10_000, samplesMax: 1_000_000 },
    signal,
  });
const samplesIn = (answer: Awaited<ReturnType<typeof select>>) =>
  answer.series.reduce((sum, { values }) => sum + values.length, 0);

test('a store that is slow has company, and is let go', async () => {
  const [, a1, b0] = stores;
  const asker = await askOf(stores, 'a', 500);
  delayMs = 20_000;
  const startedMs = systemClock.monotonicMs();
  expect(samplesIn(await select(asker))).toBe(SAMPLES.length);
  expect(systemClock.monotonicMs() - startedMs).toBeLessThan(15_000);
  delayMs = 0;
  expect(a1.running()).toBe(0);
  expect(b0.questions()).toBeGreaterThan(0);
  expect(asker.metrics.expose()).toMatch(/hedges_total [12]\n/);
  await asker.watch.close();
});

test('an asker that goes away ends the work at the stores', async () => {
  const asker = await askOf(stores, 'a');
  const gone = new AbortController();
  const before = stores[0].questions();
  const asked = select(asker, gone.signal);
  asked.catch(() => undefined);
  while (stores[0].running() === 0 && stores[0].questions() === before) await systemClock.sleep(1);
  gone.abort(new Error('gone'));
  await expect(asked).rejects.toThrow('gone');
  await expect.poll(() => stores.map((store) => store.running())).toEqual([0, 0, 0]);
  await asker.watch.close();
});

test('a strong read is not answered by a replica that has not read as far as another', async () => {
  const [, , b0] = stores;
  const asker = await askOf(stores, 'a');
  const [first] = (await asker.freshness.pinned?.(5000)) ?? [];
  // As if the log were further: nobody has read that.
  const notBefore = [{ topic: 'raw', partition: first?.partition ?? 0, offset: (first?.offset ?? 0) + 1 }];
  const asked = asker.source.select({
    tenant: TENANT,
    matchers: [matcher('=~', '__name__', 'metric_.*')],
    range: { startMs: 0, endMs: nowMs + 1 },
    limits: { seriesMax: 10_000, samplesMax: 1_000_000 },
    signal: new AbortController().signal,
    notBefore,
  });
  await expect(asked).rejects.toMatchObject({ code: 'STORES_UNAVAILABLE' });
  await expect(asked).rejects.toThrow('this store has not read what another store has read yet');
  expect(b0.questions()).toBeGreaterThan(1);
  await asker.watch.close();
});

test('a store that dies in the middle of its answer: the other zone gives it, whole', async () => {
  const [, a1] = stores;
  const asker = await askOf(stores, 'a');
  const dying = a1.killAfterBytes(100_000);
  const answer = await select(asker);
  await dying;
  expect(samplesIn(answer)).toBe(SAMPLES.length);
  expect(answer.warnings).toEqual([]);
  expect(asker.metrics.expose()).toMatch(/retries_total 1\n/);
  await asker.watch.close();
});

test('with nobody left for some partitions a query is an error, or says what it lacks', async () => {
  const [a0, a1] = stores;
  const asker = await askOf([a0, a1], 'a');
  const limits = { seriesMax: 10_000, samplesMax: 1_000_000 };
  const service = new QueryService({
    executor: new Executor({ ...asker, clock: systemClock, lookbackMs: 300_000, ...limits }),
    ...asker,
    clock: systemClock,
    metrics: new SelfMetrics(),
    timeoutMs: 30_000,
    concurrency: 4,
    ...limits,
  });
  const app = express().use('/api/v1', queryRouter({ service, nowMs: () => nowMs, version: 'x' }));
  const { url, close } = await listen(app);
  const ask = async (parameters: string) => {
    const response = await fetch(`${url}/api/v1/${parameters}`, { headers: { 'x-scope-orgid': TENANT } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const all = encodeURIComponent('count({__name__=~"metric_.*"})');
  const refused = { status: 'error', errorType: 'execution', error: expect.stringMatching(/partitions 1, 3: /) };
  for (const question of [`query?query=${all}`, 'series?match[]={i="1"}', 'labels', 'label/i/values']) {
    expect(await ask(question)).toEqual({ status: 503, body: refused });
  }
  const partial = await ask(`query?query=${all}&partial_response=true`);
  expect(partial).toMatchObject({
    status: 200,
    body: { warnings: [expect.stringMatching(/^the answer is not whole: .*partitions 1, 3: /)] },
  });
  const listed = await ask('label/i/values?partial_response=1');
  expect(listed.body).toMatchObject({ data: [...'0123456789'], warnings: [expect.stringContaining('not whole')] });
  expect(await ask(`query?query=${all}&partial_response=perhaps`)).toMatchObject({ status: 400 });
  // A metric of a partition that somebody has is answered as ever.
  const answers = await Promise.all(METRICS.slice(0, 20).map((name) => ask(`query?query=count(${name})`)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
  await close();
  await asker.watch.close();
});
