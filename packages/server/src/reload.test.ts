import { SelfMetrics, SimClock, silentLogger } from '@tidemark/base';
import { expect, test } from 'vitest';
import { type LoadedConfig, parseConfig } from './config/load.ts';
import { Reloader } from './reload.ts';

function start(first: string) {
  let text = first;
  const load = (): LoadedConfig => ({ ...parseConfig(text, 'tidemark.yaml', { env: {} }), file: 'tidemark.yaml' });
  const warnings: unknown[] = [];
  const clock = new SimClock(1_000_000);
  const metrics = new SelfMetrics();
  const reloader = new Reloader({
    loaded: load(),
    load: async () => load(),
    clock,
    logger: { ...silentLogger, warn: (_, fields) => warnings.push(fields?.['settings']) },
    metrics,
  });
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(metrics.expose())?.[1]);
  const write = (next: string) => {
    text = next;
  };
  return { reloader, warnings, clock, value, write };
}

test('parts take over what is theirs; the rest stays as it was and is named', async () => {
  const run = start('query: { concurrency: 5 }\n');
  const taken: string[] = [];
  run.reloader.add({
    settings: ['logging.level', 'ingest'],
    prepare:
      async ({ config }) =>
      () =>
        void taken.push(`${config.logging.level} ${config.ingest.bodyBytesMax}`),
  });
  run.write('query: { concurrency: 6 }\nlogging: { level: debug }\ningest: { bodyBytesMax: 4096 }\n');
  await run.clock.advance(1000);
  await run.reloader.reload();
  expect(taken).toEqual(['debug 4096']);
  expect(run.warnings).toEqual(['query.concurrency']);
  const { config } = run.reloader.current;
  expect([config.query.concurrency, config.logging.level, config.ingest.bodyBytesMax]).toEqual([5, 'debug', 4096]);
  expect(run.reloader.last).toEqual({ succeeded: true, atMs: 1_001_000 });
});

test('what cannot be read or prepared changes nothing, and is counted', async () => {
  const run = start('');
  const taken: string[] = [];
  run.reloader.add({ settings: ['logging'], prepare: async () => () => void taken.push('first') });
  run.reloader.add({
    settings: ['rules'],
    prepare: async ({ config }) => {
      if (config.rules.files.length > 0) throw new Error('rules are wrong');
      return () => undefined;
    },
  });
  run.write('nonsense: true\n');
  await expect(run.reloader.reload()).rejects.toThrow('tidemark.yaml:1: there is no setting nonsense');
  run.write('rules: { files: [a.yaml] }\nlogging: { level: debug }\n');
  await expect(run.reloader.reload()).rejects.toThrow('rules are wrong');
  expect([taken, run.reloader.current.config.logging.level]).toEqual([[], 'info']);
  expect(run.value('tidemark_config_last_reload_successful')).toBe(0);
  run.write('');
  await run.reloader.reload();
  expect(run.value('tidemark_config_last_reload_successful')).toBe(1);
  expect(run.value('tidemark_config_last_reload_success_timestamp_seconds')).toBe(1000);
});
