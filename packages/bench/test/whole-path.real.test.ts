import { expect, test } from 'vitest';
import { wholePath } from '../src/whole-path.ts';

test('the whole-path bench runs, and both systems answer for every series', { timeout: 120_000 }, async () => {
  const said: string[] = [];
  const text = await wholePath({
    series: 200,
    rounds: 3,
    samplesPerRequest: 100,
    seed: 1,
    say: (line) => said.push(line),
  });
  expect(said).toHaveLength(3);
  for (const system of ['tidemark', 'prometheus']) {
    const row = new RegExp(
      `^\\| ${system}[^|]*\\| ([\\d.,]+) \\| ([\\d.,]+) \\| ([\\d.,]+) \\| ([\\d.,]+) \\|$`,
      'm',
    ).exec(text);
    expect(
      row?.slice(1).map((cell) => Number(cell.replaceAll(',', '')) > 0),
      text,
    ).toEqual([true, true, true, true]);
  }
  expect(text).toContain('topk(5, node_load1)');
});
