import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sendRemoteWrite, startTidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { serverNow, until, vector } from './http.ts';

// Native histograms the whole way: in by remote_write, out as answers, through kill -9 and a seal. Numbers of the same series stand
// beside them.

const SECOND = 1000;

const RULES = `
groups:
  - name: native
    interval: 1s
    rules:
      - { record: job:native_seconds:all, expr: 'sum by (job) (native_seconds_now)' }
`;

test('native histograms by remote_write are answered, after a crash and from a segment too', {
  timeout: 120_000,
}, async () => {
  await using folder = await tempFolder('rules');
  const rules = join(folder.path, 'rules.yml');
  await writeFile(rules, RULES);
  await using server = await startTidemark({
    env: { TIDEMARK_COLLECTOR_HOST: 'false', TIDEMARK_RULES_FILES: rules },
  });
  const { url } = server;
  const send = async (startMs: number, from: number, to: number) => {
    // Ten a second in the bucket up to 1, twenty in the one up to 2.
    const histograms = Array.from({ length: to - from }, (_, i) => {
      const n = from + i;
      return { timestampMs: startMs + n * SECOND, schema: 0, sum: n * 40, first: 0, counts: [n * 10, n * 20] };
    });
    const labels = { __name__: 'native_seconds', job: 'app' };
    const samples = from === 0 ? [] : [{ timestampMs: startMs + to * SECOND, value: 7 }];
    const { status, text } = await sendRemoteWrite(url, [{ labels, samples, histograms }]);
    expect(status, text).toBe(204);
  };
  const answers = async (startMs: number) => {
    const at = (query: string, second: number) => vector(url, query, startMs + second * SECOND);
    const value = async (query: string, second: number) => (await at(query, second)).map((one) => Number(one.value[1]));
    expect(await value('histogram_count(native_seconds)', 50)).toEqual([1500]);
    expect(await at('native_seconds', 50)).toMatchObject([
      {
        histogram: [
          expect.anything(),
          {
            count: '1500',
            sum: '2000',
            buckets: [
              [0, '0.5', '1', '500'],
              [0, '1', '2', '1000'],
            ],
          },
        ],
      },
    ]);
    expect(await value('histogram_sum(native_seconds)', 50)).toEqual([2000]);
    expect(await value('histogram_count(rate(native_seconds[30s]))', 60)).toEqual([expect.closeTo(30, 9)]);
    expect(await value('histogram_fraction(0, 1, rate(native_seconds[30s]))', 60)).toEqual([expect.closeTo(1 / 3, 9)]);
    // The last of the series is a number, and is all that is left at its time.
    expect(await value('native_seconds', 100)).toEqual([7]);
    expect(await value('count_over_time(native_seconds[200s])', 100)).toEqual([101]);
  };

  const now = Math.floor(await serverNow(url));
  await send(now - 200 * SECOND, 0, 50);
  await send(now - 200 * SECOND, 50, 100);
  await answers(now - 200 * SECOND);
  await server.kill9();
  await server.restart();
  await answers(now - 200 * SECOND);

  // A rule records one, which is read like any other.
  const young = { timestampMs: Math.floor(await serverNow(url)), schema: 0, sum: 9, first: 0, counts: [4, 2] };
  await sendRemoteWrite(url, [
    { labels: { __name__: 'native_seconds_now', job: 'app' }, samples: [], histograms: [young] },
  ]);
  const recorded = await until('the recorded histogram', 20_000, async () => {
    const [one] = await vector(url, 'histogram_count(job:native_seconds:all) + histogram_sum(job:native_seconds:all)');
    return one;
  });
  expect([recorded.metric, recorded.value[1]]).toEqual([{ job: 'app' }, '15']);

  // Their window is over: a flush seals it.
  const old = now - 6 * 3600 * SECOND;
  await send(old, 0, 50);
  await send(old, 50, 100);
  const flushed = await fetch(`${url}/api/v1/admin/flush`, { method: 'POST' });
  expect(flushed.status, await flushed.text()).toBe(200);
  await answers(old);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).not.toMatch(/tidemark_ingest_refused_total\{/);
  expect(metrics).toMatch(/tidemark_storage_segments\{tier="raw"\} [1-9]/);
});
