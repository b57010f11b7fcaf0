// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of relabel rules are written so.
import { SelfMetrics, seededRandom, silentLogger, systemClock } from '@tidemark/base';
import { formatLabels, isStale, labelsOf, type SampleBatch, sectionLabels } from '@tidemark/model';
import { type NodeExporter, type Prometheus, startNodeExporter, startPrometheus } from '@tidemark/testkit/real';
import { beforeAll, expect, test } from 'vitest';
import { readScrapeConfigs, startScrapeManager, type TargetStatus } from '../src/index.ts';

// A real node_exporter and nothing on another port, scraped for some seconds by us and by a real Prometheus at once, with
// the same configuration: the same series, the same `up`, the same reports.

const DEAD = '127.0.0.1:1';

let prometheusSeries: string[];
let ours: Map<string, number[]>;
let batches: SampleBatch[];
let targets: readonly TargetStatus[];
let asked: (expression: string) => Promise<Map<string, number>>;

const jobs = (address: string) => [
  {
    job_name: 'node',
    scrape_interval: '1s',
    static_configs: [{ targets: [address, DEAD], labels: { device: 'mine', zone: 'a' } }],
    metric_relabel_configs: [
      { source_labels: ['__name__'], regex: 'go_.*|process_.*', action: 'drop' },
      { source_labels: ['exported_device'], regex: '(.+)', target_label: 'dev' },
    ],
  },
  {
    job_name: 'honest',
    scrape_interval: '1s',
    honor_labels: true,
    static_configs: [{ targets: [address], labels: { device: 'mine' } }],
    relabel_configs: [
      { source_labels: ['__address__'], regex: '(.*):.*', target_label: 'instance', replacement: '${1}:x' },
    ],
  },
  {
    job_name: 'limited',
    scrape_interval: '1s',
    sample_limit: 10,
    static_configs: [{ targets: [address] }],
  },
];

async function scraped(exporter: NodeExporter): Promise<void> {
  batches = [];
  const manager = startScrapeManager({
    sink: {
      async append(batch) {
        batches.push(batch);
        return { accepted: batch.values.length, refused: [] };
      },
    },
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics: new SelfMetrics(),
    tenant: 'default',
    parseYaml: () => undefined,
  });
  const { configs, problems } = readScrapeConfigs(jobs(new URL(exporter.url).host));
  expect(problems).toEqual([]);
  await manager.apply(configs);
  await systemClock.sleep(5000);
  targets = manager.targets();
  await manager.close();
}

beforeAll(async () => {
  await using cleanup = new AsyncDisposableStack();
  const exporter = cleanup.use(
    await startNodeExporter({ collectors: ['cpu', 'meminfo', 'diskstats', 'netdev', 'loadavg'] }),
  );
  // Prometheus reads YAML, and JSON is YAML.
  const config = JSON.stringify({ scrape_configs: jobs(new URL(exporter.url).host) });
  const prometheus: Prometheus = cleanup.use(await startPrometheus({ config }));
  await scraped(exporter);
  ours = new Map();
  for (const batch of batches) {
    batch.sampleSeries.forEach((series, i) => {
      const value = batch.values[i] as number;
      if (isStale(value)) return;
      const key = formatLabels(sectionLabels(batch.series, series));
      ours.set(key, [...(ours.get(key) ?? []), value]);
    });
  }
  // Prometheus takes up its targets some seconds after its start; its first scrape has everything.
  const deadlineMs = systemClock.monotonicMs() + 30_000;
  while ((await prometheus.query('up')).length < 4 && systemClock.monotonicMs() < deadlineMs)
    await systemClock.sleep(200);
  const answers = new Map<string, Map<string, number>>();
  for (const expression of ['{__name__=~".+"}', 'scrape_samples_scraped', 'up']) {
    const result = await prometheus.query(expression);
    answers.set(
      expression,
      new Map(result.map(({ metric, value }) => [formatLabels(labelsOf(metric)), Number(value?.[1])])),
    );
  }
  asked = async (expression) => answers.get(expression) ?? new Map();
  prometheusSeries = [...(await asked('{__name__=~".+"}')).keys()];
});

test('the same series: names and labels', () => {
  expect(prometheusSeries.length).toBeGreaterThan(150);
  // From Prometheus 3 on, bounds and quantiles are written as OpenMetrics has them; this one is older.
  const theirs = prometheusSeries.map((series) => series.replace(/\b(le|quantile)="(\d+)"/, '$1="$2.0"'));
  expect([...ours.keys()].sort()).toEqual(theirs.sort());
});

test('the same `up`, and the same counts in the reports', async () => {
  const best = (name: string) =>
    new Map(
      [...ours]
        .filter(([series]) => series.startsWith(`${name}{`))
        .map(([series, values]) => [series, Math.max(...values)]),
    );
  expect(best('up')).toEqual(await asked('up'));
  expect([...best('up').values()].sort()).toEqual([0, 0, 1, 1]);
  expect(best('scrape_samples_scraped')).toEqual(await asked('scrape_samples_scraped'));
});

test('scrapes of a target come each second and carry the same section', () => {
  const sections = new Map<object, number[]>();
  for (const batch of batches) {
    sections.set(batch.series, [...(sections.get(batch.series) ?? []), batch.timestampsMs.at(-1) as number]);
  }
  // One section a target: its series did not change.
  expect(sections.size).toBe(4);
  for (const times of sections.values()) {
    // Five seconds have five; a busy machine may lose some.
    expect(times.length).toBeGreaterThanOrEqual(3);
    expect(times.length).toBeLessThanOrEqual(6);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  }
});

test('what is wrong with the others is said', () => {
  const errors = new Map(targets.map((target) => [`${target.pool} ${target.health}`, target.lastError]));
  expect([...errors.keys()].sort()).toEqual(['honest up', 'limited down', 'node down', 'node up']);
  expect(errors.get('node down')).toContain('ECONNREFUSED');
  expect(errors.get('limited down')).toMatch(/^the page has \d+ samples, more than sample_limit 10$/);
});
