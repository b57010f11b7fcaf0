// The built page in a real browser, over the synthetic metrics of dev/: what a person sees and can do. Screenshots go to a
// folder that is removed at the end, or to TIDEMARK_SCREENSHOTS, which is kept.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { findChromium, type TempFolder, tempFolder } from '@tidemark/testkit/real';
import { type Browser, type BrowserContextOptions, chromium, type Page, type Request } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fakeServer } from '../dev/fake-api.ts';

const packageFolder = join(import.meta.dirname, '..');
const dist = join(packageFolder, 'dist');

// The browser talks to nobody but our own server; without a sandbox because containers have no setuid helper for it.
const browserArgs =
  '--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking --disable-component-update --disable-sync --no-first-run';

const server = fakeServer(dist);
let browser: Browser;
let address: string;
let shots: string;
let ownShots: TempFolder | undefined;

beforeAll(async () => {
  if (!isBuilt()) buildPage();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const kept = process.env['TIDEMARK_SCREENSHOTS'] ?? '';
  if (kept === '') ownShots = await tempFolder('page');
  shots = ownShots?.path ?? kept;
  browser = await chromium.launch({ executablePath: findChromium(), args: browserArgs.split(' ') });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await ownShots?.[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

/** A page built before its sources were last touched would be tested in their stead. */
function isBuilt(): boolean {
  const built = join(dist, 'index.html');
  if (!existsSync(built)) return false;
  const sources = readdirSync(join(packageFolder, 'src'), { recursive: true, encoding: 'utf8' });
  const touched = sources.filter((name) => !name.endsWith('.test.ts')).map((name) => join(packageFolder, 'src', name));
  const files = [...touched.filter((path) => statSync(path).isFile()), join(packageFolder, 'index.html')];
  return files.every((path) => statSync(path).mtimeMs <= statSync(built).mtimeMs);
}

function buildPage(): void {
  const vite = join(packageFolder, '..', '..', 'node_modules', 'vite', 'bin', 'vite.js');
  // The test runner's NODE_ENV would make it a development build, which asks everything twice.
  const env = { ...process.env, NODE_ENV: 'production' };
  const { status, stderr } = spawnSync(process.execPath, [vite, 'build'], {
    cwd: packageFolder,
    env,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the page does not build: ${stderr}`);
}

interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Exceptions the page threw. */
  readonly problems: readonly string[];
}

async function visit(search: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1600, height: 1000 },
    colorScheme: 'light',
    ...options,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (problem) => problems.push(problem.message));
  await page.goto(address + search);
  return { page, problems, [Symbol.asyncDispose]: () => context.close() };
}

const queryOf = (expr: string, more = '') => `?view=query&expr=${encodeURIComponent(expr)}${more}`;

/** Distinct colours on each chart's canvas: a chart without lines has those of its axes alone. */
function canvasColors(page: Page): Promise<number[]> {
  return page.locator('canvas').evaluateAll((canvases) =>
    canvases.map((element) => {
      const canvas = element as HTMLCanvasElement;
      const pixels =
        canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray();
      const colors = new Set<number>();
      for (let i = 0; i < pixels.length; i += 4) {
        // Saturated ones only: axes and grid are grey.
        const [r, g, b, a] = [pixels[i] ?? 0, pixels[i + 1] ?? 0, pixels[i + 2] ?? 0, pixels[i + 3] ?? 0];
        if (a > 40 && Math.max(r, g, b) - Math.min(r, g, b) > 60) colors.add((r << 16) | (g << 8) | b);
      }
      return colors.size;
    }),
  );
}

function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

function background(page: Page): Promise<string> {
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

async function typeQuery(page: Page, expr: string): Promise<void> {
  await page.getByRole('textbox', { name: 'PromQL expression' }).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(expr);
}

test('the overview draws every chart and fills every tile', async () => {
  await using visited = await visit('');
  const { page, problems } = visited;
  const charts = page.getByRole('img', { name: /^Chart of/ });
  await expect.poll(() => charts.count()).toBe(6);
  await expect.poll(async () => (await canvasColors(page)).filter((count) => count > 0).length).toBe(6);
  await expect.poll(() => page.getByText('loading…').count()).toBe(0);
  for (const title of ['CPU', 'Memory', 'Load', 'Network', 'Disk I/O', 'Filesystem usage', 'Filesystems']) {
    expect(await page.getByRole('heading', { name: title, exact: true }).count(), title).toBe(1);
  }
  expect(await page.getByText('8 cores').count()).toBe(1);
  await page.screenshot({ path: join(shots, 'overview-1600-light.png'), fullPage: true });
  expect(problems).toEqual([]);
});

test('values move by themselves, and stand still when paused', async () => {
  await using visited = await visit('');
  const { page } = visited;
  const network = page.getByText(/^↓ .*↑ /);
  const before = await network.textContent();
  await expect.poll(() => network.textContent(), { timeout: 12_000, interval: 250 }).not.toBe(before);

  await page.getByRole('button', { name: 'Pause refreshing' }).click();
  await page.waitForTimeout(500);
  const paused = await network.textContent();
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('query_range')) asked.push(request.url());
  });
  await page.waitForTimeout(6000); // Longer than the 5 s between refreshes.
  expect(asked).toEqual([]);
  expect(await network.textContent()).toBe(paused);
});

test('another host shows other values and is kept in the address', async () => {
  await using visited = await visit('');
  const { page } = visited;
  const ofHost = (request: Request) =>
    (new URL(request.url()).searchParams.get('query') ?? '').includes('instance="web-1:9470"');
  const asked = page.waitForRequest(ofHost);
  await page.getByRole('combobox', { name: 'Host' }).selectOption('web-1:9470');
  await asked;
  expect(new URL(page.url()).searchParams.get('host')).toBe('web-1:9470');
});

test('a typed query gives a graph, then a table, and is kept in the address', async () => {
  await using visited = await visit('?view=query');
  const { page, problems } = visited;
  await expect.poll(() => page.getByText('Ask a question').count()).toBe(1);
  await typeQuery(page, 'node_filesystem_avail_bytes');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+Enter');
  await expect.poll(() => page.getByRole('img', { name: /^Chart of node_filesystem_avail_bytes/ }).count()).toBe(1);
  await expect.poll(async () => ((await canvasColors(page))[0] ?? 0) > 0).toBe(true);
  expect(await page.getByRole('list', { name: 'Series' }).getByRole('button').count()).toBe(10);
  expect(new URL(page.url()).searchParams.get('expr')).toBe('node_filesystem_avail_bytes');
  await page.screenshot({ path: join(shots, 'query-1600-light.png'), fullPage: true });

  await page.getByRole('radiogroup', { name: 'Show as' }).getByText('Table').click();
  const rows = page.locator('tbody tr');
  await expect.poll(() => rows.count()).toBe(10);
  await page.getByRole('button', { name: 'Value' }).click();
  const sizes = await rows.evaluateAll((all) =>
    all.map((row) => Number.parseFloat(row.lastElementChild?.firstChild?.textContent ?? '')),
  );
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  expect(new Set(sizes).size).toBeGreaterThan(5);
  expect(problems).toEqual([]);
});

test('the address alone restores a query', async () => {
  await using visited = await visit(queryOf('node_load1', '&range=1h&step=1m'));
  const { page } = visited;
  const asked = await page.waitForRequest((request) => request.url().includes('query_range'));
  const params = new URL(asked.url()).searchParams;
  expect(params.get('query')).toBe('node_load1');
  expect(params.get('step')).toBe('60');
  expect(Number(params.get('end')) - Number(params.get('start'))).toBe(3600);
});

test('completion offers the metrics of the server', async () => {
  await using visited = await visit('?view=query');
  const { page } = visited;
  await page.getByRole('textbox', { name: 'PromQL expression' }).click();
  await page.keyboard.type('node_memory_Mem');
  const options = page.locator('.cm-tooltip-autocomplete li');
  await expect.poll(() => options.allTextContents()).toContain('node_memory_MemTotal_bytesgauge');
});

test('a refusal is shown in the words of the server', async () => {
  await using visited = await visit('?view=query');
  const { page } = visited;
  await typeQuery(page, 'rate(node_load1[1m]');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
  const alert = page.getByRole('alert');
  await expect.poll(() => alert.textContent()).toContain('parse error: unclosed left parenthesis');
  await page.screenshot({ path: join(shots, 'error-1600-light.png') });
});

test('a server slower than the refresh still gets to answer', async () => {
  await using visited = await visit('?view=alerts');
  const { page } = visited;
  let asked = 0;
  await page.route('**/api/v1/query_range*', async (route) => {
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 7000)); // Longer than the 5 s between refreshes.
    await route.continue();
  });
  await page.goto(address + queryOf('node_load1'));
  await expect.poll(() => page.getByRole('img', { name: /^Chart of node_load1/ }).count(), { timeout: 12_000 }).toBe(1);
  expect(asked).toBeLessThanOrEqual(2);
});

test('warnings and infos of an answer are shown with it', async () => {
  await using visited = await visit(queryOf('rate(node_load1[1m])'));
  const { page } = visited;
  await expect
    .poll(() => page.getByRole('list', { name: 'Remarks on this answer' }).textContent())
    .toContain('might not be a counter');
});

test('many series are drawn a hundred at first, all on demand, and the legend hides one', async () => {
  await using visited = await visit(queryOf('demo_many'));
  const { page, problems } = visited;
  const legend = page.getByRole('list', { name: 'Series' }).getByRole('button');
  await expect.poll(() => legend.count()).toBe(100);
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect.poll(() => legend.count()).toBe(240);
  await legend.first().click();
  expect(await legend.first().getAttribute('aria-pressed')).toBe('false');
  await legend.first().click({ modifiers: ['Control'] });
  expect(await page.locator('button[aria-pressed="true"]').count()).toBe(1);
  expect(problems).toEqual([]);
});

test('dragging over a chart zooms into the range, and one click leads back to now', async () => {
  await using visited = await visit(queryOf('node_load1'));
  const { page } = visited;
  const area = page.locator('.u-over');
  await area.waitFor();
  const box = await area.boundingBox();
  if (box === null) throw new Error('the chart has no plotting area');
  await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await expect.poll(() => new URL(page.url()).searchParams.get('range')).toMatch(/^7m(2\d|3\d)s$/); // Half of 15 min.
  await page.getByRole('button', { name: 'Back to now' }).click();
  await expect.poll(() => new URL(page.url()).searchParams.get('to')).toBe(null);
});

test('colours follow the system until the reader chooses', async () => {
  await using light = await visit('');
  await using dark = await visit('', { colorScheme: 'dark' });
  await expect.poll(() => background(light.page)).toBe('rgb(243, 246, 248)');
  await expect.poll(() => background(dark.page)).toBe('rgb(13, 18, 24)');
  await dark.page.screenshot({ path: join(shots, 'overview-1600-dark.png'), fullPage: true });

  await light.page.getByRole('button', { name: 'Use dark colours' }).click();
  await expect.poll(() => background(light.page)).toBe('rgb(13, 18, 24)');
  await light.page.reload();
  await expect.poll(() => background(light.page)).toBe('rgb(13, 18, 24)');
});

test.each([320, 390, 768, 1600])('%d px wide, no view scrolls sideways', async (width) => {
  for (const search of [
    '',
    queryOf('demo_many'),
    queryOf('node_filesystem_avail_bytes', '&tab=table'),
    '?view=alerts',
  ]) {
    await using visited = await visit(search, { viewport: { width, height: 844 } });
    const { page } = visited;
    await page.locator('canvas, tbody tr, li[data-state]').first().waitFor();
    await page.screenshot({ path: join(shots, `${width}-${search.length}.png`), fullPage: true });
    expect(await sidewaysScroll(page), search).toBeLessThanOrEqual(0);
  }
});

test('alerts are listed, what fires first, and counted in the header', async () => {
  await using visited = await visit('?view=alerts');
  const { page } = visited;
  const alerts = page.locator('li[data-state]');
  await expect.poll(() => alerts.count()).toBe(2);
  expect(await alerts.first().textContent()).toContain('FilesystemAlmostFull');
  expect(await page.getByRole('link', { name: 'Alerts 1' }).count()).toBe(1);
  expect(await page.getByRole('alert').textContent()).toContain('many-to-many matching not allowed');
});

test('while the server is away the page says so and keeps its charts; afterwards it goes on', async () => {
  await using visited = await visit('');
  const { page } = visited;
  await expect.poll(() => page.locator('canvas').count()).toBe(6);
  await page.route('**/api/v1/**', (route) => route.abort());
  const offline = page.getByText('No answer from');
  await expect.poll(() => offline.count(), { timeout: 10_000 }).toBe(1);
  expect(await page.locator('canvas').count()).toBe(6);
  await page.unroute('**/api/v1/**');
  await expect.poll(() => offline.count(), { timeout: 10_000 }).toBe(0);
});

test('a server without host metrics, alerts or rules is explained, not an error', async () => {
  await using visited = await visit('about-nothing');
  const { page } = visited;
  await page.route('**/api/v1/series*', (route) => route.fulfill({ json: { status: 'success', data: [] } }));
  await page.route(/api\/v1\/(alerts|rules)/, (route) => route.fulfill({ status: 404, body: 'Cannot GET' }));
  await page.goto(address);
  await expect.poll(() => page.getByText('No host metrics yet').count()).toBe(1);
  await page.getByRole('link', { name: 'Alerts' }).click();
  await expect.poll(() => page.getByText('No alert rules').count()).toBe(1);
  expect(await page.getByRole('alert').count()).toBe(0);
});
