import { expect, test } from 'vitest';
import { wholePath } from '../src/whole-path.ts';

test('the whole-path bench runs, and both systems answer for every series', { timeout: 120_000 }, async () => {
  const said: string[] = [];
  const text = await wholePath({
    series: 200,
    rounds: 5,
    samplesPerRequest: 100,
    seed: 1,
    say: (line) => said.push(line),
  });
  expect(said).toHaveLength(5);
  for (const system of ['tidemark', 'prometheus']) {
    const row = new RegExp(`^\\| ${system}[^|]*((?:\\| [\\d.,]+ ){6})\\|$`, 'm').exec(text)?.[1];
    const cells = row?.split('|').map((cell) => Number(cell.replaceAll(',', '')));
    expect(cells?.slice(1), text).toHaveLength(6);
    // CPU is counted in ticks of 10 ms, and a thousand samples may cost Prometheus less than one.
    const [warm, warmUp, disk, memory, , memoryWithQueries] = (cells?.slice(1) ?? []).map(Number);
    expect((warm as number) + (warmUp as number), text).toBeGreaterThanOrEqual(0);
    if (system === 'tidemark') expect(warmUp, text).toBeGreaterThan(0);
    expect(disk, text).toBeGreaterThan(0);
    expect(memory, text).toBeGreaterThan(0);
    expect(memoryWithQueries, text).toBeGreaterThanOrEqual(memory as number);
  }
  expect(text).toContain('topk(5, node_load1)');
});
