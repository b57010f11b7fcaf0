import { expect, test } from 'vitest';
import { readScrapeConfigs } from './config.ts';

function problemsOf(job: object, rest: object[] = []): string[] {
  const { configs, problems } = readScrapeConfigs([{ job_name: 'j', ...job }, ...rest], {}, ['scrape_configs']);
  expect(configs.length === 0).toBe(problems.some(({ path }) => path[1] === 0));
  return problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('defaults are Prometheus’', () => {
  const { configs, problems } = readScrapeConfigs([{ job_name: 'j' }]);
  expect(problems).toEqual([]);
  expect(configs[0]).toMatchObject({
    jobName: 'j',
    scrapeIntervalMs: 60_000,
    scrapeTimeoutMs: 10_000,
    metricsPath: '/metrics',
    scheme: 'http',
    honorLabels: false,
    honorTimestamps: true,
    followRedirects: true,
    authorization: undefined,
    sampleLimit: 0,
    bodySizeLimitBytes: 0,
  });
  expect(readScrapeConfigs(undefined).configs).toEqual([]);
});

test('everything there is', () => {
  const { configs, problems } = readScrapeConfigs([
    {
      job_name: 'j',
      scrape_interval: '5s',
      scrape_timeout: '4s',
      metrics_path: '/m',
      scheme: 'https',
      params: { module: ['a', 'b'], __proto: ['c'] },
      honor_labels: true,
      honor_timestamps: false,
      basic_auth: { username: 'u', password: 'ü' },
      follow_redirects: false,
      sample_limit: 1,
      label_limit: 2,
      label_name_length_limit: 3,
      label_value_length_limit: 4,
      body_size_limit: '1.5KiB',
      static_configs: [{ targets: ['a:1', 'b:1'], labels: { zone: 'z', number: 5 } }],
      file_sd_configs: [{ files: ['t/*.json', 'one.yml'], refresh_interval: '1m' }],
      relabel_configs: [{ source_labels: ['a'], target_label: 'b' }],
      metric_relabel_configs: [{ action: 'labeldrop', regex: 'x' }],
    },
  ]);
  expect(problems).toEqual([]);
  expect(configs[0]).toMatchObject({
    scrapeIntervalMs: 5000,
    scrapeTimeoutMs: 4000,
    metricsPath: '/m',
    scheme: 'https',
    honorLabels: true,
    honorTimestamps: false,
    authorization: `Basic ${Buffer.from('u:ü').toString('base64')}`,
    followRedirects: false,
    sampleLimit: 1,
    labelLimit: 2,
    labelNameLengthLimit: 3,
    labelValueLengthLimit: 4,
    bodySizeLimitBytes: 1536,
    fileSd: [{ files: ['t/*.json', 'one.yml'], refreshIntervalMs: 60_000 }],
  });
  expect([...(configs[0]?.params ?? [])]).toEqual([
    ['module', ['a', 'b']],
    ['__proto', ['c']],
  ]);
  expect(configs[0]?.staticGroups.map((group) => [group.addresses, [...group.labels]])).toEqual([
    [
      ['a:1', 'b:1'],
      [
        ['zone', 'z'],
        ['number', '5'],
      ],
    ],
  ]);
  expect(configs[0]?.relabelRules[0]?.targetLabel).toBe('b');
  expect(configs[0]?.metricRelabelRules[0]?.action).toBe('labeldrop');
});

test('defaults of the whole file; a timeout nobody wrote gives way to a short interval', () => {
  const read = (job: object) =>
    readScrapeConfigs([{ job_name: 'j', ...job }], { scrapeIntervalMs: 15_000, scrapeTimeoutMs: 12_000 }).configs[0];
  expect(read({})).toMatchObject({ scrapeIntervalMs: 15_000, scrapeTimeoutMs: 12_000 });
  expect(read({ scrape_interval: '2s' })).toMatchObject({ scrapeIntervalMs: 2000, scrapeTimeoutMs: 2000 });
});

test('fingerprints tell what a change touches', () => {
  const read = (job: object) => {
    const config = readScrapeConfigs([{ job_name: 'j', ...job }]).configs[0];
    return [config?.scrapeFingerprint, config?.fingerprint];
  };
  const [scrape, all] = read({ static_configs: [{ targets: ['a'] }] });
  expect(read({ static_configs: [{ targets: ['a'] }] })).toEqual([scrape, all]);
  const moved = read({ static_configs: [{ targets: ['b'] }] });
  expect(moved[0]).toBe(scrape);
  expect(moved[1]).not.toBe(all);
  expect(read({ static_configs: [{ targets: ['a'] }], honor_labels: true })[0]).not.toBe(scrape);
});

test.each<[object, string[]]>([
  [{ job_name: '' }, ['scrape_configs.0.job_name: every scrape config needs a job_name']],
  [
    { scrape_interval: '10' },
    ['scrape_configs.0.scrape_interval: "10" is no duration; write it like 15s, 5m or 1h30m'],
  ],
  [{ scrape_interval: '500ms' }, ['scrape_configs.0.scrape_interval: must be 1s or longer']],
  [
    { scrape_interval: '5s', scrape_timeout: '6s' },
    ['scrape_configs.0.scrape_timeout: must not be longer than scrape_interval'],
  ],
  [{ scrape_timeout: '0' }, ['scrape_configs.0.scrape_timeout: must be longer than 0']],
  [{ scheme: 'ftp' }, ['scrape_configs.0.scheme: "ftp" is no scheme to scrape by; write http or https']],
  [{ params: { a: 'b' } }, ['scrape_configs.0.params.a: must be a list']],
  [{ honor_labels: 'yes' }, ['scrape_configs.0.honor_labels: must be true or false']],
  [{ sample_limit: -1 }, ['scrape_configs.0.sample_limit: must be a whole number, 0 or more']],
  [{ body_size_limit: '10' }, ['scrape_configs.0.body_size_limit: must be a size like 10MB']],
  [
    { basic_auth: { username: 'u' }, authorization: { credentials: 'c' } },
    ['scrape_configs.0.authorization: a job has basic_auth or authorization, not both'],
  ],
  [{ authorization: {} }, ['scrape_configs.0.authorization: authorization needs credentials']],
  [
    { authorization: { credentials_ref: 'r' } },
    [
      'scrape_configs.0.authorization.credentials_ref: credentials_ref is not supported yet; take it out',
      'scrape_configs.0.authorization: authorization needs credentials',
    ],
  ],
  [
    { bearer_token: 'a', bearer_token_file: 'f' },
    ['scrape_configs.0.bearer_token_file: a job has bearer_token or bearer_token_file, not both'],
  ],
  [
    { basic_auth: { username: 'u', password: 'p', password_file: 'f' } },
    ['scrape_configs.0.basic_auth.password_file: there is password or password_file, not both'],
  ],
  [
    { tls_config: { cert_file: 'c' } },
    ['scrape_configs.0.tls_config: a certificate needs its key, and a key its certificate'],
  ],
  [
    { http_sd_configs: [{ url: 'ftp://x' }, {}, { url: 'http://x', refresh_interval: '10ms' }] },
    [
      'scrape_configs.0.http_sd_configs.0.url: "ftp://x" is no http or https URL',
      'scrape_configs.0.http_sd_configs.1: http_sd_configs needs a url',
      'scrape_configs.0.http_sd_configs.2.refresh_interval: must be 1s or longer',
    ],
  ],
  [
    { authorization: { credentials: 'a\nb' } },
    ['scrape_configs.0.authorization: credentials hold characters that a header cannot carry'],
  ],
  [{ oauth2: {} }, ['scrape_configs.0.oauth2: oauth2 is not supported yet; take it out']],
  [
    { kubernetes_sd_configs: [] },
    ['scrape_configs.0.kubernetes_sd_configs: kubernetes_sd_configs is not supported yet; take it out'],
  ],
  [
    { static_configs: [{ target: ['a'] }] },
    ['scrape_configs.0.static_configs.0.target: "target" is not known here; known are targets, labels'],
  ],
  [
    { static_configs: [{ targets: ['http://a:1/metrics'], labels: { 'a-b': 'c' } }] },
    [
      'scrape_configs.0.static_configs.0.labels.a-b: "a-b" is no label name',
      'scrape_configs.0.static_configs.0.targets.0: "http://a:1/metrics" is no address: write host:port, without a path',
    ],
  ],
  [
    { file_sd_configs: [{ files: ['a.txt', '*/a.json'], refresh_interval: '1ms' }] },
    [
      'scrape_configs.0.file_sd_configs.0.files.0: must end in .json, .yml or .yaml, with at most one * and that in the last part of the path',
      'scrape_configs.0.file_sd_configs.0.files.1: must end in .json, .yml or .yaml, with at most one * and that in the last part of the path',
      'scrape_configs.0.file_sd_configs.0.refresh_interval: must be 1s or longer',
    ],
  ],
  [
    { relabel_configs: [{ action: 'keep' }, { action: 'hashmod', target_label: 'a' }, { regexp: 'x' }] },
    [
      'scrape_configs.0.relabel_configs.1: hashmod needs a modulus, a whole number above 0',
      'scrape_configs.0.relabel_configs.2.regexp: "regexp" is not known here; known are action, source_labels, separator, regex, modulus, target_label, replacement',
    ],
  ],
])('%j is complained about where it stands', (job, complaints) => {
  expect(problemsOf(job)).toEqual(complaints);
});

test('an unknown key names those that are known; a name stands once', () => {
  expect(problemsOf({ scrape_intervall: '5s' })[0]).toMatch(
    /^scrape_configs\.0\.scrape_intervall: "scrape_intervall" is not known here; known are job_name, scrape_interval,/,
  );
  const { configs, problems } = readScrapeConfigs([{ job_name: 'a' }, { job_name: 'a' }]);
  expect(configs).toHaveLength(1);
  expect(problems).toEqual([{ path: [1, 'job_name'], message: 'there are two jobs of the name "a"' }]);
});

test.each([['text'], [5], [{ a: 1 }], [[5]], [[[]]], [[{ job_name: ['x'] }]], [[{ job_name: 'a', params: [1] }]]])(
  '%j is complained about, not thrown at',
  (plain) => {
    expect(readScrapeConfigs(plain).problems.length).toBeGreaterThan(0);
  },
);
