import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Chromium,
  startChromium,
  startTidemark,
  type TempFolder,
  type Tidemark,
  tempFolder,
} from '@tidemark/testkit/real';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

// A person's first minute: a real server that collects this host's metrics, its page in a real browser.

const UI = join(import.meta.dirname, '..', '..', 'ui');

// A rule that fires as long as the host's metrics come, and a target that nobody listens at: port 1 is not for scraping.
const RULES = `groups:
  - name: page
    interval: 1s
    rules:
      - alert: HostIsThere
        expr: node_load1 >= 0
        labels: { severity: info }
        annotations: { summary: 'load is {{ $value }}' }
`;
const JOBS = "[{ job_name: nobody, static_configs: [{ targets: ['127.0.0.1:1'] }] }]";

let rulesFolder: TempFolder;
let server: Tidemark;
let browserProcess: Chromium;
let browser: Browser;

beforeAll(async () => {
  // What `npm start` and `npm test` have done before: the page is built.
  if (!existsSync(join(UI, 'dist', 'index.html'))) buildPage();
  rulesFolder = await tempFolder('rules');
  const rules = join(rulesFolder.path, 'rules.yml');
  await writeFile(rules, RULES);
  server = await startTidemark({
    env: { TIDEMARK_COLLECTOR_HOST_INTERVAL: '1s' },
    config: `rules: { files: [${rules}] }\nscrape: { interval: 1s, timeout: 1s, configs: ${JOBS} }\n`,
  });
  browserProcess = await startChromium();
  browser = await chromium.connectOverCDP(browserProcess.endpoint);
});

afterAll(async () => {
  await browser?.close();
  await browserProcess?.stop();
  await server?.[Symbol.asyncDispose]();
  await rulesFolder?.[Symbol.asyncDispose]();
});

function buildPage(): void {
  const vite = join(UI, '..', '..', 'node_modules', 'vite', 'bin', 'vite.js');
  const env = { ...process.env, NODE_ENV: 'production' };
  const { status, stderr } = spawnSync(process.execPath, [vite, 'build'], { cwd: UI, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the page does not build: ${stderr}`);
}

interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Exceptions, console errors, and answers of 400 and above. */
  readonly problems: readonly string[];
}

async function visit(path: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1600, height: 1000 },
    colorScheme: 'light',
    ...options,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (problem) => problems.push(problem.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(`${server.url}${path}`);
  return { page, problems, [Symbol.asyncDispose]: () => context.close() };
}

const charts = (page: Page) => page.getByRole('img', { name: /^Chart of/ });

test('the page at / draws this host on six charts, and its values move by themselves', async () => {
  await using visited = await visit('/');
  const { page, problems } = visited;
  await expect.poll(() => charts(page).count(), { timeout: 30_000 }).toBe(6);
  await expect.poll(() => page.getByText('loading…').count()).toBe(0);
  const network = page.getByText(/^↓ .*↑ /);
  const before = await network.textContent({ timeout: 20_000 });
  await expect.poll(() => network.textContent(), { timeout: 20_000, interval: 250 }).not.toBe(before);
  expect(problems).toEqual([]);
});

test('a typed query gives a graph and a table of what the server answers', async () => {
  await using visited = await visit('/?view=explore');
  const { page, problems } = visited;
  await page.getByRole('textbox', { name: 'PromQL expression' }).click();
  await page.keyboard.insertText('node_load1');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+Enter');
  await expect.poll(() => page.getByRole('img', { name: /^Chart of node_load1/ }).count()).toBe(1);
  await page.getByRole('radiogroup', { name: 'Show as' }).getByText('Table').click();
  const rows = page.locator('tbody tr');
  await expect.poll(() => rows.count()).toBe(1);
  expect(await rows.first().innerText()).toMatch(/^node_load1\t.*\tnode\t[\d.]+$/);
  expect(problems).toEqual([]);
});

test('a link to a graph, as alerts and other tools write it, opens that query', async () => {
  await using visited = await visit(`/graph?${new URLSearchParams({ 'g0.expr': 'node_load5', 'g0.tab': '0' })}`);
  const { page, problems } = visited;
  await expect.poll(() => page.getByRole('img', { name: /^Chart of node_load5/ }).count()).toBe(1);
  expect(problems).toEqual([]);
});

test('two queries share a chart, and the address alone brings them back', async () => {
  const search = new URLSearchParams([
    ['view', 'explore'],
    ['expr', 'node_load1'],
    ['expr', 'node_load5'],
    ['range', '5m'],
  ]);
  await using visited = await visit(`/?${search}`);
  const { page, problems } = visited;
  await expect.poll(() => page.getByRole('list', { name: 'Series' }).getByRole('button').count()).toBe(2);
  await page.getByRole('button', { name: 'Hide query B' }).click();
  await expect.poll(() => page.getByRole('list', { name: 'Series' }).getByRole('button').count()).toBe(1);
  await page.reload();
  await expect.poll(() => page.getByRole('button', { name: 'Show query B' }).count()).toBe(1);
  expect(problems).toEqual([]);
});

test('the status tells what this server takes in, stores and was told', async () => {
  await using visited = await visit('/?view=status');
  const { page, problems } = visited;
  await expect
    .poll(() => page.getByRole('region', { name: 'Now' }).textContent(), { timeout: 30_000 })
    .toMatch(/Taken in[1-9][\d.]*( k)? \/s/);
  const metrics = page.getByRole('region', { name: 'Metrics with most series' });
  await expect.poll(() => metrics.textContent()).toContain('node_cpu_seconds_total');
  expect(await page.getByRole('region', { name: 'Storage by tier' }).textContent()).toContain('1 minute rows');
  expect(await page.getByRole('region', { name: 'Configuration' }).textContent()).toContain('listen:');
  expect(problems).toEqual([]);
});

test('a target that does not answer is told with its error', async () => {
  await using visited = await visit('/?view=targets');
  const { page, problems } = visited;
  const target = page.getByRole('region', { name: 'nobody' }).locator('li[data-health]');
  await expect.poll(() => target.getAttribute('data-health')).toBe('down');
  expect(await target.textContent()).toContain('ECONNREFUSED');
  expect(problems).toEqual([]);
});

test('a rule leads to its graph; its alert is silenced and the silence expires', async () => {
  await using visited = await visit('/?view=alerts&show=rules');
  const { page, problems } = visited;
  await expect.poll(() => page.locator('li[data-state="firing"]').count(), { timeout: 30_000 }).toBe(1);
  await page.getByRole('link', { name: 'node_load1 >= 0' }).click();
  await expect.poll(() => page.getByRole('img', { name: /^Chart of node_load1 >= 0/ }).count()).toBe(1);

  await page.getByRole('link', { name: /^Alerts/ }).click();
  const alert = page.locator('li[data-state]').filter({ hasText: 'HostIsThere' });
  await alert.getByRole('button', { name: 'Silence' }).click();
  const dialog = page.getByRole('dialog', { name: 'Silence alerts' });
  await dialog.getByLabel('Who').fill('Ada');
  await dialog.getByLabel('Why').fill('it is meant to fire');
  await dialog.getByRole('button', { name: 'Silence' }).click();
  const silence = page.getByRole('list', { name: 'Silences' }).locator('> li');
  await expect.poll(() => silence.getAttribute('data-state')).toBe('active');
  await page.getByRole('radiogroup', { name: 'List' }).getByText('Alerts').click();
  await expect.poll(() => alert.getAttribute('data-state')).toBe('silenced');
  await alert.getByRole('button', { name: 'See the silence' }).click();
  await silence.getByRole('button', { name: 'Expire' }).click();
  await silence.getByRole('button', { name: 'Really expire?' }).click();
  await expect.poll(() => silence.getAttribute('data-state')).toBe('expired');
  expect(problems).toEqual([]);
});

test("a server's refusal is shown in its own words", async () => {
  await using visited = await visit(`/?view=explore&expr=${encodeURIComponent('rate(node_load1[1m]')}`);
  await expect.poll(() => visited.page.getByRole('alert').textContent()).toContain('parse error');
});

test('light and dark as the system says', async () => {
  await using light = await visit('/');
  await using dark = await visit('/', { colorScheme: 'dark' });
  // Text, for what runs there has a browser's types and not ours.
  const BRIGHTNESS = `(getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g) ?? [])
    .slice(0, 3).reduce((sum, channel) => sum + Number(channel), 0) / 3`;
  const brightness = (page: Page) => page.evaluate<number>(BRIGHTNESS);
  await expect.poll(() => brightness(light.page)).toBeGreaterThan(200);
  await expect.poll(() => brightness(dark.page)).toBeLessThan(60);
});

test('390 px wide, no view scrolls sideways', async () => {
  for (const path of ['/', '/?view=explore&expr=node_load1', '/?view=targets', '/?view=alerts', '/?view=status']) {
    await using visited = await visit(path, { viewport: { width: 390, height: 844 } });
    if (path === '/') await expect.poll(() => charts(visited.page).count(), { timeout: 30_000 }).toBe(6);
    else await visited.page.waitForLoadState('networkidle');
    const sideways = await visited.page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(sideways, path).toBeLessThanOrEqual(0);
    expect(visited.problems).toEqual([]);
  }
});
