import { expect, test } from 'vitest';
import { background, type PageUnderTest, queryOf, sidewaysScroll } from './browser.ts';

/** What holds on every view: colours, widths, keys, a server that is away or lacks a part. */
export function wholePageStories(under: PageUnderTest): void {
  test('colours follow the system until the reader chooses', async () => {
    await using light = await under.visit('');
    await using dark = await under.visit('', { colorScheme: 'dark' });
    await expect.poll(() => background(light.page)).toBe('rgb(243, 246, 248)');
    await expect.poll(() => background(dark.page)).toBe('rgb(13, 18, 24)');
    await under.shoot(dark.page, 'overview-1600-dark');

    await light.page.getByRole('button', { name: 'Use dark colours' }).click();
    await expect.poll(() => background(light.page)).toBe('rgb(13, 18, 24)');
    await light.page.reload();
    await expect.poll(() => background(light.page)).toBe('rgb(13, 18, 24)');
  });

  test('no view scrolls sideways, from 320 to 1600 px', async () => {
    await using visited = await under.visit('');
    const { page } = visited;
    for (const [name, search] of Object.entries({
      overview: '',
      graph: queryOf('demo_many'),
      table: queryOf('node_filesystem_avail_bytes', '&tab=table'),
      queries: `${queryOf('node_load1')}&expr=node_memory_MemTotal_bytes`,
      targets: '?view=targets',
      alerts: '?view=alerts',
      rules: '?view=alerts&show=rules',
      silences: '?view=alerts&show=silences',
      status: '?view=status',
    })) {
      await page.setViewportSize({ width: 1600, height: 844 });
      await page.goto(under.address + search);
      await page.locator('canvas, tbody tr, li[data-state], li[data-health]').first().waitFor();
      for (const width of [1600, 1180, 768, 390, 320]) {
        await page.setViewportSize({ width, height: 844 });
        await under.shoot(page, `${name}-${width}`);
        await expect.poll(() => sidewaysScroll(page), { message: `${name} at ${width} px` }).toBeLessThanOrEqual(0);
      }
    }
  });

  test('while the server is away the page says so and keeps its charts; afterwards it goes on', async () => {
    await using visited = await under.visit('');
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
    await using visited = await under.visit('about-nothing');
    const { page } = visited;
    await page.route('**/api/v1/series*', (route) => route.fulfill({ json: { status: 'success', data: [] } }));
    await page.route(/api\/(v1\/(alerts|rules)|v2\/)/, (route) => route.fulfill({ status: 404, body: 'Cannot GET' }));
    await page.goto(under.address);
    await expect.poll(() => page.getByText('No host metrics yet').count()).toBe(1);
    await page.getByRole('link', { name: 'Alerts' }).click();
    await expect.poll(() => page.getByText('No alert rules').count()).toBe(1);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('help lies over any view and closes by Escape; keys lead from view to view', async () => {
    await using visited = await under.visit('');
    const { page, problems } = visited;
    await page.keyboard.press('?');
    const help = page.getByRole('dialog', { name: 'Keys' });
    await expect.poll(() => help.count()).toBe(1);
    // What lies beneath does not listen meanwhile.
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    expect(new URL(page.url()).searchParams.get('view')).toBe(null);
    await page.keyboard.press('Escape');
    await expect.poll(() => help.count()).toBe(0);
    for (const [key, view] of ['t targets', 'a alerts', 's status', 'e explore'].map((pair) => pair.split(' '))) {
      await page.keyboard.press('g');
      await page.keyboard.press(key ?? '');
      await expect.poll(() => new URL(page.url()).searchParams.get('view')).toBe(view);
    }
    await page.goBack();
    await expect.poll(() => new URL(page.url()).searchParams.get('view')).toBe('status');
    expect(problems).toEqual([]);
  });

  test('what has the focus is seen, and Tab reaches the views first', async () => {
    await using visited = await under.visit('?view=targets');
    const { page } = visited;
    await page.locator('li[data-health]').first().waitFor();
    await page.keyboard.press('Tab');
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        return { text: element.textContent, outline: getComputedStyle(element).outlineStyle };
      });
    expect(await focused()).toEqual({ text: 'Overview', outline: 'solid' });
    await page.keyboard.press('/');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
      'Filter targets by text',
    );
    await page.keyboard.type('node');
    await page.keyboard.press('Escape');
    expect(await page.getByRole('searchbox').inputValue()).toBe('');
    // Down from the filter into the list, and on: each stop is the next target's address.
    const address = () => page.evaluate(() => document.activeElement?.closest('li')?.textContent ?? '');
    await page.keyboard.press('ArrowDown');
    expect(await address()).toContain('http://checkout-1:8080/metrics');
    await page.keyboard.press('ArrowDown');
    expect(await address()).toContain('http://checkout-2:8080/metrics');
    await page.keyboard.press('ArrowUp');
    expect(await address()).toContain('http://checkout-1:8080/metrics');
  });

  const everyView = ['', `${queryOf('node_load1')}&expr=node_load5`, '?view=targets', '?view=alerts', '?view=status'];

  test('every control has a name to those who listen', async () => {
    await using visited = await under.visit('');
    const { page } = visited;
    for (const search of [...everyView, '?view=alerts&show=rules', '?view=alerts&show=silences']) {
      await page.goto(under.address + search);
      await page.locator('canvas, li[data-state], li[data-health], ol li').first().waitFor();
      for (const role of ['button', 'link', 'textbox', 'searchbox', 'combobox', 'radio', 'region'] as const) {
        expect(await page.getByRole(role, { name: /^\s*$/ }).count(), `${role}s without a name on ${search}`).toBe(0);
      }
      expect(await page.getByRole('heading', { level: 1 }).count(), search).toBe(1);
      expect(await page.getByRole('main').count(), search).toBe(1);
    }
  });

  test('nothing jumps while a view fills', async () => {
    await using visited = await under.visit('');
    const { page } = visited;
    await page.addInitScript(() => {
      const shifts: number[] = [];
      Object.assign(globalThis, { shifts });
      new PerformanceObserver((seen) => {
        for (const entry of seen.getEntries()) shifts.push((entry as PerformanceEntry & { value: number }).value);
      }).observe({ type: 'layout-shift', buffered: true });
    });
    for (const search of everyView) {
      await page.goto(under.address + search);
      await page.locator('canvas, li[data-state], li[data-health], ol li').first().waitFor();
      await expect.poll(() => page.getByText(/^(Loading|Counting|Running)…$/).count()).toBe(0);
      const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: number[] }).shifts);
      // A tenth of the window is where people begin to notice.
      expect(
        shifts.reduce((sum, shift) => sum + shift, 0),
        search,
      ).toBeLessThan(0.1);
    }
  });
}
