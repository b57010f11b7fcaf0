import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { checkCommand } from './check.ts';
import { type Command, parseArgs } from './command.ts';
import { testCommand } from './rules-command.ts';

async function run(command: Command, ...args: string[]): Promise<{ code: number; text: string }> {
  const chunks: string[] = [];
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  const code = await command.run({
    args: parseArgs(args, command.options),
    env: {},
    stdin: Readable.from([]),
    stdout,
    stderr: stdout,
    signal: new AbortController().signal,
  });
  return { code, text: chunks.join('') };
}

const YAML = /```yaml\n# (\S+)\n([\s\S]*?)```/g;

test('the example of the page is sound, and its test passes; a changed one fails with both sides', async () => {
  const page = await readFile(new URL('../../../../docs/operating/alerts.md', import.meta.url), 'utf8');
  const files = new Map([...page.matchAll(YAML)].map(([, name, text]) => [name as string, text as string]));
  await using folder = await tempFolder('rules');
  const [rules, tests] = [join(folder.path, 'rules', 'host.yaml'), join(folder.path, 'tests', 'host.yaml')];
  for (const file of [rules, tests]) await mkdir(dirname(file), { recursive: true });
  await writeFile(rules, files.get('rules/host.yaml') as string);
  await writeFile(tests, files.get('tests/host.yaml') as string);
  expect(await run(checkCommand, 'rules', rules)).toEqual({ code: 0, text: `${rules}: 2 rules in 1 groups\n` });
  expect(await run(testCommand, 'rules', tests)).toEqual({ code: 0, text: `${tests}: passed\n` });
  await writeFile(tests, (files.get('tests/host.yaml') as string).replace('value: 9 }', 'value: 8 }'));
  const failed = await run(testCommand, 'rules', tests);
  expect(failed.code).toBe(1);
  expect(failed.text).toContain(
    'exp:\n      instance:load:ratio{instance="web"} 8\n    got:\n      instance:load:ratio',
  );
});

test('a broken file, one with rules twice, and none at all', async () => {
  await using folder = await tempFolder('rules');
  const file = join(folder.path, 'a.yml');
  await writeFile(file, 'groups:\n- name: g\n  rules:\n  - {record: a, expr: up}\n  - {record: a, expr: up(}\n');
  expect(await run(checkCommand, 'rules', join(folder.path, '*.yml'))).toMatchObject({
    code: 1,
    text: expect.stringContaining(`${file}:5: expr cannot be parsed`),
  });
  await writeFile(file, 'groups:\n- name: g\n  rules:\n  - {record: a, expr: up}\n  - {record: a, expr: up}\n');
  expect(await run(checkCommand, 'rules', file)).toEqual({
    code: 0,
    text: `${file}: 2 rules in 1 groups\n${file}: warning: 2 rules are called a{}\n`,
  });
  await expect(run(checkCommand, 'rules')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
  await expect(run(testCommand, 'rules', join(folder.path, '*.nothing'))).rejects.toMatchObject({
    code: 'ARGUMENT_INVALID',
  });
});
