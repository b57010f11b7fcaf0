import { expect, test } from 'vitest';
import { ROWS, runRows } from '../src/storage-engine/rows.ts';

test.each(ROWS.map(({ name }) => name))(
  'the row %s of the storage engine is measured',
  { timeout: 120_000 },
  async (name) => {
    const rows = ROWS.filter((row) => row.name === name);
    const printed: string[] = [];
    const said: string[] = [];
    const options = { series: 1000, scrapes: 20, seed: 1, say: (line: string) => void said.push(line) };
    await runRows(rows, options, (text) => void printed.push(text));
    expect(said.length).toBeGreaterThan(1);
    const lines = printed.join('').split('\n');
    const cells = lines.filter((line) => /^\| .*\d/.test(line)).map((line) => line.split(' | '));
    expect(cells.length, lines.join('\n')).toBeGreaterThan(0);
    for (const [, figure] of cells)
      expect(Number(/[\d.,]+/.exec(figure as string)?.[0].replaceAll(',', ''))).toBeGreaterThan(0);
  },
);
