import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startPrometheus, startTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { until, vector } from './http.ts';

// A real Prometheus beside Tidemark: both scrape a page and their /federate says the same; and one that federates from
// Tidemark, as if Tidemark were a Prometheus.

const PAGE = `# HELP job_runs_total Runs, by outcome.
# TYPE job_runs_total counter
job_runs_total{outcome="good"} 1234567
job_runs_total{outcome="bad \\"quoted\\""} 0.00001
# TYPE job_took_seconds histogram
job_took_seconds_bucket{le="0.5"} 3
job_took_seconds_bucket{le="+Inf"} 5
job_took_seconds_sum 0.75
job_took_seconds_count 5
job_lag NaN
job_other{instance="their own"} -Inf
`;

const samplesIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));

test('/federate says what Prometheus says, and a Prometheus federates from it', { timeout: 120_000 }, async () => {
  let lines = PAGE;
  const page = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8').end(lines);
  });
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  const target = `127.0.0.1:${(page.address() as AddressInfo).port}`;
  const jobs = `[{ job_name: page, honor_labels: true, static_configs: [{ targets: ['${target}'] }] }]`;
  await using tidemark = await startTidemark({
    env: { TIDEMARK_COLLECTOR_HOST: 'false' },
    config: `scrape: { interval: 1s, timeout: 1s, configs: ${jobs} }\nfederation: { externalLabels: { site: harbour } }\n`,
  });
  await using prometheus = await startPrometheus({
    config: `
global: { scrape_interval: 1s, scrape_timeout: 1s, external_labels: { site: harbour } }
scrape_configs: ${jobs}
`,
  });
  await using downstream = await startPrometheus({
    config: `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: federate
    honor_labels: true
    metrics_path: /federate
    params: { 'match[]': ['{job="page"}', 'up'] }
    static_configs: [{ targets: ['${new URL(tidemark.url).host}'] }]
`,
  });
  const get = async (url: string, query: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/federate?${query}`, { headers });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  await until('all scraped', 30_000, async () => {
    const [ours] = await vector(tidemark.url, 'count({job="page"})');
    const [theirs] = await prometheus.query('count({job="page"})');
    const [federated] = await downstream.query('count({job="page"})');
    const counts = [ours?.value[1], theirs?.value?.[1], federated?.value?.[1]];
    return counts.every((count) => count === '13') ? true : undefined;
  });

  const wanted = new URLSearchParams([
    ['match[]', '{__name__=~"job_.*"}'],
    ['match[]', 'up{job="page"}'],
    ['match[]', 'job_lag'],
  ]).toString();
  const [ours, theirs] = [await get(tidemark.url, wanted), await get(prometheus.url, wanted)];
  expect([ours.status, ours.type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores']);
  expect(samplesIn(ours.text)).toEqual(samplesIn(theirs.text));
  expect(ours.text).toContain('# HELP job_runs_total Runs, by outcome.\n# TYPE job_runs_total counter\n');
  expect(ours.text).toContain('# TYPE job_took_seconds histogram\njob_took_seconds_bucket{');
  for (const line of ours.text.split('\n').filter((text) => text !== '' && !text.startsWith('#'))) {
    expect(Math.abs(Number(line.split(' ').at(-1)) - Date.now()), line).toBeLessThan(30_000);
  }

  const type = await fetch(`${downstream.url}/api/v1/metadata?metric=job_runs_total`);
  expect((await type.json()) as object).toMatchObject({
    data: { job_runs_total: [{ type: 'counter', help: 'Runs, by outcome.' }] },
  });
  const runs = await downstream.query('job_runs_total{outcome="good"}');
  expect(runs.map(({ metric, value }) => [metric, value?.[1]])).toEqual([
    [{ __name__: 'job_runs_total', instance: target, job: 'page', outcome: 'good', site: 'harbour' }, '1234567'],
  ]);

  // What ended is not handed out; nor is what no selector wants.
  lines = 'job_lag 1\n';
  await until('the other series ended', 30_000, async () => {
    const { text } = await get(tidemark.url, wanted);
    return samplesIn(text).length === 2 ? true : undefined;
  });
  expect(await get(tidemark.url, 'match[]=nothing')).toMatchObject({ status: 200, text: '' });
  expect(await get(tidemark.url, '')).toMatchObject({ status: 400, text: expect.stringContaining('match[]') });
  expect(await get(tidemark.url, 'match[]=-bad')).toMatchObject({ status: 400 });
  expect((await fetch(`${tidemark.url}/federate?match[]=up`, { method: 'POST' })).status).toBe(405);
  page.closeAllConnections();
  page.close();
});
