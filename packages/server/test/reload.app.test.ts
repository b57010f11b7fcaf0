import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startTidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { ask, until, vector } from './http.ts';

// Another configuration while it runs: targets, rules, limits, log level. One that is wrong changes nothing.

interface Targets {
  readonly activeTargets: readonly {
    readonly scrapePool: string;
    readonly scrapeUrl: string;
    readonly scrapeInterval: string;
    readonly labels: Readonly<Record<string, string>>;
  }[];
}

async function startPage() {
  const page = createServer((_request, response) => response.end('page_value 7\n'));
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(page.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      page.closeAllConnections();
      page.close();
    },
  };
}

const metric = async (url: string, name: string) =>
  (await (await fetch(`${url}/metrics`)).text()).split('\n').find((line) => line.startsWith(`${name} `));

test('a reload takes over targets, rules, limits and log level; a wrong file changes nothing', {
  timeout: 120_000,
}, async () => {
  await using page = await startPage();
  await using folder = await tempFolder('reload');
  const [file, rules, prometheus] = ['tidemark.yaml', 'rules.yaml', 'prometheus.yml'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  await writeFile(file, 'collector: { selfInterval: 1s }\n');
  await using server = await startTidemark({
    env: { TIDEMARK_CONFIG: file, TIDEMARK_COLLECTOR_SELF: 'true', TIDEMARK_COLLECTOR_HOST: 'false' },
  });
  const { url } = server;
  const reload = async (method = 'POST') => {
    const response = await fetch(`${url}/-/reload`, { method });
    return { status: response.status, text: await response.text() };
  };
  const pools = async () => (await ask<Targets>(url, 'targets', {})).activeTargets.map(({ scrapePool }) => scrapePool);
  await until('it scrapes itself', 30_000, async () => {
    const [own] = await vector(url, 'tidemark_build_info{job="tidemark"}');
    return own?.metric['instance'] === new URL(url).host ? true : undefined;
  });
  expect(await vector(url, 'up{job="tidemark"}')).toMatchObject([{ value: [expect.anything(), '1'] }]);

  await mkdir(join(folder.path, 'targets'));
  await writeFile(
    join(folder.path, 'targets', 'a.json'),
    JSON.stringify([{ targets: [page.host], labels: { from: 'file' } }]),
  );
  await writeFile(
    prometheus,
    `global: { scrape_interval: 2s, external_labels: { site: harbour }, query_log_file: q.log }
rule_files: [none.yml, 'prom-*.yml']
scrape_configs:
  - job_name: from-file
    oauth2: { client_id: me }
    file_sd_configs: [{ files: ['targets/*.json'] }]
`,
  );
  await writeFile(
    join(folder.path, 'prom-a.yml'),
    'groups: [{ name: p, rules: [{ record: from:prometheus, expr: "1" }] }]\n',
  );
  await writeFile(
    rules,
    `groups: [{ name: g, interval: 1s, rules: [{ alert: Seven, expr: page_value == 7, annotations: { at: '{{ $externalLabels.site }}' } }] }]\n`,
  );
  await writeFile(
    file,
    `scrape:
  configFile: ${prometheus}
  configs:
    - job_name: page
      scrape_interval: 1s
      static_configs: [{ targets: ['${page.host}'] }]
ingest: { bodyBytesMax: 2000 }
rules: { files: ['${rules}'] }
logging: { level: debug }
query: { concurrency: 7 }
`,
  );
  expect(await reload('PUT')).toEqual({ status: 200, text: '' });
  expect((await pools()).sort()).toEqual(['from-file', 'page', 'tidemark']);
  await until('both are scraped', 30_000, async () => {
    const found = await vector(url, 'page_value');
    return found.length === 2 ? true : undefined;
  });
  const { activeTargets } = await ask<Targets>(url, 'targets', { scrapePool: 'from-file' });
  expect(activeTargets).toMatchObject([{ scrapeInterval: '2s', labels: { from: 'file', job: 'from-file' } }]);
  expect(server.logs).toMatch(
    /warn .*prometheus\.yml says more than Tidemark reads of it; without effect are global\.query_log_file, scrape_configs\[from-file\]\.oauth2/,
  );
  expect(server.logs).toMatch(/warn .*prometheus\.yml names the rule file .*none\.yml, which is not there/);
  expect(server.logs).toMatch(/warn .*take effect at the next start.* settings=query\.concurrency/);
  const { groups } = await ask<{ groups: { rules: { name: string }[] }[] }>(url, 'rules', {});
  expect(groups.flatMap((group) => group.rules.map(({ name }) => name))).toEqual(['from:prometheus', 'Seven']);
  const large = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body: 'x 1\n'.repeat(1000) });
  expect(large.status).toBe(413);
  const federated = await fetch(`${url}/federate?match[]=page_value{job="page"}`);
  expect(await federated.text()).toContain('site="harbour"');
  await until('alerts say where they come from', 30_000, async () => {
    const { alerts } = await ask<{ alerts: { annotations: Record<string, string> }[] }>(url, 'alerts', {});
    const held = (await (await fetch(`${url}/api/v2/alerts`)).json()) as { labels: Record<string, string> }[];
    const isThere = alerts.some(({ annotations }) => annotations['at'] === 'harbour');
    return isThere && held.some(({ labels }) => labels['site'] === 'harbour') ? true : undefined;
  });
  const { yaml } = await ask<{ yaml: string }>(url, 'status/config', {});
  expect(yaml).toMatch(/level: debug/);
  expect(yaml, 'what needs a restart is shown as it is').toMatch(/concurrency: 20/);

  const before = await metric(url, 'tidemark_config_last_reload_success_timestamp_seconds');
  await writeFile(file, 'scrape:\n  configs:\n    - job_name: page\n      scrape_intervall: 1s\n');
  expect(await reload()).toMatchObject({
    status: 500,
    text: expect.stringMatching(/^failed to reload config: .*tidemark\.yaml:4: scrape\.configs\.0\.scrape_intervall: /),
  });
  expect(await metric(url, 'tidemark_config_last_reload_successful')).toBe('tidemark_config_last_reload_successful 0');
  expect(await metric(url, 'tidemark_config_last_reload_success_timestamp_seconds')).toBe(before);
  expect(await ask(url, 'status/runtimeinfo', {})).toMatchObject({ reloadConfigSuccess: false });
  expect((await pools()).sort()).toEqual(['from-file', 'page', 'tidemark']);
  await writeFile(file, `scrape: { configFile: ${prometheus} }\n`);
  await writeFile(prometheus, 'scrape_configs:\n  - job_name: a\n    scrape_interval: soon\n');
  expect((await reload()).text).toMatch(/prometheus\.yml:3: scrape_configs\.0\.scrape_interval: /);

  await writeFile(file, '');
  process.kill(server.process.pid, 'SIGHUP');
  await until('SIGHUP was heard', 30_000, async () => ((await pools()).join() === 'tidemark' ? true : undefined));
  expect(await metric(url, 'tidemark_config_last_reload_successful')).toBe('tidemark_config_last_reload_successful 1');
  expect((await fetch(`${url}/-/reload`)).status).toBe(405);
  expect((await fetch(`${url}/-/quit`, { method: 'POST' })).status).toBe(403);
  for (const path of ['/-/healthy', '/-/ready']) {
    expect((await fetch(url + path, { method: 'HEAD' })).status).toBe(200);
  }
});

test('/-/quit stops it when that is allowed', { timeout: 60_000 }, async () => {
  await using server = await startTidemark({ env: { TIDEMARK_HTTP_QUIT: 'true', TIDEMARK_COLLECTOR_HOST: 'false' } });
  const answer = await fetch(`${server.url}/-/quit`, { method: 'POST' });
  expect([answer.status, await answer.text()]).toEqual([200, 'Requesting termination... Goodbye!']);
  await until('it ended', 30_000, async () => (server.process.exit === undefined ? undefined : true));
  expect(server.process.exit).toMatchObject({ code: 0 });
});
