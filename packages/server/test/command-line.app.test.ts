import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, runTidemark, startTidemark, type Tidemark, tempFolder } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Commands that go on, work something out, or check files: against a running server, and without one.

const ROOT = join(import.meta.dirname, '..', '..', '..');
const NODE_COMPILE_CACHE = join(ROOT, 'node_modules', '.cache', 'tidemark', 'compile');
const MAIN = join(ROOT, 'packages', 'server', 'src', 'main.ts');

let server: Tidemark;

beforeAll(async () => {
  server = await startTidemark({ env: { TIDEMARK_COLLECTOR_HOST: 'false' } });
  const lines = Array.from({ length: 50 }, (_, i) => `line_load{host="h${i}"} ${i}`);
  expect((await run(['push', '--url', server.url], { stdin: `${lines.join('\n')}\n` })).code).toBe(0);
});
afterAll(() => server[Symbol.asyncDispose]());

const run: typeof runTidemark = (args, options = {}) =>
  runTidemark(args, { ...options, env: { NODE_COMPILE_CACHE, ...options.env } });

test('query --watch goes on until Ctrl-C, through a server that is away, and ends with 0', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['query', 'line_watch', '--watch', '--interval', '200ms', '--url', url];
  const child = spawn(process.execPath, ['-C', 'source', MAIN, ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE },
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  const closed = once(child, 'close');
  await expect.poll(() => texts.stderr.split('asking again').length, { timeout: 30_000 }).toBeGreaterThan(2);
  expect(texts).toMatchObject({ stdout: '', stderr: expect.stringContaining(`no Tidemark answers at ${url}`) });
  await using _late = await startTidemark({ port, env: { TIDEMARK_COLLECTOR_HOST: 'false' } });
  expect((await run(['push', '--url', url], { stdin: 'line_watch{host="a"} 7\n' })).code).toBe(0);
  const shown = () => [...texts.stdout.matchAll(/^\S+Z line_watch\{host="a"\}=7$/gm)].length;
  await expect.poll(shown, { timeout: 30_000 }).toBeGreaterThan(2);
  child.kill('SIGINT');
  expect(await closed).toEqual([0, null]);
});

test('a reader that has enough ends it, without a word', async () => {
  const args = ['query', 'line_load{host="h7"}', '--watch', '--interval', '100ms', '--url', server.url];
  const child = spawn(process.execPath, ['-C', 'source', MAIN, ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close');
  const [first] = await once(child.stdout, 'data');
  expect(String(first)).toContain('=7\n');
  child.stdout.destroy();
  expect(await closed).toEqual([141, null]);
  expect(stderr).toBe('');
});

test.concurrent.each([
  [['query', 'up', '--interval', '1s'], '--interval goes with --watch'],
  [['query', 'up', '--watch', '--interval', '1ms'], '--interval must be at least 100 ms'],
  [['query', 'up', '--watch', '--time', '1'], '--time is for one look'],
  [['capacity', '--preset', 'flet'], 'there is no preset flet; did you mean fleet?'],
  [['capacity', '--hosts', '-3'], '--hosts: "-3" is no number above zero'],
  [['capacity', 'now'], 'capacity takes options only'],
  [['completion', 'bsh'], 'did you mean bash?'],
  [['check', 'rule', 'x'], 'did you mean rules?'],
  [['check', 'config'], 'write it like: tidemark check config FILE...'],
  [['config', 'explain', 'store.retentionRow'], 'did you mean store.retentionRaw?'],
])('mistyped: %j', async (args, sentence) => {
  expect(await run(args)).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(sentence) });
});

test('a wrong expression is not watched', async () => {
  const wrong = await run(['query', 'rate(', '--watch', '--url', server.url]);
  expect(wrong).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('parse error') });
});

test('capacity of the presets, as a table and as JSON', async () => {
  const { code, stdout } = await run(['capacity', '--preset', 'platform', '--replication', '3']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^load +series +1,000 pools × 100 hosts × 100 series +10,000,000 +series +10 M series$/m);
  expect(stdout).toMatch(/^copies of everything stored +--replication +3$/m);
  const json = JSON.parse((await run(['capacity', '--json'])).stdout);
  expect(json.assumptions.hosts).toEqual({ value: 10_000, origin: 'assumed' });
  expect(json.steps.find((step: { id: string }) => step.id === 'samplesPerSecond').value).toBe(100_000);
});

test('capacity of a running server begins with what it counts', async () => {
  const measured = JSON.parse((await run(['capacity', '--json', '--url', server.url])).stdout);
  expect(measured.assumptions.series).toEqual({ value: 50, origin: 'tidemark_ingest_active_series' });
  expect(measured.assumptions.samplesPerSecond.value).toBeGreaterThan(0);
  expect(measured.assumptions.rawRetentionMs).toEqual({ value: 604_800_000, origin: 'status/storage' });
  expect(measured.assumptions.seriesBytes.value).toBeGreaterThan(0);
  expect(measured.notes.join('\n')).toContain('tier 1h holds nothing but its head yet');
  const other = JSON.parse(
    (await run(['capacity', '--json', '--url', server.url, '--series', '700', '--interval', '7s'])).stdout,
  );
  expect(other.steps.slice(0, 2).map((step: { value: number }) => step.value)).toEqual([700, 100]);
});

test('config explain of a section, or of one setting', async () => {
  const { stdout } = await run(['config', 'explain', 'store.retention1m', 'logging']);
  expect([...stdout.matchAll(/^([a-z]\S+):/gm)].map(([, name]) => name)).toEqual([
    'store.retention1m',
    'logging.level',
  ]);
});

test('check config: the file, the rules and the alertmanager.yml it names', async () => {
  await using folder = await tempFolder('check');
  const write = (name: string, text: string) => writeFile(join(folder.path, name), text);
  const check = (...args: string[]) => run(['check', ...args], { cwd: folder.path, env: { TIDEMARK_DATA: '' } });
  await write('tidemark.yaml', 'rules:\n  files: [rules.yaml]\nnotifier:\n  config: alertmanager.yml\n');
  await write('rules.yaml', 'groups:\n  - name: a\n    rules:\n      - { alert: Down, expr: up == 0 }\n');
  await write('alertmanager.yml', 'route: { receiver: team }\nreceivers:\n  - name: team\n');
  expect(await check('config', 'tidemark.yaml')).toEqual({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(
      /^tidemark\.yaml: 2 settings, 0 scrape jobs\nrules\.yaml: 1 rules in 1 groups\nalertmanager\.yml: 1 receivers, /,
    ),
  });
  await write('rules.yaml', 'groups:\n  - name: a\n    rules:\n      - { alert: Down, expr: up == @ }\n');
  expect(await check('config', 'tidemark.yaml')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^rules\.yaml:4: /),
  });
  await write('bad.yaml', 'http:\n  listen: 127.0.0.1:9470\nstore:\n  retentionRow: 7d\n');
  expect(await check('config', 'bad.yaml')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^bad\.yaml:4: .*did you mean store\.retentionRaw\?/),
  });
  await write('alertmanager.yml', 'route:\n  receiver: nobody\nreceivers:\n  - name: team\n');
  expect(await check('alertmanager', '*.yml')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^alertmanager\.yml:\d+: .*nobody/),
  });
  expect(await check('alertmanager', 'away.yml')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('away.yml: cannot be read'),
  });
});
