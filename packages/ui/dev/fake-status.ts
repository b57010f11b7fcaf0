import { fakeMetrics } from './fake-series.ts';

// What the server says of itself, in the shapes of /api/v1/targets, /api/v1/status/* and /metrics.

const startedMs = Date.now() - 86_400_000 * 3.2;
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

export function fakeTargets() {
  const target = (job: string, instance: string, health: string, lastError = '') => ({
    discoveredLabels: {
      __address__: instance,
      __metrics_path__: '/metrics',
      __scheme__: 'http',
      __scrape_interval__: '15s',
      __scrape_timeout__: '10s',
      job,
    },
    labels: { instance, job, ...(job === 'node' && { rack: `r${instance.length % 3}` }) },
    scrapePool: job,
    scrapeUrl: `http://${instance}/metrics`,
    globalUrl: `http://${instance}/metrics`,
    lastError,
    lastScrape: health === 'unknown' ? '0001-01-01T00:00:00Z' : ago(3 + (instance.length % 9)),
    lastScrapeDuration: 0.004 + instance.length / 4000,
    health,
    scrapeInterval: '15s',
    scrapeTimeout: '10s',
  });
  return {
    activeTargets: [
      ...Array.from({ length: 7 }, (_, i) => target('node', `web-${i + 1}.example:9100`, 'up')),
      target('node', 'db-1.example:9100', 'down', 'connect ECONNREFUSED 10.3.0.17:9100'),
      target('checkout', 'checkout-0:8080', 'up'),
      target('checkout', 'checkout-1:8080', 'down', 'server returned HTTP status 503 Service Unavailable'),
      target('checkout', 'checkout-2:8080', 'unknown'),
    ],
    droppedTargets: [
      {
        discoveredLabels: { __address__: 'canary-1:8080', __scheme__: 'http', env: 'canary', job: 'checkout' },
        scrapePool: 'checkout',
      },
    ],
    droppedTargetCounts: { checkout: 1, node: 0 },
  };
}

export function fakeTsdb(limit: number) {
  const counted = (entries: readonly (readonly [string, number])[]) =>
    entries.slice(0, limit).map(([name, value]) => ({ name, value }));
  return {
    headStats: {
      numSeries: 81_204,
      numLabelPairs: 5127,
      chunkCount: 160_733,
      minTime: Date.now() - 7_200_000,
      maxTime: Date.now(),
    },
    seriesCountByMetricName: counted([
      ['http_request_duration_seconds_bucket', 31_680],
      ['container_network_transmit_bytes_total', 9120],
      ['node_cpu_seconds_total', 5120],
      ...Object.keys(fakeMetrics).map((name, i) => [name, 640 - 12 * i] as const),
    ]),
    labelValueCountByLabelName: counted([
      ['pod', 2140],
      ['__name__', 812],
      ['path', 377],
      ['instance', 64],
      ['le', 24],
      ['mode', 8],
    ]),
    memoryInBytesByLabelName: counted([
      ['pod', 3_410_022],
      ['__name__', 2_011_901],
      ['instance', 1_300_200],
      ['path', 844_313],
    ]),
    seriesCountByLabelValuePair: counted([
      ['job=checkout', 44_010],
      ['__name__=http_request_duration_seconds_bucket', 31_680],
      ['job=node', 20_480],
      ['instance=web-1.example:9100', 1270],
    ]),
  };
}

export function fakeStorage() {
  const tier = (windows: number, windowBytes: number, segmentBytes: number, headBytes: number, days: number) => ({
    windows,
    windowBytes,
    windowSamples: windowBytes * 2,
    segments: Math.ceil(segmentBytes / 40e6),
    segmentBytes,
    segmentSamples: segmentBytes * 2,
    headBytes,
    series: 81_204,
    oldestMs: Date.now() - 3 * 86_400_000,
    newestMs: Date.now() - 7_200_000,
    retentionMs: days * 86_400_000,
  });
  return {
    tiers: {
      raw: tier(4, 38_120_000, 911_300_000, 71_534_340, 7),
      '1m': tier(2, 12_000_000, 88_000_000, 40_100_000, 30),
      '1h': tier(1, 400_000, 2_100_000, 9_000_000, 365),
    },
    seriesByTenant: [{ tenant: 'default', series: 81_204 }],
    partitions: [0, 1, 2, 3].map((partition) => ({
      topic: 'tidemark.raw',
      partition,
      tier: 'raw',
      end: 12_010 + partition,
      position: 12_010,
      durablePosition: 11_880,
      lag: partition === 3 ? 3 : 0,
      damagedWindows: 0,
    })),
  };
}

export const fakeFlags: Record<string, string> = {
  'config.file': 'tidemark.yaml',
  'log.level': 'info',
  'query.lookback-delta': '5m',
  'query.max-samples': '50000000',
  'query.timeout': '2m',
  'storage.tsdb.path': './data',
  'storage.tsdb.retention.time': '1w',
  'web.listen-address': '127.0.0.1:9470',
  'ingest.maxLabelValueLength': '2048',
  'rules.interval': '1m',
};

export const fakeConfig = `data: ./data
http:
  listen: 127.0.0.1:9470
scrape:
  interval: 15s
  configs:
    - job_name: node
      file_sd_configs:
        - files: [targets/*.json]
notifier:
  webhooks:
    - name: oncall
      url: <secret>
`;

export function fakeRuntime() {
  return {
    startTime: new Date(startedMs).toISOString(),
    CWD: '/srv/tidemark',
    hostname: 'web-1',
    serverTime: new Date().toISOString(),
    reloadConfigSuccess: true,
    lastConfigTime: new Date(startedMs).toISOString(),
    corruptionCount: 0,
    goroutineCount: 41,
    GOMAXPROCS: 4,
    GOMEMLIMIT: 4_496_293_888,
    GOGC: '',
    storageRetention: '7d',
  };
}

/** The server's own metrics: 4,200 samples a second, and now and then a refused one. */
export function fakeOwnMetrics(): string {
  const seconds = (Date.now() - startedMs) / 1000;
  return `# HELP tidemark_ingest_samples_total Samples acknowledged: the log has them.
# TYPE tidemark_ingest_samples_total counter
tidemark_ingest_samples_total{tenant="default",protocol="remote_write"} ${Math.floor(4000 * seconds + 9000 * Math.sin(seconds / 20))}
tidemark_ingest_samples_total{tenant="default",protocol="scrape"} ${Math.floor(200 * seconds)}
tidemark_ingest_refused_total{tenant="default",protocol="remote_write",reason="label_value_too_long"} ${Math.floor(seconds / 90)}
tidemark_ingest_refused_total{tenant="default",protocol="text",reason="no_timestamp"} 12
tidemark_storage_entries_total{tier="raw",outcome="stored"} ${Math.floor(4200 * seconds)}
tidemark_storage_entries_total{tier="raw",outcome="too_old"} 431
tidemark_ingest_active_series{tenant="default"} ${81_000 + Math.floor(200 * Math.sin(seconds / 60))}
process_resident_memory_bytes ${Math.floor(410e6 + 30e6 * Math.sin(seconds / 15))}
process_heap_bytes ${Math.floor(120e6 + 20e6 * Math.sin(seconds / 9))}
process_cpu_seconds_total ${0.31 * seconds}
tidemark_rollup_lag_records{task="0_0"} ${Math.floor(3 + 3 * Math.sin(seconds / 7))}
tidemark_log_journal_bytes ${Math.floor(2.1e9 + 4e5 * (seconds % 900))}
`;
}
