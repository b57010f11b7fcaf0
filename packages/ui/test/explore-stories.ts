import type { Page, Request } from 'playwright-core';
import { expect, test } from 'vitest';
import { canvasColors, dragOver, type PageUnderTest, queryOf, typeQuery } from './browser.ts';

const chartsOf = (page: Page, name: string) => page.getByRole('img', { name: new RegExp(`^Chart of ${name}`) });
const legendOf = (page: Page) => page.getByRole('list', { name: 'Series' }).first().getByRole('button');
const search = (page: Page) => new URL(page.url()).searchParams;

/** Several queries over one time. */
export function exploreStories(under: PageUnderTest): void {
  test('a typed query gives a graph, then a table, and is kept in the address', async () => {
    await using visited = await under.visit('?view=explore');
    const { page, problems } = visited;
    await expect.poll(() => page.getByText('Ask a question').count()).toBe(1);
    await typeQuery(page, 'node_filesystem_avail_bytes');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Shift+Enter');
    await expect.poll(() => page.getByRole('img', { name: /^Chart of node_filesystem_avail_bytes/ }).count()).toBe(1);
    await expect.poll(async () => ((await canvasColors(page))[0] ?? 0) > 0).toBe(true);
    expect(await page.getByRole('list', { name: 'Series' }).getByRole('button').count()).toBe(10);
    expect(new URL(page.url()).searchParams.get('expr')).toBe('node_filesystem_avail_bytes');
    await under.shoot(page, 'query-1600-light');

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
    await using visited = await under.visit(queryOf('node_load1', '&range=1h&step=1m'));
    const found = () => visited.asked.find(({ pathname }) => pathname.endsWith('/query_range'))?.searchParams;
    await expect.poll(() => found()?.get('query')).toBe('node_load1');
    expect(found()?.get('step')).toBe('60');
    expect(Number(found()?.get('end')) - Number(found()?.get('start'))).toBe(3600);
  });

  test('completion offers the metrics of the server', async () => {
    await using visited = await under.visit('?view=explore');
    const { page } = visited;
    await page.getByRole('textbox', { name: 'PromQL expression' }).click();
    await page.keyboard.type('node_memory_Mem');
    const options = page.locator('.cm-tooltip-autocomplete li');
    await expect.poll(() => options.allTextContents()).toContain('node_memory_MemTotal_bytesgauge');
  });

  test('a refusal is shown in the words of the server', async () => {
    await using visited = await under.visit('?view=explore');
    const { page } = visited;
    await typeQuery(page, 'rate(node_load1[1m]');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Enter');
    const alert = page.getByRole('alert');
    await expect.poll(() => alert.textContent()).toContain('parse error: unclosed left parenthesis');
    await under.shoot(page, 'error-1600-light');
  });

  test('a server slower than the refresh still gets to answer', async () => {
    await using visited = await under.visit('?view=alerts');
    const { page } = visited;
    let asked = 0;
    await page.route('**/api/v1/query_range*', async (route) => {
      asked++;
      await new Promise((resolve) => setTimeout(resolve, 7000)); // Longer than the 5 s between refreshes.
      await route.continue();
    });
    await page.goto(under.address + queryOf('node_load1'));
    await expect
      .poll(() => page.getByRole('img', { name: /^Chart of node_load1/ }).count(), { timeout: 12_000 })
      .toBe(1);
    expect(asked).toBeLessThanOrEqual(2);
  });

  test('warnings and infos of an answer are shown with it', async () => {
    await using visited = await under.visit(queryOf('rate(node_load1[1m])'));
    const { page } = visited;
    await expect
      .poll(() => page.getByRole('list', { name: 'Remarks on this answer' }).textContent())
      .toContain('might not be a counter');
  });

  test('many series are drawn a hundred at first, all on demand, and the legend hides one', async () => {
    await using visited = await under.visit(queryOf('demo_many'));
    const { page, problems } = visited;
    await expect.poll(() => page.getByRole('button', { name: 'Sort by 100 series' }).count()).toBe(1);
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Sort by 240 series' }).count()).toBe(1);
    const legend = legendOf(page);
    await legend.first().click();
    expect(await legend.first().getAttribute('aria-pressed')).toBe('false');
    await legend.first().click({ modifiers: ['Control'] });
    await expect.poll(() => page.locator('li button[aria-pressed="true"]').count()).toBe(1);
    expect(problems).toEqual([]);
  });

  test('five thousand series and more: cut off, said so, and the page answers at once', async () => {
    await using visited = await under.visit(queryOf('demo_huge'));
    const { page, problems } = visited;
    await expect.poll(() => page.getByText('Showing 100 of 5,000 series').count(), { timeout: 30_000 }).toBe(1);
    expect(await page.getByText('results truncated due to limit').count()).toBe(1);
    await page.getByRole('button', { name: 'Show 2,500' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Sort by 2,500 series' }).count()).toBe(1);
    // Only the lines in sight are in the document.
    expect(await legendOf(page).count()).toBeLessThan(60);
    await page.getByRole('button', { name: 'Sort by max' }).click();
    const most = await legendOf(page).first().textContent();
    await page.getByRole('button', { name: 'Sort by max' }).click();
    await expect.poll(() => legendOf(page).first().textContent()).not.toBe(most);
    expect(problems).toEqual([]);
  });

  test('the legend tells least, most and last, and the value under the cursor', async () => {
    await using visited = await under.visit(queryOf('node_load1'));
    const { page } = visited;
    await expect.poll(() => legendOf(page).count()).toBe(2);
    const cells = () => legendOf(page).first().locator('> span').allTextContents();
    const [, , min, max, last] = (await cells()).map(Number.parseFloat) as [number, number, number, number, number];
    expect(min).toBeLessThan(max);
    expect(last).toBeGreaterThanOrEqual(min);
    expect(last).toBeLessThanOrEqual(max);
    expect((await cells())[1]).toBe('');
    const box = await page.locator('.u-over').boundingBox();
    if (box === null) throw new Error('the chart has no plotting area');
    await page.mouse.move(box.x + box.width / 2, box.y + 80);
    await expect.poll(async () => Number.parseFloat((await cells())[1] ?? '')).toBeGreaterThan(0);
  });

  test('dragging over a chart zooms into the range, and each zoom is undone in turn', async () => {
    await using visited = await under.visit(queryOf('node_load1'));
    const { page } = visited;
    const range = () => search(page).get('range');
    await dragOver(page, 0.25, 0.75);
    await expect.poll(range).toMatch(/^7m(2\d|3\d)s$/); // Half of 15 min.
    const first = range();
    const spanOf = (request: Request) => {
      const params = new URL(request.url()).searchParams;
      return Number(params.get('end')) - Number(params.get('start'));
    };
    const asked = page.waitForRequest((request) => request.url().includes('query_range') && spanOf(request) < 200);
    await dragOver(page, 0.2, 0.6);
    await expect.poll(range).toMatch(/^(2m5\ds|3m\d*s?)$/); // Two fifths of it.
    await asked;
    await page.getByRole('button', { name: 'Undo zoom' }).click();
    await expect.poll(range).toBe(first);
    await page.locator('.u-over').dblclick();
    await expect.poll(range).toBe(null);
    expect(search(page).get('to')).toBe(null);
    await dragOver(page, 0.25, 0.75);
    await page.getByRole('button', { name: 'Back to now' }).click();
    await expect.poll(() => search(page).get('to')).toBe(null);
  });

  test('queries are added, hidden, copied, moved and removed, and the address follows', async () => {
    await using visited = await under.visit(queryOf('node_load1'));
    const { page, problems } = visited;
    const exprs = () => search(page).getAll('expr');
    await page.getByRole('button', { name: 'Add query' }).click();
    await typeQuery(page, 'node_load5', 'PromQL expression B');
    await page.keyboard.press('Control+Enter');
    await expect.poll(exprs).toEqual(['node_load1', 'node_load5']);
    await expect.poll(() => legendOf(page).count()).toBe(4);
    await under.shoot(page, 'explore-two-1600-light');

    await page.getByRole('button', { name: 'Hide query A' }).click();
    await expect.poll(() => legendOf(page).count()).toBe(2);
    expect(search(page).get('hide')).toBe('1');
    await page.getByRole('button', { name: 'Show query A' }).click();

    await page.getByRole('button', { name: 'Move query B up' }).click();
    await expect.poll(exprs).toEqual(['node_load5', 'node_load1']);
    await page.getByRole('button', { name: 'Duplicate query A' }).click();
    await expect.poll(exprs).toEqual(['node_load5', 'node_load5', 'node_load1']);
    await page.getByRole('button', { name: 'Remove query B' }).click();
    await expect.poll(exprs).toEqual(['node_load5', 'node_load1']);
    expect(await page.getByRole('textbox', { name: 'PromQL expression A' }).textContent()).toBe('node_load5');
    expect(problems).toEqual([]);
  });

  test('units that differ have a chart each; Apart gives every query its own', async () => {
    await using visited = await under.visit(`${queryOf('node_load1')}&expr=node_load5&expr=node_memory_MemTotal_bytes`);
    const { page } = visited;
    await expect.poll(() => chartsOf(page, '').count()).toBe(2);
    await page.getByRole('button', { name: 'Apart' }).click();
    await expect.poll(() => chartsOf(page, '').count()).toBe(3);
  });

  test('a shared address shows what was seen: queries, range, drawing, axis', async () => {
    const more = '&expr=node_load5&hide=2&range=1h&to=1795860000&step=30s&draw=stacked&log=1&refresh=off&resolution=1m';
    await using visited = await under.visit(queryOf('node_load1', more));
    const { page, problems } = visited;
    await expect.poll(() => chartsOf(page, 'node_load1').count()).toBe(1);
    expect(await page.getByRole('button', { name: 'Show query B' }).getAttribute('aria-pressed')).toBe('true');
    expect(await page.getByRole('textbox', { name: 'Range' }).inputValue()).toBe('1h');
    expect(await page.getByRole('textbox', { name: 'Step' }).inputValue()).toBe('30s');
    expect(await page.getByRole('combobox', { name: 'Refresh' }).inputValue()).toBe('0');
    expect(await page.getByRole('combobox', { name: 'Resolution' }).inputValue()).toBe('1m');
    expect(await page.getByRole('radio', { name: 'Stacked' }).isChecked()).toBe(true);
    expect(await page.getByRole('button', { name: 'Log' }).getAttribute('aria-pressed')).toBe('true');
    // A choice made now goes into the address; the address alone then gives the same page.
    await page.getByRole('radiogroup', { name: 'Draw as' }).getByText('Points').click();
    await expect.poll(() => search(page).get('draw')).toBe('points');
    const told = page.url();
    await page.goto('about:blank');
    await page.goto(told);
    await expect.poll(() => page.getByRole('radio', { name: 'Points' }).isChecked()).toBe(true);
    expect(page.url()).toBe(told);
    expect(problems).toEqual([]);
  });

  test('Back brings the query before, in the editor and in the chart, whatever was written since', async () => {
    await using visited = await under.visit(queryOf('node_load1'));
    const { page } = visited;
    const editor = page.getByRole('textbox', { name: 'PromQL expression' });
    await typeQuery(page, 'node_load5');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => chartsOf(page, 'node_load5').count()).toBe(1);
    await typeQuery(page, 'half an expr');
    await page.goBack();
    await expect.poll(() => chartsOf(page, 'node_load1').count()).toBe(1);
    await expect.poll(() => editor.textContent()).toBe('node_load1');
    await page.goForward();
    await expect.poll(() => chartsOf(page, 'node_load5').count()).toBe(1);
  });

  test('an answer tells its resolution and how long it took', async () => {
    await using visited = await under.visit(queryOf('node_load1', '&range=24h'));
    const status = visited.page.getByRole('group', { name: 'Query A' }).getByRole('status');
    await expect.poll(() => status.textContent()).toMatch(/2 series, [\d,]+ points, [\d.]+ m?s.*from 1m, approximate/);
  });

  test('a query no longer wanted is called off, and a slow one can be stopped', async () => {
    await using visited = await under.visit('?view=explore');
    const { page } = visited;
    const failed: string[] = [];
    page.on('requestfailed', (request) => failed.push(new URL(request.url()).searchParams.get('query') ?? ''));
    const held: (() => void)[] = [];
    await page.route('**/api/v1/query_range*', async (route) => {
      await new Promise<void>((resolve) => held.push(resolve));
      await route.continue().catch(() => undefined); // It was called off meanwhile.
    });
    await typeQuery(page, 'node_load1');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => held.length).toBe(1);
    await typeQuery(page, 'node_load5');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => failed).toEqual(['node_load1']);
    await page.getByRole('button', { name: 'Stop' }).click();
    await expect.poll(() => failed).toEqual(['node_load1', 'node_load5']);
    expect(await page.getByText('stopped').count()).toBe(1);
    for (const release of held) release();
  });

  test('recent queries are found again by words and arrows', async () => {
    await using visited = await under.visit('?view=explore');
    const { page } = visited;
    for (const expr of ['node_load1', 'node_load5', 'rate(node_network_receive_bytes_total[1m])']) {
      await typeQuery(page, expr);
      await page.keyboard.press('Control+Enter');
      await expect.poll(() => search(page).get('expr')).toBe(expr);
    }
    await page.getByRole('button', { name: 'Recent' }).click();
    const options = page.getByRole('dialog').getByRole('option');
    await expect.poll(() => options.count()).toBe(3);
    await page.keyboard.type('load');
    await expect.poll(() => options.allTextContents()).toEqual(['node_load5', 'node_load1']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => search(page).getAll('expr').at(-1)).toBe('node_load1');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  });

  test('the keyboard alone: write, run, another query, log axis, table', async () => {
    await using visited = await under.visit('');
    const { page, problems } = visited;
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await page.getByRole('textbox', { name: 'PromQL expression' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('node_load1 ');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => chartsOf(page, 'node_load1').count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await page.getByRole('textbox', { name: 'PromQL expression B' }).waitFor();
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')))
      .toBe('PromQL expression B');
    await page.keyboard.insertText('node_load5');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => search(page).getAll('expr')).toEqual(['node_load1', 'node_load5']);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('l');
    await expect.poll(() => search(page).get('log')).toBe('1');
    await page.keyboard.press('v');
    await expect.poll(() => page.locator('tbody tr').count()).toBe(4);
    expect(problems).toEqual([]);
  });
}
