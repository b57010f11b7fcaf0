import { afterEach, expect, test, vi } from 'vitest';
import { startChromium } from './chromium.ts';
import { findProgram } from './find-program.ts';
import { startNodeExporter } from './node-exporter.ts';
import { findPromtool, startPrometheus } from './prometheus.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('Prometheus scrapes node_exporter and answers', async () => {
  await using exporter = await startNodeExporter({ collectors: ['loadavg'] });
  expect(await exporter.metrics()).toMatch(/^node_load1 \d/m);
  await using prometheus = await startPrometheus({
    config: `
scrape_configs:
  - job_name: node
    scrape_interval: 1s
    static_configs: [{ targets: ['${new URL(exporter.url).host}'] }]
`,
  });
  await vi.waitFor(async () => expect(await prometheus.query('node_load1')).toHaveLength(1), { timeout: 40_000 });
  const [series] = await prometheus.query('node_load1 >= bool 0');
  expect(series?.metric).toMatchObject({ job: 'node' });
  expect(series?.value?.[1]).toBe('1');
});

test('what Prometheus refuses is an error in its words', async () => {
  await using prometheus = await startPrometheus();
  await expect(prometheus.query('sum(')).rejects.toThrow(/prometheus refused .*parse error/);
});

test('promtool is there', () => {
  expect(findPromtool()).toMatch(/promtool$/);
});

test('Chromium starts and says which one it is', async () => {
  await using chromium = await startChromium();
  const version = (await (await fetch(`${chromium.endpoint}/json/version`)).json()) as { Browser: string };
  expect(version.Browser).toMatch(/^(Headless)?Chrome\/\d+/);
});

test('a program that is nowhere is an error that tells how to get it', () => {
  const source = { variable: 'NOTHING_BIN', names: ['no-such-program'], debianPackage: 'no-such-package' };
  expect(() => findProgram(source)).toThrow(/no-such-program is not on PATH .* set NOTHING_BIN/);
  vi.stubEnv('NOTHING_BIN', '/nowhere/at-all');
  expect(() => findProgram(source)).toThrow('NOTHING_BIN=/nowhere/at-all is no program that can be run');
});
