import { type PrometheusSeries, startNodeExporter, startPrometheus, startTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { ask, samples, until } from './http.ts';

// A real Prometheus scrapes a real node_exporter and Tidemark's own page, and sends what it gets by remote_write. Afterwards
// both are asked the same: every series, every sample and every value agree.

// MINUTES in the environment makes it longer.
const SEND_MS = Number(process.env['MINUTES'] ?? 1) * 60_000;

test('a real Prometheus sends: counts and values agree with its own answers', {
  timeout: SEND_MS + 240_000,
}, async () => {
  await using exporter = await startNodeExporter();
  await using tidemark = await startTidemark({ env: { TIDEMARK_COLLECTOR_HOST: 'false' } });
  const host = (url: string) => url.slice('http://'.length);
  await using prometheus = await startPrometheus({
    config: `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: node
    static_configs: [{ targets: ['${host(exporter.url)}'] }]
  - job_name: tidemark
    static_configs: [{ targets: ['${host(tidemark.url)}'] }]
remote_write:
  - url: ${tidemark.url}/api/v1/write
    queue_config: { batch_send_deadline: 1s }
    metadata_config: { send_interval: 2s }
`,
  });
  await new Promise((resolve) => setTimeout(resolve, SEND_MS));
  // What both surely have: up to some seconds ago.
  const atMs = Math.floor(Date.now() / 1000) * 1000 - 10_000;
  const range = `${Math.floor(SEND_MS / 1000) - 15}s`;
  const theirs = await prometheus.query(`{job=~"node|tidemark"}[${range}]`, atMs);
  expect(theirs.length).toBeGreaterThan(500);
  const most = Math.max(...theirs.map((series) => series.values?.length ?? 0));
  expect(most).toBeGreaterThan(SEND_MS / 1000 / 2);
  // Prometheus sends behind its scrapes: ask until everything is here, then compare.
  const ours = await until('as many samples as Prometheus has', 60_000, async () => {
    const found = await samples(tidemark.url, '{job=~"node|tidemark"}', range, atMs);
    return countOf(found) >= countOf(theirs) ? found : undefined;
  });
  expect(countOf(ours)).toBe(countOf(theirs));
  const byName = new Map(ours.map((series) => [nameOf(series.metric), series.values]));
  for (const series of theirs) expect(byName.get(nameOf(series.metric)), nameOf(series.metric)).toEqual(series.values);
  const [described, told] = await Promise.all([metadataOf(tidemark.url), metadataOf(prometheus.url)]);
  expect(Object.keys(told).length).toBeGreaterThan(100);
  expect(described).toEqual(told);
  for (const query of QUERIES) {
    const [mine, wanted] = [await evaluated(tidemark.url, query, atMs), await prometheus.query(query, atMs)];
    expectAlike(query, mine, wanted);
  }
});

// Functions over ranges are left out: from version 3 on a range does not include its left end, and this Prometheus is older.
const QUERIES = [
  'count by (__name__) ({job="node"})',
  'sum by (mode) (node_cpu_seconds_total)',
  'avg(node_memory_MemFree_bytes) / avg(node_memory_MemTotal_bytes)',
  'node_filesystem_avail_bytes{mountpoint="/"} / on (device, fstype, mountpoint, instance, job) node_filesystem_size_bytes > bool 0.5',
  'topk(3, node_network_receive_bytes_total)',
  'up == 1',
];

/** Type, help and unit by metric; entries in a fixed order. */
async function metadataOf(url: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const data = await ask<Record<string, object[]>>(url, 'metadata', {});
  return Object.fromEntries(
    Object.entries(data).map(([name, entries]) => [name, entries.map((entry) => JSON.stringify(entry)).sort()]),
  );
}

function countOf(series: readonly { readonly values?: readonly unknown[] }[]): number {
  return series.reduce((sum, { values }) => sum + (values?.length ?? 0), 0);
}

function nameOf(metric: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function evaluated(url: string, query: string, atMs: number): Promise<readonly PrometheusSeries[]> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query, time: String(atMs / 1000) })}`);
  const body = (await response.json()) as { data: { result: readonly PrometheusSeries[] } };
  return body.data.result;
}

function expectAlike(query: string, mine: readonly PrometheusSeries[], wanted: readonly PrometheusSeries[]): void {
  const values = (list: readonly PrometheusSeries[]) =>
    new Map(list.map(({ metric, value }) => [nameOf(metric), Number(value?.[1])]));
  const [a, b] = [values(mine), values(wanted)];
  expect([...a.keys()].sort(), query).toEqual([...b.keys()].sort());
  for (const [name, value] of b)
    expect(Math.abs((a.get(name) as number) - value), `${query} ${name}`).toBeLessThanOrEqual(Math.abs(value) * 1e-12);
}
