import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { SelfMetrics, seededRandom, silentLogger, systemClock } from '@tidemark/base';
import { tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { readScrapeConfigs, startScrapeManager } from '../src/index.ts';

// Target files on a real disk, watched.

test('targets come, change and go with their files', async () => {
  await using folder = await tempFolder('targets');
  const t = `${folder.path}/t`;
  await mkdir(t);
  await writeFile(`${t}/a.json`, '[{"targets": ["127.0.0.1:1"]}]');
  const manager = startScrapeManager({
    sink: { append: async (batch) => ({ accepted: batch.values.length, refused: [] }) },
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics: new SelfMetrics(),
    tenant: 'default',
    parseYaml: (text) => [{ targets: text.trim().split('\n') }],
  });
  const { configs, problems } = readScrapeConfigs([
    { job_name: 'j', file_sd_configs: [{ files: [`${t}/*.json`, `${t}/*.yml`], refresh_interval: '1s' }] },
  ]);
  expect(problems).toEqual([]);
  await manager.apply(configs);
  const found = () => manager.targets().map((target) => target.labels.find(({ name }) => name === 'instance')?.value);
  expect(found()).toEqual(['127.0.0.1:1']);
  expect(manager.targets()[0]?.discoveredLabels).toContainEqual({ name: '__meta_filepath', value: `${t}/a.json` });

  await writeFile(`${t}/new`, '127.0.0.1:2\n127.0.0.1:3\n');
  await rename(`${t}/new`, `${t}/b.yml`);
  await expect.poll(found).toEqual(['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3']);

  await writeFile(`${t}/a.json`, '[{"targ');
  await expect.poll(() => manager.problems()).toEqual([expect.stringContaining('a.json')]);
  expect(found()).toHaveLength(3);

  await rm(`${t}/a.json`);
  await expect.poll(found).toEqual(['127.0.0.1:2', '127.0.0.1:3']);
  expect(manager.problems()).toEqual([]);
  await manager.close();
});
