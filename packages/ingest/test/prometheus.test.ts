import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SelfMetrics, seededRandom, silentLogger, systemClock } from '@tidemark/base';
import { IngestPipeline, WriteHandlers } from '@tidemark/ingest';
import { SimLog } from '@tidemark/log/sim';
import { decodeSampleBatch, formatLabels, isStale, labelsOf, sectionLabels, tenantOfHeader } from '@tidemark/model';
import { startPrometheus } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';

// A real Prometheus scrapes a target and sends what it found; what the log then holds is what Prometheus answers.

const SCRAPES = 6;
const PARTITIONS = 4;

async function startTarget() {
  const log = new SimLog({ clock: systemClock });
  await log.ensureTopics([{ name: 'tidemark.raw', partitions: PARTITIONS, compacted: false, retentionMs: 1e9 }]);
  const metrics = new SelfMetrics();
  const parts = { clock: systemClock, random: seededRandom(1), log, metrics, logger: silentLogger };
  const pipeline = new IngestPipeline(parts, { partitions: PARTITIONS });
  const [remoteWrite] = new WriteHandlers({ pipeline, clock: systemClock, logger: silentLogger }).routes();
  const statuses = new Map<number, number>();
  let scrapes = 0;
  const server = createServer((req, res) => {
    if (req.url === '/metrics') {
      scrapes++;
      res.end(scrapes <= SCRAPES ? page(scrapes) : '');
      return;
    }
    res.on('finish', () => statuses.set(res.statusCode, (statuses.get(res.statusCode) ?? 0) + 1));
    void remoteWrite?.handle(req, res, tenantOfHeader(req.headers['x-scope-orgid']));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    statuses,
    metrics,
    /** `series @ms value` of everything the log holds of this target; stale markers apart. */
    async stored(): Promise<{ samples: string[]; stale: number }> {
      const from = Array.from({ length: PARTITIONS }, (_, partition) => ({
        topic: 'tidemark.raw',
        partition,
        offset: 'earliest' as const,
      }));
      const reader = await log.openReader({ group: 'test', from });
      const samples: string[] = [];
      let stale = 0;
      for (;;) {
        const fetched = await reader.fetch({ maxBytes: 1e9, maxWaitMs: 0 });
        if (fetched.length === 0) break;
        for (const { value } of fetched.flatMap(({ records }) => records)) {
          const batch = decodeSampleBatch((value as Uint8Array).slice());
          batch.values.forEach((number, i) => {
            const labels = formatLabels(sectionLabels(batch.series, batch.sampleSeries[i] as number));
            if (!labels.includes('shop_')) return;
            if (isStale(number)) stale++;
            else samples.push(`${labels} @${batch.timestampsMs[i]} ${number}`);
          });
        }
      }
      await reader.close();
      return { samples: samples.toSorted(), stale };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await log.close();
    },
  };
}

function page(scrape: number): string {
  return [
    '# TYPE shop_orders_total counter',
    ...Array.from({ length: 50 }, (_, i) => `shop_orders_total{shop="${i}",city="Köln"} ${scrape * i * 3}`),
    '# TYPE shop_temperature gauge',
    `shop_temperature ${-0.1 * scrape}`,
    'shop_tiny 4.9e-324',
    'shop_huge +Inf',
    '# TYPE shop_seconds histogram',
    `shop_seconds_bucket{le="0.1"} ${scrape}`,
    `shop_seconds_bucket{le="+Inf"} ${2 * scrape}`,
    `shop_seconds_sum ${0.3 * scrape}`,
    `shop_seconds_count ${2 * scrape}`,
    '',
  ].join('\n');
}

test('what a real Prometheus sends is stored as Prometheus itself answers it', async () => {
  await using target = await startTarget();
  await using prometheus = await startPrometheus({
    config: `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: shop
    static_configs: [{ targets: ['${target.address}'] }]
remote_write:
  - url: http://${target.address}/api/v1/write
    metadata_config: { send_interval: 2s }
    queue_config: { max_samples_per_send: 40, batch_send_deadline: 1s, max_shards: 3 }
`,
  });
  const seriesCount = 57;
  let stored = await target.stored();
  const until = systemClock.monotonicMs() + 40_000;
  while (
    systemClock.monotonicMs() < until &&
    (stored.samples.length < SCRAPES * seriesCount || stored.stale < seriesCount)
  ) {
    await systemClock.sleep(250);
    stored = await target.stored();
  }
  const answered = (await prometheus.query('{__name__=~"shop_.*"}[2m]')).flatMap(({ metric, values = [] }) =>
    values.map(([seconds, value]) => {
      const number = Number(value.replace('Inf', 'Infinity'));
      return `${formatLabels(labelsOf(metric))} @${Math.round(seconds * 1000)} ${number}`;
    }),
  );
  expect(stored.samples).toEqual(answered.toSorted());
  expect(stored.samples).toHaveLength(SCRAPES * seriesCount);
  expect(stored.stale).toBe(seriesCount);
  expect([...target.statuses.keys()]).toEqual([204]);
  expect(target.metrics.expose()).not.toContain('tidemark_ingest_refused_total{');
});
