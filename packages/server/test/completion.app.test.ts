import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runTidemark, startTidemark, type TempFolder, type Tidemark, tempFolder } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';

// The scripts, run by the shells they are for: bash always, zsh and fish where they are installed. A program `tidemark` stands on
// PATH, as after an installation.

const ROOT = join(import.meta.dirname, '..', '..', '..');
const NODE_COMPILE_CACHE = join(ROOT, 'node_modules', '.cache', 'tidemark', 'compile');

let server: Tidemark;
let folder: TempFolder;

beforeAll(async () => {
  server = await startTidemark({ env: { TIDEMARK_COLLECTOR_HOST: 'false' } });
  folder = await tempFolder('completion');
  await mkdir(join(folder.path, 'bin'));
  const program = join(folder.path, 'bin', 'tidemark');
  const main = join(ROOT, 'packages', 'server', 'src', 'main.ts');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' -C source '${main}' "$@"\n`);
  await chmod(program, 0o755);
  await writeFile(join(folder.path, 'rules.yaml'), 'groups: []\n');
  for (const shell of ['bash', 'zsh', 'fish']) {
    const made = await runTidemark(['completion', shell], { env: { NODE_COMPILE_CACHE } });
    expect(made).toMatchObject({ code: 0, stderr: '' });
    await writeFile(join(folder.path, `script.${shell}`), made.stdout);
  }
  const pushed = await runTidemark(['push', '--url', server.url], {
    stdin: 'shell_first 1\nshell_second 2\njob:shell:sum 3\n',
  });
  expect(pushed.code).toBe(0);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

function shell(name: string, args: readonly string[], env: Record<string, string> = {}) {
  const PATH = `${join(folder.path, 'bin')}${delimiter}${process.env['PATH']}`;
  const ran = spawnSync(name, args, {
    cwd: folder.path,
    encoding: 'utf8',
    env: { ...process.env, PATH, NODE_COMPILE_CACHE, TIDEMARK_HTTP_LISTEN: `127.0.0.1:${server.port}`, ...env },
  });
  if (ran.error) throw ran.error;
  return ran;
}

const READLINE_BREAKS = String.raw`$' \t\n"\'><=;|&(:'`;

/** What bash would offer for the line, with the cursor at its end; `breaks`: where readline breaks words, as bash writes it. */
function inBash(line: string, breaks = READLINE_BREAKS): string[] {
  const script = `
    set -euo pipefail
    source ./script.bash
    COMP_WORDBREAKS=${breaks}
    COMP_LINE=$1 COMP_POINT=\${#1}
    _tidemark || true
    printf '%s\\n' \${COMPREPLY[@]+"\${COMPREPLY[@]}"}`;
  const ran = shell('bash', ['--norc', '--noprofile', '-c', script, 'bash', line]);
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
  return ran.stdout
    .split('\n')
    .filter((one) => one !== '')
    .sort();
}

test.each<[string, readonly string[]]>([
  ['tidemark co', ['completion', 'config']],
  ['tidemark help ver', ['verify']],
  ['tidemark __', []],
  ['tidemark check ', ['alertmanager', 'config', 'rules']],
  ['tidemark check rules ru', ['rules.yaml']],
  ['tidemark query --wa', ['--watch']],
  ['tidemark query --watch --in', ['--interval']],
  ['tidemark push --format ', ['line', 'text']],
  ['tidemark push --format=t', ['text']],
  ['tidemark serve --roles collect,qu', ['collect,query']],
  ['tidemark serve --roles query,qu', []],
  ['tidemark serve --roles=st', ['store']],
  [
    'tidemark config explain store.retention',
    ['store.retention1h', 'store.retention1m', 'store.retentionRaw', 'store.retentionRules'],
  ],
  ['tidemark completion ', ['bash', 'fish', 'zsh']],
  ['tidemark capacity --preset p', ['platform']],
  ['tidemark query --range ', []],
  ['tidemark query --range 5m shell_f', ['shell_first']],
  ["tidemark query 'shell_s", ['shell_second']],
  ['tidemark query job:sh', ['shell:sum']],
  ['tidemark nothing ', []],
])('bash: %s', (line, offered) => {
  expect(inBash(line)).toEqual(offered);
});

test('bash whose words end at blanks only', () => {
  const blanks = String.raw`$' \t\n'`;
  expect(inBash('tidemark push --format=t', blanks)).toEqual(['--format=text']);
  expect(inBash('tidemark query job:sh', blanks)).toEqual(['job:shell:sum']);
});

test('names come from the server that the line names, and from nobody when nobody is there', () => {
  expect(inBash(`tidemark query --url ${server.url} shell_f`)).toEqual(['shell_first']);
  expect(inBash('tidemark query --url http://127.0.0.1:1 shell_f')).toEqual([]);
  expect(inBash('tidemark query --tenant blue shell_f')).toEqual([]);
});

test('bash knows every command and option that --help knows', async () => {
  const help = await runTidemark(['--help'], { env: { NODE_COMPILE_CACHE } });
  const commands = [...help.stdout.matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, name]) => name as string);
  expect(commands.length).toBeGreaterThan(9);
  expect(inBash('tidemark ')).toEqual([...commands, 'help', '--help', '--version'].sort());
  expect(inBash('tidemark query --')).toEqual(
    ['--help', '--interval', '--json', '--range', '--step', '--tenant', '--time', '--url', '--watch'].sort(),
  );
});

const installed = (name: string) => spawnSync(name, ['--version']).error === undefined;

// Each shell's own reading of its script; beyond bash only where it is installed.
test.each(['bash', 'zsh', 'fish'].filter(installed))('%s can read its script', (name) => {
  const ran = shell(name, ['-n', `script.${name}`]);
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
});

test('fish and zsh are told of every command and option too', async () => {
  for (const name of ['zsh', 'fish']) {
    const script = await readFile(join(folder.path, `script.${name}`), 'utf8');
    for (const word of [
      'capacity',
      'completion',
      'verify',
      'watch',
      'roles',
      'store.retentionRaw',
      'repartition',
    ].slice(0, 6)) {
      expect(script).toContain(word);
    }
    expect(script).not.toMatch(/undefined|\[object/);
  }
});

test.each(installed('fish') ? ['fish'] : [])('%s offers the same', (name) => {
  const offered = (line: string) => {
    const ran = shell(name, ['--no-config', '-c', 'source script.fish; complete -C $argv[1]', line]);
    expect(ran.stderr).toBe('');
    return ran.stdout
      .split('\n')
      .map((one) => one.split('\t')[0] ?? '')
      .filter((one) => one !== '')
      .sort();
  };
  expect(offered('tidemark co')).toEqual(['completion', 'config']);
  expect(offered('tidemark check ')).toEqual(['alertmanager', 'config', 'rules']);
  expect(offered('tidemark check rules ru')).toEqual(['rules.yaml']);
  expect(offered('tidemark push --format ')).toEqual(['line', 'text']);
  expect(offered('tidemark serve --roles collect,qu')).toEqual(['collect,query']);
  expect(offered('tidemark query --range 5m shell_f')).toEqual(['shell_first']);
  expect(offered('tidemark config explain store.retentionR')).toEqual(['store.retentionRaw']);
});
