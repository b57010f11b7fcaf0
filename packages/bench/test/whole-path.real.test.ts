import { expect, test } from 'vitest';
import { wholePath } from '../src/whole-path.ts';

test('the whole-path bench runs, and both systems answer for every series', { timeout: 180_000 }, async () => {
  const said: string[] = [];
  const text = await wholePath({
    series: 200,
    rounds: 10,
    rate: 100,
    samplesPerRequest: 100,
    repeats: 3,
    seed: 1,
    peers: ['tidemark', 'prometheus'],
    say: (line) => said.push(line),
  });
  expect(said).toHaveLength(10);
  for (const system of ['tidemark', 'prometheus']) {
    const row = new RegExp(`^\\| ${system}[^|]*((?:\\| [\\d.,]+ ){7})\\|$`, 'm').exec(text)?.[1];
    const cells = (row ?? '')
      .split('|')
      .slice(1)
      .map((cell) => Number(cell.replaceAll(',', '')));
    expect(cells, text).toHaveLength(7);
    // CPU is counted in ticks of 10 ms, and a thousand samples may cost Prometheus less than one.
    const [warm, warmUp, sealed, whole, memory, peak, perSeries] = cells as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    expect(warm + warmUp, text).toBeGreaterThanOrEqual(0);
    if (system === 'tidemark') expect(warmUp, text).toBeGreaterThan(0);
    expect(sealed, text).toBeGreaterThan(0);
    expect(whole, text).toBeGreaterThan(0);
    expect(memory, text).toBeGreaterThan(0);
    expect(peak, text).toBeGreaterThanOrEqual(memory);
    expect(perSeries, text).toBeGreaterThan(0);
  }
  expect(text).toContain('topk(5, node_load1)');
});
