import { freePort, startNodeExporter, startTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { ask, until, vector } from './http.ts';

// Prometheus' scrape_configs in tidemark.yaml: a real node_exporter, Tidemark's own page, and a target that is down.

interface Targets {
  readonly activeTargets: readonly {
    readonly scrapePool: string;
    readonly health: string;
    readonly lastError: string;
    readonly labels: Readonly<Record<string, string>>;
  }[];
}

test('targets are scraped, told of, and `up` says how they are', { timeout: 120_000 }, async () => {
  await using exporter = await startNodeExporter();
  const port = await freePort();
  await using server = await startTidemark({
    env: { TIDEMARK_COLLECTOR_HOST: 'false' },
    config: `
scrape:
  interval: 1s
  timeout: 1s
  configs:
    - job_name: node
      static_configs:
        - targets: ['${new URL(exporter.url).host}']
          labels: { rack: r1 }
      metric_relabel_configs:
        - source_labels: [__name__]
          regex: node_(load1|cpu_seconds_total)
          action: keep
    - job_name: away
      static_configs: [{ targets: ['127.0.0.1:${port}'] }]
`,
  });
  const { url } = server;
  await until('both targets scraped', 30_000, async () => {
    const up = await vector(url, 'up');
    return up.length === 2 ? up : undefined;
  });
  const up = new Map((await vector(url, 'up')).map(({ metric, value }) => [metric['job'], value[1]]));
  expect(Object.fromEntries(up)).toEqual({ node: '1', away: '0' });
  const [load] = await vector(url, 'node_load1');
  expect(load?.metric).toEqual({
    __name__: 'node_load1',
    instance: new URL(exporter.url).host,
    job: 'node',
    rack: 'r1',
  });
  expect(await vector(url, 'node_memory_MemTotal_bytes')).toEqual([]);
  const kept = await vector(url, 'scrape_samples_post_metric_relabeling{job="node"}');
  const found = await vector(url, 'count({job="node", __name__=~"node_.*"})');
  expect(kept[0]?.value[1]).toBe(found[0]?.value[1]);
  const { activeTargets } = await ask<Targets>(url, 'targets', {});
  expect(activeTargets.map(({ scrapePool, health }) => [scrapePool, health]).sort()).toEqual([
    ['away', 'down'],
    ['node', 'up'],
  ]);
  expect(activeTargets.find(({ scrapePool }) => scrapePool === 'away')?.lastError).toMatch(/refused/i);
  await until('rates of what was scraped', 30_000, async () => {
    const rates = await vector(url, 'sum(rate(node_cpu_seconds_total[10s]))');
    return Number(rates[0]?.value[1]) > 0 ? rates : undefined;
  });
});
