import { expect, test } from 'vitest';
import type { PageUnderTest } from './browser.ts';

/** What is scraped, and how it goes. */
export function targetsStories(under: PageUnderTest): void {
  test('targets by job, those in trouble first, with their errors and what discovery said', async () => {
    await using visited = await under.visit('?view=targets');
    const { page, problems } = visited;
    const node = page.getByRole('region', { name: 'node', exact: true });
    await expect.poll(() => node.locator('li[data-health]').count()).toBe(8);
    const first = node.locator('li[data-health]').first();
    expect(await first.getAttribute('data-health')).toBe('down');
    expect(await first.textContent()).toContain('connect ECONNREFUSED 10.3.0.17:9100');
    expect(await node.textContent()).toContain('7 of 8 up');
    expect(await page.getByText('__scrape_interval__').count()).toBe(0);
    await first.getByRole('button', { name: 'Discovered labels' }).click();
    await expect.poll(() => first.getByText('__scrape_interval__').count()).toBe(1);
    expect(await page.getByRole('region', { name: 'Dropped by relabelling' }).textContent()).toContain('canary-1:8080');
    await under.shoot(page, 'targets-1600-light');
    expect(problems).toEqual([]);
  });

  test('filters by state, by words and by a label pressed; the address keeps them', async () => {
    await using visited = await under.visit('?view=targets');
    const { page } = visited;
    const rows = page.locator('li[data-health]');
    await expect.poll(() => rows.count()).toBe(11);
    await page.getByRole('radiogroup', { name: 'Filter targets by state' }).getByText('Down').click();
    await expect.poll(() => rows.count()).toBe(2);
    await page.getByRole('searchbox', { name: 'Filter targets by text' }).fill('503');
    await expect.poll(() => rows.count()).toBe(1);
    const { searchParams } = new URL(page.url());
    expect([searchParams.get('state'), searchParams.get('find')]).toEqual(['down', '503']);
    await page.reload();
    await expect.poll(() => rows.count()).toBe(1);

    await page.getByRole('searchbox', { name: 'Filter targets by text' }).fill('no such words');
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => rows.count()).toBe(11);
    await page.getByTitle('Only job="checkout"').first().click();
    await expect.poll(() => rows.count()).toBe(3);
  });

  test('without targets the page says how to add the first', async () => {
    await using visited = await under.visit('about-nothing');
    const { page } = visited;
    const data = { activeTargets: [], droppedTargets: [], droppedTargetCounts: {} };
    await page.route('**/api/v1/targets', (route) => route.fulfill({ json: { status: 'success', data } }));
    await page.goto(`${under.address}?view=targets`);
    await expect.poll(() => page.getByRole('heading', { name: 'No targets yet' }).count()).toBe(1);
    expect(await page.locator('pre').first().textContent()).toContain('job_name: node');
  });
}
