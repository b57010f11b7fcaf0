import { expect, test } from 'vitest';
import type { PageUnderTest } from './browser.ts';

/** How the server itself is doing. */
export function statusStories(under: PageUnderTest): void {
  test('the status tells rates, refusals, tiers, cardinality, build and settings', async () => {
    await using visited = await under.visit('?view=status');
    const { page, problems } = visited;
    // A rate needs two looks at a counter, 5 s apart.
    await expect.poll(() => page.getByRole('region', { name: 'Now' }).textContent()).toMatch(/Taken in[\d.]+ k \/s/);
    const refused = page.getByRole('region', { name: 'Samples refused' });
    expect(await refused.locator('tbody tr').first().textContent()).toContain('label_value_too_long');
    expect(await page.getByRole('region', { name: 'Storage by tier' }).textContent()).toContain('1 minute rows');
    const metrics = page.getByRole('region', { name: 'Metrics with most series' });
    expect(await metrics.locator('li').first().textContent()).toBe('http_request_duration_seconds_bucket31,68039 %');
    const link = metrics.getByRole('link', { name: 'node_load1', exact: true });
    expect(await link.getAttribute('href')).toContain('expr=node_load1');
    expect(await page.getByRole('region', { name: 'Configuration' }).textContent()).toContain('<secret>');
    const settings = page.getByRole('region', { name: 'Settings in force' });
    await settings.getByRole('searchbox').fill('lookback');
    await expect.poll(() => settings.locator('dt').allTextContents()).toEqual(['query.lookback-delta']);
    await under.shoot(page, 'status-1600-light');
    expect(problems).toEqual([]);
  });

  test('what a server does not tell is said to be not told', async () => {
    await using visited = await under.visit('about-nothing');
    const { page } = visited;
    await page.route(/api\/v1\/status\/(tsdb|storage|flags|config|runtimeinfo)/, (route) =>
      route.fulfill({ status: 404, body: 'Cannot GET' }),
    );
    await page.goto(`${under.address}?view=status`);
    await expect.poll(() => page.getByText('Not told', { exact: true }).count()).toBe(3);
    expect(await page.getByRole('alert').count()).toBe(0);
  });
}
