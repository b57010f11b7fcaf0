import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parsePrometheusFile } from './prometheus-file.ts';

const FILE = '/etc/prometheus/prometheus.yml';

test('jobs with the defaults of global; target files from the folder of the file', () => {
  const { scrapeConfigs, externalLabels, ruleFiles, evaluationIntervalMs, ignored } = parsePrometheusFile(
    `
global:
  scrape_interval: 30s
  scrape_timeout: 5s
  evaluation_interval: 1m
  external_labels: { site: harbour, rack: 7 }
alerting: { alertmanagers: [{ static_configs: [{ targets: ['am:9093'] }] }] }
rule_files: ['rules/*.yml']
scrape_configs:
  - job_name: node
    file_sd_configs: [{ files: ['targets/*.json', '/srv/all.yml'] }]
  - job_name: app
    scrape_interval: 5s
    scheme: https
    tls_config: { ca_file: ca.pem, min_version: TLS12 }
    authorization: { credentials_file: secret }
    kubernetes_sd_configs: [{ role: pod }]
`,
    FILE,
  );
  expect(
    scrapeConfigs.map(({ jobName, scrapeIntervalMs, scrapeTimeoutMs }) => [jobName, scrapeIntervalMs, scrapeTimeoutMs]),
  ).toEqual([
    ['node', 30_000, 5000],
    ['app', 5000, 5000],
  ]);
  expect(scrapeConfigs[0]?.fileSd[0]?.files).toEqual(['/etc/prometheus/targets/*.json', '/srv/all.yml']);
  expect(externalLabels).toEqual({ site: 'harbour', rack: '7' });
  expect([ruleFiles, evaluationIntervalMs]).toEqual([['/etc/prometheus/rules/*.yml'], 60_000]);
  expect(ignored).toEqual([
    'alerting',
    'scrape_configs[app].kubernetes_sd_configs',
    'scrape_configs[app].tls_config.min_version',
  ]);
  expect(scrapeConfigs[1]).toMatchObject({
    credentialFiles: { kind: 'token', scheme: 'Bearer', file: '/etc/prometheus/secret' },
    tls: { ca: { file: '/etc/prometheus/ca.pem' }, insecureSkipVerify: false },
  });
});

test.each([
  ['scrape_configs:\n  - job_name: a\n    scrape_intervall: 1s\n', `${FILE}:3: scrape_configs.0.scrape_intervall: `],
  ['global:\n  scrape_interval: soon\n', `${FILE}:2: global.scrape_interval: `],
  ['global:\n  scrape_interval: 5s\n  scrape_timeout: 10s\n', `${FILE}:3: global.scrape_timeout: must not be longer`],
  ['global:\n  colour: red\n', `${FILE}:2: global.colour: there is no such setting`],
  ['rule_files: rules.yml\n', `${FILE}:1: rule_files: must be a list of names`],
  ['scrape_config: []\n', `${FILE}:1: scrape_config: there is no such setting`],
  ['global: [\n', `${FILE}:`],
  ['- a\n', `${FILE}:1: a prometheus.yml is a mapping`],
])('what is wrong is told with its line: %j', (text, message) => {
  expect(() => parsePrometheusFile(text, FILE)).toThrow(message);
});

// Prometheus' own configuration tests are not part of this repository: they are looked for in the folder that holds the checks
// shared by several checkouts. Refusals are not compared: what Tidemark does not read it does not check.
const SHARED = new URL('../../../../../shared/conformance/config/prometheus/', import.meta.url);

test('configurations that Prometheus accepts are accepted', ({ annotate }) => {
  if (!existsSync(SHARED)) return void annotate(`no ${SHARED.pathname}: nothing was compared`);
  const files = readdirSync(SHARED).filter((name) => name.endsWith('.good.yml'));
  expect(files.length).toBeGreaterThan(30);
  for (const file of files) {
    const { scrapeConfigs } = parsePrometheusFile(readFileSync(new URL(file, SHARED), 'utf8'), file);
    if (file === 'conf.good.yml') expect(scrapeConfigs.length).toBeGreaterThan(30);
  }
});
