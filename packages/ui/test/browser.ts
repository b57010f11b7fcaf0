// The built page in a real browser, over the synthetic metrics of dev/. With TIDEMARK_SCREENSHOTS in the environment, which
// names a folder, pictures of what is tested go there.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { findChromium } from '@tidemark/testkit/real';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { fakeServer } from '../dev/fake-api.ts';

const packageFolder = join(import.meta.dirname, '..');
const dist = join(packageFolder, 'dist');

// The browser talks to nobody but our own server; without a sandbox because containers have no setuid helper for it.
const browserArgs =
  '--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking --disable-component-update --disable-sync --no-first-run';

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
  // The test runner's NODE_ENV would make it a development build, which asks everything twice. What was built before stays:
  // a server that another test started may just be serving it.
  const env = { ...process.env, NODE_ENV: 'production' };
  const { status, stderr } = spawnSync(process.execPath, [vite, 'build', '--emptyOutDir', 'false'], {
    cwd: packageFolder,
    env,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the page does not build: ${stderr}`);
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Exceptions the page threw. */
  readonly problems: readonly string[];
  /** Everything asked since the page was opened. */
  readonly asked: readonly URL[];
}

/** One browser and one fake server for a file of tests. */
export class PageUnderTest {
  readonly #server: Server = fakeServer(dist);
  #browser: Browser | undefined;
  readonly #shots: string | undefined = process.env['TIDEMARK_SCREENSHOTS'];

  async start(): Promise<void> {
    if (!isBuilt()) buildPage();
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#browser = await chromium.launch({ executablePath: findChromium(), args: browserArgs.split(' ') });
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async visit(search: string, options: BrowserContextOptions = {}): Promise<Visit> {
    if (this.#browser === undefined) throw new Error('visit before start');
    const context = await this.#browser.newContext({
      viewport: { width: 1600, height: 1000 },
      colorScheme: 'light',
      ...options,
    });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', (problem) => problems.push(problem.message));
    const asked: URL[] = [];
    page.on('request', (request) => asked.push(new URL(request.url())));
    await page.goto(this.address + search);
    // Keys pressed before the page listens are lost.
    if (search !== 'about-nothing') await page.getByRole('link', { name: 'Overview' }).waitFor();
    return { page, problems, asked, [Symbol.asyncDispose]: () => context.close() };
  }

  async shoot(page: Page, name: string): Promise<void> {
    if (this.#shots) await page.screenshot({ path: join(this.#shots, `${name}.png`), fullPage: true });
  }
}

export const queryOf = (expr: string, more = '') => `?view=explore&expr=${encodeURIComponent(expr)}${more}`;

/** Distinct colours on each chart's canvas: a chart without lines has those of its axes alone. */
export function canvasColors(page: Page): Promise<number[]> {
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

export function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

export function background(page: Page): Promise<string> {
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

export async function typeQuery(page: Page, expr: string, name: string | RegExp = 'PromQL expression'): Promise<void> {
  await page.getByRole('textbox', { name, exact: true }).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(expr);
}

/** Drags over the first chart, from one share of its width to another. */
export async function dragOver(page: Page, from: number, to: number): Promise<void> {
  const area = page.locator('.u-over').first();
  await area.waitFor();
  const box = await area.boundingBox();
  if (box === null) throw new Error('the chart has no plotting area');
  await page.mouse.move(box.x + box.width * from, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, box.y + 60, { steps: 4 });
  await page.mouse.up();
}
