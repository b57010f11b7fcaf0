import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freePort, startTidemark, type TempFolder, type TidemarkOptions, tempFolder } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';

// What Tidemark will not start with: each an exit code, one clear sentence, no stack, and nothing harmed.

let scratch: TempFolder;

beforeAll(async () => {
  scratch = await tempFolder('refusals');
});
afterAll(() => scratch[Symbol.asyncDispose]());

const LOG_LINE = /^\d{4}-\d\d-\d\dT\S+Z (debug|info|warn|error) /;

/** What is said when the start is refused. Log lines are not it. Fails when it starts. */
async function refusal(options: TidemarkOptions): Promise<string> {
  const ended = await startTidemark({ ...options, env: { TIDEMARK_COLLECTOR_HOST: 'false', ...options.env } }).then(
    async (server) => {
      await server[Symbol.asyncDispose]();
      throw new Error(`it started:\n${server.logs}`);
    },
    (error: Error) => error.message,
  );
  const [head, ...lines] = ended.split('\n');
  expect(head, ended).toMatch(/ended before it was ready \(exit code 1\)/);
  return lines.filter((line) => !LOG_LINE.test(line)).join('\n');
}

test('a port in use: said, with another one to try; no folder is made', async () => {
  const stranger = createServer();
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const { port } = stranger.address() as AddressInfo;
  const data = join(scratch.path, 'port');
  const sentence = new RegExp(`^tidemark: 127.0.0.1:${port} is in use by another program .*TIDEMARK_HTTP_LISTEN.*$`);
  expect(await refusal({ port, dataFolder: data })).toMatch(sentence);
  stranger.close();
  await expect(readdir(data)).rejects.toThrow('ENOENT'); // refused before anything was made
});

test('a folder with files of others is named and left as it was', async () => {
  const foreign = join(scratch.path, 'foreign');
  await mkdir(foreign);
  await writeFile(join(foreign, 'thesis.txt'), 'years of work');
  const said = await refusal({ dataFolder: foreign });
  expect(said).toBe(
    `tidemark: ${foreign} holds files that are not Tidemark's (thesis.txt); give Tidemark an empty folder with TIDEMARK_DATA`,
  );
  expect(await readdir(foreign)).toEqual(['thesis.txt']);
  expect(await readFile(join(foreign, 'thesis.txt'), 'utf8')).toBe('years of work');
});

test('a data folder that cannot be one: a file in its place, a file above it, a place where nothing can be made', async () => {
  const file = join(scratch.path, 'file');
  await writeFile(file, 'x');
  const sentence = (path: string, reason: string) =>
    `tidemark: the data folder ${path} cannot be used (${reason}); set TIDEMARK_DATA to a folder this user may write`;
  expect(await refusal({ dataFolder: file })).toBe(sentence(file, 'a file has this name'));
  const below = join(file, 'below');
  expect(await refusal({ dataFolder: below })).toBe(sentence(below, 'a file has this name, or one above it'));
  expect(await refusal({ dataFolder: '/proc/tidemark' })).toMatch(
    /^tidemark: the data folder \/proc\/tidemark cannot be used \(.+\); set TIDEMARK_DATA/,
  );
});

test('a data folder that another Tidemark uses: its pid, and the other goes on', async () => {
  await using first = await startTidemark({ env: { TIDEMARK_COLLECTOR_HOST: 'false' } });
  const said = await refusal({ dataFolder: first.dataFolder });
  expect(said).toMatch(/^tidemark: the log in .*data\/log is in use by process \d+; one process at a time$/);
  expect(said).toContain(` ${first.process.pid};`);
  expect((await fetch(`${first.url}/-/ready`)).status).toBe(200);
});

test('mistakes of the configuration, with file, line and the nearest key; nothing is made', async () => {
  const config = 'http:\n  lisen: 127.0.0.1:1\nstore:\n  sealGrace: 10 minutes\n';
  const data = join(scratch.path, 'config');
  const lines = (await refusal({ config, dataFolder: data })).split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(
    /^tidemark: .*tidemark\.yaml:2: there is no setting http\.lisen; did you mean http\.listen\?$/,
  );
  expect(lines[1]).toMatch(/tidemark\.yaml:4: store\.sealGrace: "10 minutes" is no duration/);
  expect(await refusal({ env: { TIDEMARK_ROLES: 'store,colect' }, dataFolder: data })).toBe(
    'tidemark: TIDEMARK_ROLES: roles.1: there is no colect; did you mean collect?',
  );
  expect(await refusal({ env: { TIDEMARK_CONFIG: join(data, 'none.yaml') }, dataFolder: data })).toBe(
    `tidemark: there is no configuration file ${join(data, 'none.yaml')} (named by TIDEMARK_CONFIG)`,
  );
  await expect(readdir(data)).rejects.toThrow('ENOENT');
});

test.each([
  ['expr', '      - alert: Broken\n        expr: sum(up\n', /:5: expr cannot be parsed: 1:\d+: parse error: /],
  [
    'recording',
    '      - record: job:up\n        expr: sum(up)\n        annotations: { a: b }\n',
    /:6: a recording rule has no annotations$/,
  ],
  ['field', '      - alert: A\n        exprr: up\n        expr: up\n', /:5: .*"exprr"; did you mean "expr"\?$/],
])('a rule file with a wrong %s: file and line', async (name, rule, sentence) => {
  const file = join(scratch.path, `${name}.yaml`);
  await writeFile(file, `groups:\n  - name: g\n    rules:\n${rule}`);
  const said = await refusal({ env: { TIDEMARK_RULES_FILES: file } });
  expect(said).toMatch(sentence);
  expect(said.startsWith(`tidemark: ${file}:`), said).toBe(true);
  expect(said.split('\n')).toHaveLength(1);
});

test('a rule file that is not there is named', async () => {
  const file = join(scratch.path, 'none.yaml');
  expect(await refusal({ env: { TIDEMARK_RULES_FILES: file } })).toContain(`the rule file ${file} cannot be read`);
});

test('a fast clock only where nobody else can see it', async () => {
  const port = await freePort();
  const said = await refusal({ env: { TIDEMARK_TESTING_CLOCK_RATE: '2', TIDEMARK_HTTP_LISTEN: `0.0.0.0:${port}` } });
  expect(said).toBe(
    `tidemark: testing.clockRate is for tests and refused unless http.listen is loopback; it is 0.0.0.0:${port}`,
  );
});

test('a variable that is no setting is noticed, and no reason not to start', async () => {
  await using server = await startTidemark({
    env: { TIDEMARK_COLLECTOR_HOST: 'false', TIDEMARK_STORE_RETENTION_RAWW: '1d' },
  });
  expect(server.logs).toContain('TIDEMARK_STORE_RETENTION_RAWW is no setting and does nothing; did you mean');
});
