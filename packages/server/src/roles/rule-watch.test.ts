import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SelfMetrics, SimClock, silentLogger } from '@tidemark/base';
import { tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { readRuleFiles } from './rule-files.ts';
import { RuleWatch } from './rule-watch.ts';

const rules = (name: string) => `groups:\n- name: ${name}\n  rules:\n  - {record: a, expr: up}\n`;

async function watchOf(patterns: readonly string[]) {
  const taken: string[][] = [];
  const errors: string[] = [];
  const metrics = new SelfMetrics();
  const logger = {
    ...silentLogger,
    error: (_: string, fields?: Readonly<Record<string, unknown>>) => void errors.push(String(fields?.['error'])),
  };
  const watch = new RuleWatch({
    patterns,
    files: await readRuleFiles(patterns),
    apply: async (groups) => void taken.push(groups.map(({ name }) => name)),
    clock: new SimClock(0),
    logger,
    metrics,
    onFailure: () => undefined,
  });
  // A change counts when it is the same at two looks.
  const look = async () => {
    await watch.look();
    await watch.look();
  };
  const successful = () => /tidemark_rules_last_reload_successful (\d)/.exec(metrics.expose())?.[1];
  return { watch, taken, errors, look, successful };
}

test('a file that is changed, added or removed is taken over; the same ones are not', async () => {
  await using folder = await tempFolder('rules');
  const [a, b] = [join(folder.path, 'a.yml'), join(folder.path, 'b.yml')];
  await writeFile(a, rules('one'));
  const { taken, look } = await watchOf([join(folder.path, '*.yml')]);
  await look();
  expect(taken).toEqual([]);
  await writeFile(a, rules('other'));
  await look();
  await writeFile(b, rules('two'));
  await look();
  await rm(a);
  await look();
  await look();
  expect(taken).toEqual([['other'], ['other', 'two'], ['two']]);
});

test('a broken file leaves the rules as they are, and says where, until it is mended', async () => {
  await using folder = await tempFolder('rules');
  const file = join(folder.path, 'a.yml');
  await writeFile(file, rules('one'));
  const { watch, taken, errors, look, successful } = await watchOf([file]);
  expect(successful()).toBe('1');
  await writeFile(file, rules('one').replace(': up', ': up('));
  await look();
  await look();
  expect([taken, successful()]).toEqual([[], '0']);
  expect(watch.problem).toContain(`${file}:4: expr cannot be parsed`);
  expect(errors).toEqual([watch.problem]);
  await expect(watch.prepare([file])).rejects.toThrow(`${file}:4:`);
  // Back to what it was: nothing to take over, nothing wrong any more.
  await writeFile(file, rules('one'));
  await look();
  expect([taken, successful(), watch.problem]).toEqual([[], '1', undefined]);
  await rm(file);
  await look();
  expect(watch.problem).toContain('cannot be read');
});

test('a file that is still being written is left alone', async () => {
  await using folder = await tempFolder('rules');
  const file = join(folder.path, 'a.yml');
  await writeFile(file, rules('one'));
  const { watch, taken } = await watchOf([file]);
  await watch.look();
  for (const name of ['a', 'ab', 'abc', 'abcd']) {
    await writeFile(file, rules(name));
    await watch.look();
  }
  expect(taken).toEqual([]);
  await watch.look();
  expect(taken).toEqual([['abcd']]);
});

test('names match in folders too, and links are followed', async () => {
  await using folder = await tempFolder('rules');
  await mkdir(join(folder.path, 'x'));
  await writeFile(join(folder.path, 'x', 'real.yml'), rules('one'));
  await symlink(join(folder.path, 'x', 'real.yml'), join(folder.path, 'x', 'link.yaml'));
  const names = async (pattern: string) => (await readRuleFiles([join(folder.path, pattern)])).map(({ file }) => file);
  expect(await names('*/*.yaml')).toEqual([join(folder.path, 'x', 'link.yaml')]);
  expect(await names('?/re[a-f]l.yml')).toEqual([join(folder.path, 'x', 'real.yml')]);
  expect(await names('nowhere/*.yml')).toEqual([]);
});

test('another configuration names other files', async () => {
  await using folder = await tempFolder('rules');
  const [a, b] = [join(folder.path, 'a.yml'), join(folder.path, 'b.yml')];
  await writeFile(a, rules('one'));
  await writeFile(b, rules('two'));
  const { watch, taken, look } = await watchOf([a]);
  const takeOver = await watch.prepare([b]);
  expect(taken).toEqual([]);
  await takeOver();
  await writeFile(a, rules('changed'));
  await look();
  expect(taken).toEqual([['two']]);
});
