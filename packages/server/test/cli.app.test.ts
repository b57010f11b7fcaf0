import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, runTidemark, startTidemark, type Tidemark, tempFolder } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';

// The command line as a person at a terminal meets it: words, tables, exit codes. 0 done, 1 the world said no, 2 mistyped.

let server: Tidemark;

beforeAll(async () => {
  server = await startTidemark({ env: { TIDEMARK_COLLECTOR_HOST: 'false' } });
});
afterAll(() => server[Symbol.asyncDispose]());

// As `npm start -- COMMAND` sets it: sources are stripped and compiled once.
const NODE_COMPILE_CACHE = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.cache', 'tidemark', 'compile');

const run: typeof runTidemark = (args, options = {}) =>
  runTidemark(args, { ...options, env: { NODE_COMPILE_CACHE, ...options.env } });

/** A command against the running server. */
function tidemark(args: readonly string[], stdin = '') {
  return run(args, { env: { TIDEMARK_HTTP_LISTEN: `127.0.0.1:${server.port}` }, stdin });
}

const nowSeconds = () => Math.floor(Date.now() / 1000);

test('--help lists the commands, each has its own, and --version is a version', async () => {
  const help = await run(['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  const commands = ['serve', 'query', 'push', 'inspect', 'config'];
  const own = await Promise.all(commands.map((command) => run([command, '--help'])));
  for (const [i, command] of commands.entries()) {
    expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(own[i]).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`tidemark ${command}`) });
  }
  expect(await run(['--version'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

test('`npx tidemark` runs the same, with nothing else on standard output', async () => {
  const command = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.bin', 'tidemark');
  const { stdout } = await promisify(execFile)(command, ['--version']);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.concurrent.each([
  [['qurey', 'up'], 'there is no command qurey; did you mean query?'],
  [['query', '--rnage', '1h', 'up'], 'there is no option --rnage; did you mean --range?'],
  [['query', 'up', '--range', 'an-hour'], '--range: "an-hour" is no duration'],
  [['query'], 'query needs an expression'],
  [['query', 'up', '--url', 'nowhere'], '--url nowhere is no address; write it like http://127.0.0.1:9470'],
  [['push', '--format', 'xml'], '--format xml is unknown; it is text or line'],
  [['config', 'explian'], 'config takes one word: explain or schema; did you mean explain?'],
  [['serve', '--role', 'store'], 'there is no option --role; did you mean --roles?'],
])('mistyped: %j', async (args, sentence) => {
  const { code, stdout, stderr } = await tidemark(args);
  expect(stderr).toContain(sentence);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('config explain says what is in force and why; config schema is for editors', async () => {
  const explained = await run(['config', 'explain'], { env: { TIDEMARK_STORE_SEAL_GRACE: '3m' } });
  expect(explained).toMatchObject({ code: 0, stderr: '' });
  expect(explained.stdout).toContain('# default; override with TIDEMARK_HTTP_LISTEN\nhttp.listen: "127.0.0.1:9470"\n');
  expect(explained.stdout).toContain('# TIDEMARK_STORE_SEAL_GRACE; override with TIDEMARK_STORE_SEAL_GRACE\n');
  const schema = await run(['config', 'schema']);
  expect(JSON.parse(schema.stdout)).toMatchObject({ type: 'object', properties: { http: { type: 'object' } } });
});

test('push takes exposition text and the line protocol, query answers with both', async () => {
  const text =
    '# TYPE cli_requests_total counter\ncli_requests_total{code="200"} 1027\ncli_requests_total{code="500"} 3\n';
  expect(await tidemark(['push'], text)).toEqual({ code: 0, stdout: '2 samples taken\n', stderr: '' });
  const line = `CPU.load host=webserver01,region=us-west ${nowSeconds()} 50\n`;
  expect(await tidemark(['push'], line)).toEqual({ code: 0, stdout: '1 sample taken\n', stderr: '' });
  expect(await tidemark(['push', '--format', 'line'], line)).toMatchObject({ code: 0 });

  const requests = await tidemark(['query', 'sum by (code) (cli_requests_total)']);
  expect(requests).toMatchObject({ code: 0, stderr: '' });
  expect(requests.stdout.split('\n')).toEqual([
    'series        value',
    '------------  -----',
    '{code="200"}   1027',
    '{code="500"}      3',
    '',
  ]);
  const load = await tidemark(['query', '--json', '{__name__="CPU.load"}']);
  expect(JSON.parse(load.stdout)).toMatchObject({
    resultType: 'vector',
    result: [
      { metric: { __name__: 'CPU.load', host: 'webserver01', region: 'us-west' }, value: [expect.anything(), '50'] },
    ],
  });
  expect(await tidemark(['query', 'nothing_of_this_name'])).toEqual({ code: 0, stdout: 'no series\n', stderr: '' });
  expect(await tidemark(['query', '1 + 1'])).toEqual({ code: 0, stdout: '2\n', stderr: '' });
});

test('what is too old or no number is refused by name; the lines beside it are kept', async () => {
  const old = 'CPU.load host=webserver02,region=us-west 1613707265 50';
  const good = `CPU.load host=webserver02,region=us-west ${nowSeconds()} 51`;
  const mixed = await tidemark(['push'], `${old}\n${good}\nCPU.load host=webserver02 ${nowSeconds()} much\n`);
  expect(mixed).toMatchObject({ code: 1, stdout: '1 sample taken, 2 refused\n' });
  expect(mixed.stderr).toMatch(/^refused 1 \(too_old\): .*webserver02.*1613707265000/m);
  expect(mixed.stderr).toMatch(/^refused 1 \(malformed_line\): line 3: .*"much"/m);
  const kept = await tidemark(['query', '--json', 'count_over_time({__name__="CPU.load", host="webserver02"}[1h])']);
  expect(JSON.parse(kept.stdout).result).toMatchObject([{ value: [expect.anything(), '1'] }]);
});

test('--range draws a sparkline from lowest to highest', async () => {
  const start = nowSeconds() - 280;
  const lines = Array.from({ length: 29 }, (_, i) => `cli.ramp side=left ${start + i * 10} ${i}`);
  expect(await tidemark(['push', '--format', 'line'], `${lines.join('\n')}\n`)).toMatchObject({ code: 0 });
  const { code, stdout } = await tidemark(['query', '{__name__="cli.ramp"}', '--range', '5m', '--step', '10s']);
  expect(code).toBe(0);
  const [head, , row] = stdout.split('\n');
  expect(head).toMatch(/^series +lowest +highest +last$/);
  expect(row).toMatch(/^cli\.ramp\{side="left"\} +0 +28 +28 +▁[▁▂▃▄▅▆▇█]+█$/);
});

test('tenants see their own', async () => {
  expect(await tidemark(['push', '--tenant', 'blue'], 'cli_tenant_metric 7\n')).toMatchObject({ code: 0 });
  expect((await tidemark(['query', 'cli_tenant_metric', '--tenant', 'blue'])).stdout).toMatch(
    /^cli_tenant_metric +7$/m,
  );
  expect((await tidemark(['query', 'cli_tenant_metric', '--tenant', 'red'])).stdout).toBe('no series\n');
  expect((await tidemark(['query', 'cli_tenant_metric'])).stdout).toBe('no series\n');
  const bad = await tidemark(['query', 'up', '--tenant', 'no/slash']);
  expect(bad).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('no/slash') });
});

test("an expression the server refuses: exit code 1 and the server's words", async () => {
  expect(await tidemark(['query', 'rate(up[5m]'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^invalid parameter "query": \d+:\d+: parse error: /),
  });
  expect(await tidemark(['query', 'rate(up)'])).toMatchObject({ code: 1, stderr: expect.stringContaining('rate') });
  expect(await tidemark(['query', 'up', '--time', 'yesterday'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"yesterday"'),
  });
});

test('no server: one sentence that says where it looked', async () => {
  const port = await freePort();
  const sentence = `tidemark: no Tidemark answers at http://127.0.0.1:${port}; is it running? (npm start, or name it with --url)\n`;
  const env = { TIDEMARK_HTTP_LISTEN: `127.0.0.1:${port}` };
  expect(await run(['query', 'up'], { env })).toEqual({ code: 1, stdout: '', stderr: sentence });
  expect(await run(['push'], { env, stdin: 'up 1\n' })).toEqual({ code: 1, stdout: '', stderr: sentence });
});

test('another server there: said, not shown as a stack', async () => {
  const other = createServer((_request, response) => response.writeHead(404).end('<html>nginx</html>'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const asked = await run(['query', 'up', '--url', `http://127.0.0.1:${port}/`]);
  other.closeAllConnections();
  other.close();
  expect(asked).toEqual({
    code: 1,
    stdout: '',
    stderr: `tidemark: http://127.0.0.1:${port} does not answer as Tidemark does (404: <html>nginx</html>)\n`,
  });
});

test('the address of tidemark.yaml is where the commands look', async () => {
  await using folder = await tempFolder('cli');

  await writeFile(join(folder.path, 'tidemark.yaml'), `http:\n  listen: 127.0.0.1:${server.port}\n`);
  expect(await run(['query', '2 * 3'], { cwd: folder.path })).toMatchObject({ code: 0, stdout: '6\n' });
});
