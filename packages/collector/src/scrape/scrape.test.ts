import { gzipSync } from 'node:zlib';
import { SelfMetrics, SimClock, seededRandom, silentLogger, TidemarkError } from '@tidemark/base';
import { formatLabels, isStale, type SampleBatch, sectionLabels } from '@tidemark/model';
import { expect, test } from 'vitest';
import { readScrapeConfigs } from './config.ts';
import type { ScrapeFetch, ScrapeRequest } from './fetch.ts';
import { startScrapeManager } from './scrape-manager.ts';

// Scraping on a clock under our hand, of targets that answer what the test wants.

const START = 1_700_000_000_000;

interface Answer {
  readonly status?: number;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Breaks off after the body. */
  readonly breaks?: boolean;
  /** Never answers. */
  readonly hangs?: boolean;
}

/** One interval is 10 s; everything is one job of one target unless the test says otherwise. */
async function world(job: object = {}, defaults = {}) {
  const clock = new SimClock(START);
  const batches: SampleBatch[] = [];
  const requests: ScrapeRequest[] = [];
  const selfMetrics = new SelfMetrics();
  let answer: Answer = {};
  let refuses = false;
  const fetch: ScrapeFetch = async (request) => {
    requests.push(request);
    const { status = 200, body = '', headers = {}, breaks, hangs } = answer;
    if (hangs) await new Promise(() => undefined);
    return {
      status,
      statusText: '',
      header: (name) => headers[name] ?? '',
      body: (async function* () {
        const bytes = typeof body === 'string' ? Buffer.from(body) : body;
        for (let at = 0; at < bytes.length; at += 10) yield bytes.subarray(at, at + 10);
        if (breaks) throw new Error('aborted');
      })(),
    };
  };
  const manager = startScrapeManager({
    sink: {
      async append(batch) {
        if (refuses) throw new TidemarkError('INGEST_UNAVAILABLE', 'the log is away');
        batches.push(batch);
        return { accepted: batch.values.length, refused: [] };
      },
    },
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics: selfMetrics,
    tenant: 'default',
    parseYaml: () => {
      throw new Error('no YAML here');
    },
    fetch,
  });
  const apply = async (...jobs: object[]) => {
    const plain = jobs.map((each) => ({
      job_name: 'j',
      scrape_interval: '10s',
      scrape_timeout: '5s',
      static_configs: [{ targets: ['h:1'] }],
      ...each,
    }));
    const { configs, problems } = readScrapeConfigs(plain, defaults);
    expect(problems).toEqual([]);
    await manager.apply(configs);
    await clock.advance(0);
  };
  const take = () => {
    const taken = batches.splice(0).map(shown);
    return taken.at(-1) ?? {};
  };
  await apply(job);
  const serve = (next: Answer | string) => {
    answer = typeof next === 'string' ? { body: next } : next;
  };
  const scrape = async (next: Answer | string) => {
    serve(next);
    await clock.advance(10_000);
    // A scrape that began late in these ten seconds may still wait for its timeout.
    if (batches.length === 0) await clock.advance(5000);
    return take();
  };
  return {
    clock,
    batches,
    requests,
    manager,
    apply,
    metrics: () => selfMetrics.expose(),
    take,
    /** The samples of one interval in which the target answers so: series to value. */
    scrape,
    serve,
    refuse: (yes: boolean) => {
      refuses = yes;
    },
    /** As `scrape`, without the report. */
    samples: async (next: Answer | string) => withoutReport(await scrape(next)),
  };
}

function shown(batch: SampleBatch): Record<string, number | 'stale'> {
  const out: Record<string, number | 'stale'> = {};
  batch.sampleSeries.forEach((series, i) => {
    const value = batch.values[i] as number;
    out[formatLabels(sectionLabels(batch.series, series))] = isStale(value) ? 'stale' : value;
  });
  return out;
}

function withoutReport(samples: Record<string, number | 'stale'>) {
  return Object.fromEntries(Object.entries(samples).filter(([series]) => !/^(up|scrape_\w+)\{/.test(series)));
}

const T = 'instance="h:1", job="j"';

test('a scrape: samples with the target’s labels, and the report', async () => {
  const { scrape, requests } = await world();
  expect(await scrape('a 1\nb{x="y"} 2\n')).toEqual({
    [`a{${T}}`]: 1,
    [`b{${T}, x="y"}`]: 2,
    [`up{${T}}`]: 1,
    [`scrape_duration_seconds{${T}}`]: 0,
    [`scrape_samples_scraped{${T}}`]: 2,
    [`scrape_samples_post_metric_relabeling{${T}}`]: 2,
    [`scrape_series_added{${T}}`]: 2,
  });
  expect(requests).toHaveLength(1);
  expect(requests[0]?.url).toBe('http://h:1/metrics');
  expect(requests[0]?.headers).toMatchObject({
    Accept: expect.stringMatching(
      /^application\/openmetrics-text;version=1\.0\.0;escaping=allow-utf-8,.*,text\/plain;version=0\.0\.4;q=/,
    ),
    'Accept-Encoding': 'gzip',
    'X-Prometheus-Scrape-Timeout-Seconds': '5',
  });
});

test('the next scrapes carry the same section, at evenly spaced times', async () => {
  const { serve, batches, clock } = await world();
  serve('a 1\nb 2');
  await clock.advance(30_000);
  expect(batches).toHaveLength(3);
  expect(new Set(batches.map((batch) => batch.series)).size).toBe(1);
  const times = batches.map((batch) => batch.timestampsMs[0] as number);
  expect(times.slice(1).map((time, i) => time - (times[i] as number))).toEqual([10_000, 10_000]);
  expect(shown(batches[2] as SampleBatch)[`scrape_series_added{${T}}`]).toBe(0);
});

test('a series that moves on the page is still the same one', async () => {
  const { scrape, samples } = await world();
  await scrape('a 1\nb 2\nc 3');
  for (const page of ['c 6\na 4\nb 5', 'a 4\nc 6\nb 5', 'c 6\na 4\nb 5', 'b 5\nc 6\na 4']) {
    expect(await samples(page)).toEqual({ [`a{${T}}`]: 4, [`b{${T}}`]: 5, [`c{${T}}`]: 6 });
  }
});

test('bounds and quantiles are written one way, in histograms and summaries alone', async () => {
  const { samples } = await world();
  const bounds = [
    '1',
    '1.0',
    '1e1',
    '0.25',
    '-0',
    '100000',
    '1000000',
    '0.00001',
    '1.5e-7',
    '1e-300',
    '+Inf',
    'inf',
    'x',
  ];
  const page = [
    '# TYPE h histogram',
    ...bounds.map((bound, i) => `h_bucket{le="${bound}"} ${i}`),
    '# TYPE s summary',
    's{quantile="5e-1",le="1"} 1',
    '# TYPE g gauge',
    'g{le="1",quantile="1"} 1',
    'h_bucket{le="2"} 1',
  ].join('\n');
  const found = Object.keys(await samples(page)).map((series) => series.replace(`${T}, `, ''));
  expect(found.sort()).toEqual(
    [
      ...['1.0', '10.0', '0.25', '0.0', '100000.0', '1e+06', '1e-05', '1.5e-07', '1e-300', '+Inf', 'x', '2'].map(
        (bound) => `h_bucket{le="${bound}"}`,
      ),
      's{le="1", quantile="0.5"}',
      'g{le="1", quantile="1"}',
    ].sort(),
  );
});

test('a series that vanishes ends with the stale marker, once, and begins anew when it is back', async () => {
  const { scrape, samples } = await world();
  await scrape('a 1\nb 2');
  expect(await samples('a 1')).toEqual({ [`a{${T}}`]: 1, [`b{${T}}`]: 'stale' });
  expect(await samples('a 1')).toEqual({ [`a{${T}}`]: 1 });
  expect(await scrape('a 1\nb 3')).toMatchObject({ [`b{${T}}`]: 3, [`scrape_series_added{${T}}`]: 1 });
});

test.each<[string, Answer, string]>([
  ['bad status', { status: 503, body: 'a 1' }, 'the target answered with HTTP status 503'],
  ['no answer', { hangs: true }, 'the target did not answer within 5000 ms'],
  ['an answer that breaks off', { body: 'a 1\nb 2\n', breaks: true }, 'the answer broke off after 8 bytes: aborted'],
  ['a bad line', { body: 'a 1\nb two\n' }, 'line 2: the value "two" is no number'],
  [
    'OpenMetrics without its end',
    { body: 'a 1\n', headers: { 'content-type': 'application/openmetrics-text; version=1.0.0' } },
    'line 1: the page does not end with "# EOF": was it cut?',
  ],
  [
    'half a gzip',
    { body: gzipSync('a 1\n').subarray(0, 15), headers: { 'content-encoding': 'gzip' } },
    'the answer is no whole gzip: unexpected end of file',
  ],
  [
    'another encoding',
    { body: 'a 1\n', headers: { 'content-encoding': 'br' } },
    'the target answered in "br", not in gzip',
  ],
])('%s: up is 0, everything ends, and comes back with the next good scrape', async (_, answer, error) => {
  const { scrape, samples, manager } = await world();
  await scrape('a 1\nb 2');
  const failed = await scrape(answer);
  expect(withoutReport(failed)).toEqual({ [`a{${T}}`]: 'stale', [`b{${T}}`]: 'stale' });
  expect(failed[`up{${T}}`]).toBe(0);
  expect(manager.targets()[0]).toMatchObject({ health: 'down', lastError: error });
  expect(await samples('a 1\nb 2')).toEqual({ [`a{${T}}`]: 1, [`b{${T}}`]: 2 });
  expect(manager.targets()[0]).toMatchObject({ health: 'up', lastError: '' });
});

test.each<[string, object, string, string]>([
  ['sample_limit', { sample_limit: 1 }, 'a 1\nb 2\nc 3', 'the page has 3 samples, more than sample_limit 1'],
  [
    'body_size_limit',
    { body_size_limit: '11B' },
    'a 111111111\n',
    'the answer is larger than body_size_limit, 11 bytes',
  ],
  ['label_limit', { label_limit: 3 }, 'a{x="1"} 1', 'line 1: "a" has 4 labels, more than label_limit 3'],
  [
    'label_name_length_limit',
    { label_name_length_limit: 8 },
    'a{nameofnine="1"} 1',
    'line 1: "a": the name of label "nameofnine" has 10 bytes, more than label_name_length_limit 8',
  ],
  [
    'label_value_length_limit',
    { label_value_length_limit: 3 },
    'a{x="four"} 1',
    'line 1: "a": the value of label "x" has 4 bytes, more than label_value_length_limit 3',
  ],
  [
    'no name left',
    { metric_relabel_configs: [{ action: 'labeldrop', regex: '__name__' }] },
    'a 1',
    'line 1: relabelling left no metric name',
  ],
])('over a limit a scrape fails whole: %s', async (_, job, body, error) => {
  const { scrape, manager } = await world(job);
  const samples = await scrape(body);
  expect(withoutReport(samples)).toEqual({});
  expect(samples[`up{${T}}`]).toBe(0);
  expect(manager.targets()[0]?.lastError).toBe(error);
});

test('over sample_limit the report tells how many there were', async () => {
  const { scrape } = await world({ sample_limit: 1 });
  expect(await scrape('a 1\nb 2\nc 3')).toMatchObject({
    [`scrape_samples_scraped{${T}}`]: 3,
    [`scrape_samples_post_metric_relabeling{${T}}`]: 3,
  });
});

test('body_size_limit counts what a gzip holds', async () => {
  const { scrape, manager } = await world({ body_size_limit: '1KB' });
  await scrape({ body: gzipSync(`a 1\n${'\n'.repeat(2000)}`), headers: { 'content-encoding': 'gzip' } });
  expect(manager.targets()[0]?.lastError).toBe('the answer is larger than body_size_limit, 1024 bytes');
  expect(await scrape({ body: gzipSync('a 1\n'), headers: { 'content-encoding': 'gzip' } })).toMatchObject({
    [`a{${T}}`]: 1,
  });
});

test('metric_relabel_configs drop and rename; the report counts before and after', async () => {
  const { scrape } = await world({
    metric_relabel_configs: [
      { source_labels: ['__name__'], regex: 'go_.*', action: 'drop' },
      { source_labels: ['x'], target_label: 'y' },
      { regex: 'x', action: 'labeldrop' },
    ],
  });
  for (let i = 0; i < 2; i++) {
    const samples = await scrape('go_info 1\na{x="1"} 2');
    expect(withoutReport(samples)).toEqual({ [`a{${T}, y="1"}`]: 2 });
    expect(samples[`scrape_samples_scraped{${T}}`]).toBe(2);
    expect(samples[`scrape_samples_post_metric_relabeling{${T}}`]).toBe(1);
  }
});

test('labels that clash with the target’s are renamed, and renamed again', async () => {
  const { samples } = await world();
  expect(await samples('a{job="x",exported_job="y",instance=""} 1')).toEqual({
    'a{exported_exported_job="x", exported_job="y", instance="h:1", job="j"}': 1,
  });
});

test('honor_labels: the page’s labels win, an empty one means none', async () => {
  const { samples } = await world({ honor_labels: true });
  expect(await samples('a{job="x",instance=""} 1\nb 2')).toEqual({ 'a{job="x"}': 1, [`b{${T}}`]: 2 });
});

test('timestamps of the page are honoured, and such series get no stale marker', async () => {
  const { serve, samples, batches, clock } = await world();
  serve(`a 1 ${START - 5000}\nb 2`);
  await clock.advance(10_000);
  expect(batches[0]?.timestampsMs[0]).toBe(START - 5000);
  expect(await samples('')).toEqual({ [`b{${T}}`]: 'stale' });
});

test('honor_timestamps: false takes the scrape’s time, and then they do', async () => {
  const { serve, samples, batches, clock } = await world({ honor_timestamps: false });
  serve(`a 1 ${START - 5000}`);
  await clock.advance(10_000);
  expect(batches[0]?.timestampsMs[0]).toBeGreaterThanOrEqual(START);
  expect(await samples('')).toEqual({ [`a{${T}}`]: 'stale' });
});

test('a series twice on a page: the first counts', async () => {
  const { samples, metrics } = await world();
  expect(await samples('a 1\na 2\nb 3')).toEqual({ [`a{${T}}`]: 1, [`b{${T}}`]: 3 });
  expect(metrics()).toContain('tidemark_scrape_samples_repeated_total 1\n');
});

test('types and metadata travel with the samples', async () => {
  const { serve, batches, clock } = await world();
  serve('# HELP a One.\n# TYPE a counter\na 1');
  await clock.advance(30_000);
  expect([...(batches[0]?.series.types ?? [])]).toEqual([2, 2, 2, 2, 2, 1]);
  expect(batches[0]?.metadata).toEqual([{ metric: 'a', type: 'counter', unit: '', help: 'One.' }]);
  expect(batches[2]?.metadata).toBeUndefined();
});

test('a target that is gone ends its series and its report', async () => {
  const { scrape, apply, take, manager } = await world();
  await scrape('a 1');
  await apply({ static_configs: [{ targets: ['other:1'] }] });
  expect(take()).toEqual({
    [`a{${T}}`]: 'stale',
    [`up{${T}}`]: 'stale',
    [`scrape_duration_seconds{${T}}`]: 'stale',
    [`scrape_samples_scraped{${T}}`]: 'stale',
    [`scrape_samples_post_metric_relabeling{${T}}`]: 'stale',
    [`scrape_series_added{${T}}`]: 'stale',
  });
  expect(manager.targets().map((target) => target.scrapeUrl)).toEqual(['http://other:1/metrics']);
  await apply({ job_name: 'k' });
  expect(manager.targets().map((target) => [target.pool, target.health])).toEqual([['k', 'unknown']]);
});

test('an unchanged target goes on through a new configuration; closing ends nothing', async () => {
  const { scrape, apply, take, manager, batches } = await world();
  await scrape('a 1');
  await apply({ static_configs: [{ targets: ['h:1', 'new:1'] }] });
  expect(take()).toEqual({});
  expect(manager.targets().map((target) => target.health)).toEqual(['up', 'unknown']);
  await manager.close();
  expect(batches).toEqual([]);
});

test('new relabel rules take the series over: only what they drop ends', async () => {
  const { scrape, samples, apply } = await world();
  await scrape('a 1\nb 2');
  await apply({ metric_relabel_configs: [{ source_labels: ['__name__'], regex: 'b', action: 'drop' }] });
  expect(await samples('a 1\nb 2')).toEqual({ [`a{${T}}`]: 1, [`b{${T}}`]: 'stale' });
});

test('another interval, or another path: the series go on, and end when the page no longer has them', async () => {
  const { scrape, serve, apply, take, clock, batches } = await world();
  await scrape('a 1\nb 2');
  await apply({ scrape_interval: '5s', metrics_path: '/other' });
  expect(take()).toEqual({});
  serve('a 1');
  await clock.advance(10_000);
  expect(batches.map(shown).map(withoutReport)).toEqual([{ [`a{${T}}`]: 1, [`b{${T}}`]: 'stale' }, { [`a{${T}}`]: 1 }]);
});

test('a sink that cannot take now gets everything later, in order', async () => {
  const { serve, clock, batches, refuse } = await world();
  refuse(true);
  serve('a 1');
  await clock.advance(30_000);
  expect(batches).toEqual([]);
  refuse(false);
  await clock.advance(10_000);
  const times = batches.map((batch) => batch.timestampsMs[0] as number);
  expect(times.length).toBeGreaterThanOrEqual(3);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test('relabel_configs make the URL, the labels and the choice', async () => {
  const { manager, scrape, requests } = await world({
    params: { module: ['http', 'second'] },
    static_configs: [{ targets: ['a:1', 'b:1', 'c'], labels: { zone: 'z', __meta_x: 'm' } }],
    relabel_configs: [
      { source_labels: ['__address__'], regex: 'b:1', action: 'drop' },
      { source_labels: ['__address__'], target_label: '__param_module' },
      { source_labels: ['__address__'], regex: 'c', target_label: '__metrics_path__', replacement: '/m?q=1' },
      { source_labels: ['__meta_x'], target_label: 'x' },
      { source_labels: ['__address__'], regex: 'c', target_label: 'instance', replacement: 'see' },
    ],
  });
  expect(manager.targets().map((target) => [target.scrapeUrl, formatLabels(target.labels)])).toEqual([
    ['http://a:1/metrics?module=a%3A1&module=second', '{instance="a:1", job="j", x="m", zone="z"}'],
    ['http://c/m?q=1&module=c&module=second', '{instance="see", job="j", x="m", zone="z"}'],
  ]);
  expect(
    manager
      .dropped()
      .map((target) => [target.discoveredLabels.find((l) => l.name === '__address__')?.value, target.reason]),
  ).toEqual([['b:1', '']]);
  await scrape('');
  expect(requests).toHaveLength(2);
});

test('an interval of its own, by relabelling', async () => {
  const { manager, requests, clock } = await world({
    relabel_configs: [
      { target_label: '__scrape_interval__', replacement: '1s' },
      { target_label: '__scrape_timeout__', replacement: '500ms' },
    ],
  });
  expect(manager.targets()[0]).toMatchObject({ scrapeIntervalMs: 1000, scrapeTimeoutMs: 500 });
  await clock.advance(10_000);
  expect(requests).toHaveLength(10);
});

test.each<[string, object[], string]>([
  ['no address', [{ target_label: '__address__', replacement: '' }], 'the target has no address'],
  ['no scheme', [{ target_label: '__scheme__', replacement: 'ftp' }], '"ftp" is no scheme'],
  ['no URL', [{ target_label: '__address__', replacement: 'a b:1' }], 'is no URL'],
  ['too often', [{ target_label: '__scrape_interval__', replacement: '10ms' }], 'must be 1s or longer'],
  ['no interval', [{ target_label: '__scrape_interval__', replacement: 'often' }], '"often" is no duration'],
  ['timeout over interval', [{ target_label: '__scrape_timeout__', replacement: '1m' }], 'not longer than'],
])('a target that relabelling breaks is left out, with the reason: %s', async (_, relabel_configs, reason) => {
  const { manager } = await world({ relabel_configs });
  expect(manager.targets()).toEqual([]);
  expect(manager.dropped()[0]?.reason).toContain(reason);
});

test('targets stand at different places inside the interval', async () => {
  const { clock, batches } = await world({
    static_configs: [{ targets: Array.from({ length: 50 }, (_, i) => `h${i}:1`) }],
  });
  await clock.advance(10_000);
  expect(batches).toHaveLength(50);
  const tenths = new Set(batches.map((batch) => Math.floor(((batch.timestampsMs[0] as number) % 10_000) / 1000)));
  expect(tenths.size).toBeGreaterThan(7);
});

test('a target whose series never repeat does not fill the memory', async () => {
  const { scrape, clock, batches } = await world();
  for (let i = 0; i < 40; i++) {
    await scrape(Array.from({ length: 100 }, (_, k) => `a{x="${i}-${k}"} 1`).join('\n'));
  }
  await clock.advance(10_000);
  expect(batches[0]?.series.count).toBeLessThan(1000);
});

test('target_limit: with more targets none is scraped, and each says why', async () => {
  const { manager, apply, clock, requests, batches } = await world();
  const targets = ['h:1', 'h:2', 'h:3'];
  await apply({ target_limit: 2, static_configs: [{ targets }] });
  requests.length = 0;
  await clock.advance(20_000);
  expect(requests).toEqual([]);
  expect(manager.targets().map(({ health, lastError }) => [health, lastError])).toEqual(
    targets.map(() => ['down', 'the job has 3 targets, more than target_limit 2']),
  );
  expect(batches.map(shown).some((samples) => samples['up{instance="h:2", job="j"}'] === 0)).toBe(true);
  await apply({ target_limit: 3, static_configs: [{ targets }] });
  await clock.advance(20_000);
  expect(requests.length).toBeGreaterThan(0);
});

test('keep_dropped_targets: so many are shown, all are counted', async () => {
  const { manager, apply } = await world();
  await apply({
    keep_dropped_targets: 1,
    static_configs: [{ targets: ['h:1', 'h:2', 'h:3'] }],
    relabel_configs: [{ action: 'drop', source_labels: ['job'], regex: 'j' }],
  });
  expect([manager.dropped().length, [...manager.droppedCounts()]]).toEqual([1, [['j', 3]]]);
});

test('names of other characters are read as they are', async () => {
  const { samples } = await world();
  expect(await samples('{"my.metric","a.b"="x"} 1\n')).toEqual({
    [`my.metric{a.b="x", ${T}}`]: 1,
  });
});
