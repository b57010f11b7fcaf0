import type { Request } from 'playwright-core';
import { expect, test } from 'vitest';
import { canvasColors, type PageUnderTest } from './browser.ts';

/** The host at a glance. */
export function overviewStories(under: PageUnderTest): void {
  test('the overview draws every chart and fills every tile', async () => {
    await using visited = await under.visit('');
    const { page, problems } = visited;
    const charts = page.getByRole('img', { name: /^Chart of/ });
    await expect.poll(() => charts.count()).toBe(6);
    await expect.poll(async () => (await canvasColors(page)).filter((count) => count > 0).length).toBe(6);
    await expect.poll(() => page.getByText('loading…').count()).toBe(0);
    for (const title of ['CPU', 'Memory', 'Load', 'Network', 'Disk I/O', 'Filesystem usage', 'Filesystems']) {
      expect(await page.getByRole('heading', { name: title, exact: true }).count(), title).toBe(1);
    }
    expect(await page.getByText('8 cores').count()).toBe(1);
    await under.shoot(page, 'overview-1600-light');
    expect(problems).toEqual([]);
  });

  test('values move by themselves, and stand still when paused', async () => {
    await using visited = await under.visit('');
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
    await using visited = await under.visit('');
    const { page } = visited;
    const ofHost = (request: Request) =>
      (new URL(request.url()).searchParams.get('query') ?? '').includes('instance="web-1:9470"');
    const asked = page.waitForRequest(ofHost);
    await page.getByRole('combobox', { name: 'Host' }).selectOption('web-1:9470');
    await asked;
    expect(new URL(page.url()).searchParams.get('host')).toBe('web-1:9470');
  });
}
