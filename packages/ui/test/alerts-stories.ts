import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { PageUnderTest } from './browser.ts';

const list = (page: Page, name: 'Alerts' | 'Rules' | 'Silences') =>
  page.getByRole('radiogroup', { name: 'List' }).getByText(name).click();

/** What fires, the rules behind it, and what is silenced. */
export function alertsStories(under: PageUnderTest): void {
  test('alerts are listed, what fires first, filtered by state and label, and counted in the header', async () => {
    await using visited = await under.visit('?view=alerts');
    const { page, problems } = visited;
    const alerts = page.locator('li[data-state]');
    await expect.poll(() => alerts.count()).toBe(2);
    expect(await alerts.first().textContent()).toContain('FilesystemAlmostFull');
    expect(await alerts.first().getByRole('link', { name: 'Runbook' }).getAttribute('href')).toMatch(/^https:/);
    expect(await page.getByRole('link', { name: 'Alerts 1' }).count()).toBe(1);
    await page.getByTitle('Only severity="warning"').click();
    await expect.poll(() => alerts.count()).toBe(1);
    expect(new URL(page.url()).searchParams.get('find')).toBe('severity="warning"');
    await page.getByRole('searchbox').fill('team=~"("');
    await expect.poll(() => page.getByText('not a regular expression').count()).toBe(1);
    expect(problems).toEqual([]);
  });

  test('rules by group, with what they ask, how it went, and a way to explore it', async () => {
    await using visited = await under.visit('?view=alerts&show=rules');
    const { page, problems } = visited;
    const host = page.getByRole('region', { name: 'host' });
    await expect.poll(() => host.locator('li[data-state]').count()).toBe(3);
    expect(await page.getByRole('alert').textContent()).toContain('many-to-many matching not allowed');
    expect(await host.textContent()).toContain('took 6.3 ms');
    await under.shoot(page, 'rules-1600-light');
    await page.getByRole('radiogroup', { name: 'Filter rules by state' }).getByText('Recording').click();
    await expect.poll(() => page.locator('li[data-state]').count()).toBe(1);
    await page.getByRole('link', { name: /^sum by \(instance\)/ }).click();
    await expect.poll(() => page.getByRole('img', { name: /^Chart of sum by/ }).count()).toBe(1);
    expect(problems).toEqual([]);
  });

  test('a silence is made from an alert, with what it affects; it mutes, is changed, and expires', async () => {
    await using visited = await under.visit('?view=alerts');
    const { page, problems } = visited;
    const firing = page.locator('li[data-state]').filter({ hasText: 'FilesystemAlmostFull' });
    await firing.getByRole('button', { name: 'Silence' }).click();
    const dialog = page.getByRole('dialog', { name: 'Silence alerts' });
    const preview = dialog.getByRole('region', { name: 'Affected alerts' });
    expect(await preview.textContent()).toContain('1 alert is affected now');
    expect(await dialog.getByLabel('Value of matcher 1').inputValue()).toBe('FilesystemAlmostFull');

    // Fewer matchers, more alerts.
    await dialog.getByLabel('Operator of matcher 1').selectOption('=~');
    await dialog.getByLabel('Value of matcher 1').fill('.+');
    for (let i = 0; i < 4; i++) await dialog.getByRole('button', { name: 'Remove matcher 2' }).click();
    await expect.poll(() => preview.textContent()).toContain('2 alerts are affected now');
    await dialog.getByLabel('Value of matcher 1').fill('Filesystem.*');
    await expect.poll(() => preview.textContent()).toContain('1 alert is affected now');

    await dialog.getByRole('button', { name: 'Silence' }).click();
    await expect.poll(() => dialog.getByRole('alert').textContent()).toContain('who silences is missing');
    await dialog.getByLabel('Who').fill('Ada');
    await dialog.getByLabel('Why').fill('the disk is being replaced');
    await under.shoot(page, 'silence-1600-light');
    await dialog.getByRole('button', { name: 'Silence' }).click();
    await expect.poll(() => dialog.count()).toBe(0);

    const silences = page.getByRole('list', { name: 'Silences' }).locator('> li');
    const made = silences.filter({ hasText: 'the disk is being replaced' });
    await expect.poll(() => made.getAttribute('data-state')).toBe('active');
    expect(await made.textContent()).toContain('alertname=~"Filesystem.*"');
    expect(await made.textContent()).toContain('1 alert matches now');
    await list(page, 'Alerts');
    await expect.poll(() => firing.getAttribute('data-state')).toBe('silenced');
    // What is silenced calls nobody: the header counts it no more.
    await page.reload();
    await expect.poll(() => firing.getAttribute('data-state')).toBe('silenced');
    await expect.poll(() => page.getByRole('link', { name: 'Alerts', exact: true }).count()).toBe(1);
    await firing.getByRole('button', { name: 'See the silence' }).click();
    await expect.poll(() => silences.count()).toBe(1);

    await made.getByRole('button', { name: 'Edit' }).click();
    const edit = page.getByRole('dialog', { name: 'Change the silence' });
    await edit.getByLabel('Lasts, from now').fill('7d');
    await edit.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => made.textContent()).toMatch(/ends in (7 d|6 d 23 h)/);

    await made.getByRole('button', { name: 'Expire' }).click();
    await made.getByRole('button', { name: 'Really expire?' }).click();
    await expect.poll(() => made.getAttribute('data-state')).toBe('expired');
    await list(page, 'Alerts');
    await expect.poll(() => firing.getAttribute('data-state')).toBe('firing');

    // Who silences is asked once.
    await firing.getByRole('button', { name: 'Silence' }).click();
    expect(await dialog.getByLabel('Who').inputValue()).toBe('Ada');
    await page.keyboard.press('Escape');
    await expect.poll(() => dialog.count()).toBe(0);
    expect(problems).toEqual([]);
  });

  test('a refusal of the server stays in the dialog, in its words', async () => {
    await using visited = await under.visit('?view=alerts&show=silences');
    const { page } = visited;
    await page.route('**/api/v2/silences', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 400, json: 'quota of silences reached' })
        : route.fallback(),
    );
    await page.getByRole('button', { name: 'New silence' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Value of matcher 1').fill('X');
    await dialog.getByLabel('Who').fill('Ada');
    await dialog.getByLabel('Why').fill('because');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => dialog.getByRole('alert').textContent()).toContain('quota of silences reached');
  });

  test('rule files that cannot be taken over are told', async () => {
    await using visited = await under.visit('about-nothing');
    const { page } = visited;
    const data = { groups: [], reloadError: 'rules/host.rules.yml:7: unknown field "exprr"' };
    await page.route('**/api/v1/rules', (route) => route.fulfill({ json: { status: 'success', data } }));
    await page.goto(`${under.address}?view=alerts&show=rules`);
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('rules/host.rules.yml:7');
  });

  test('a server without silences is explained, not an error', async () => {
    await using visited = await under.visit('about-nothing');
    const { page } = visited;
    await page.route('**/api/v2/**', (route) => route.fulfill({ status: 404, body: 'Cannot GET' }));
    await page.goto(`${under.address}?view=alerts&show=silences`);
    await expect.poll(() => page.getByText('No silences here').count()).toBe(1);
    expect(await page.getByRole('button', { name: 'New silence' }).count()).toBe(0);
    expect(await page.getByRole('alert').count()).toBe(0);
  });
}
