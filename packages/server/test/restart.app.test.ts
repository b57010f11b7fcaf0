import { execFile, execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  findPromtool,
  sendRemoteWrite,
  startProcess,
  startTidemark,
  type Tidemark,
  tempFolder,
} from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { samples, until, vector } from './http.ts';

// Starting, stopping and starting again, as an operator does it; and what the process says of itself meanwhile.

const READY_MS_MAX = 10_000; // 3 s is promised; this leaves room for a busy machine
const DRAIN_MS_MAX = 10_000;

const QUIET = { TIDEMARK_COLLECTOR_HOST: 'false' };

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: Math.round(performance.now() - start), result };
}

async function send(server: Tidemark, name: string, count: number): Promise<readonly [number, number][]> {
  const now = Date.now();
  const points = Array.from({ length: count }, (_, i) => ({ timestampMs: now - (count - i) * 10, value: i }));
  const { status, text } = await sendRemoteWrite(server.url, [{ labels: { __name__: name }, samples: points }]);
  expect(status, text).toBe(204);
  return points.map(({ timestampMs, value }) => [timestampMs, value]);
}

async function stored(server: Tidemark, name: string): Promise<readonly [number, number][]> {
  const [series] = await samples(server.url, name, '1h', Date.now() + 1000);
  return (series?.values ?? []).map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)]);
}

test('SIGTERM drains and ends with 0; the next start is soon ready, with everything; kill -9 loses nothing either', async () => {
  await using server = await startTidemark({ env: QUIET });
  const first = await send(server, 'restart_first', 500);
  const drained = await timed(() => server.stop());
  expect(drained.result).toEqual({ code: 0, signal: null });
  expect(drained.ms).toBeLessThan(DRAIN_MS_MAX);
  expect(server.logs).toContain('Stopping: taking nothing in');

  const ready = await timed(() => server.restart());
  process.stdout.write(`drained in ${drained.ms} ms, ready again in ${ready.ms} ms\n`);
  expect(ready.ms).toBeLessThan(READY_MS_MAX);
  expect(await stored(server, 'restart_first')).toEqual(first);

  const second = await send(server, 'restart_second', 500);
  await server.kill9();
  await server.restart();
  expect(await stored(server, 'restart_first')).toEqual(first);
  expect(await stored(server, 'restart_second')).toEqual(second);
});

test('told twice to stop, it still drains: all that was answered is there afterwards', async () => {
  await using server = await startTidemark({ env: QUIET });
  const sent = await send(server, 'twice', 100);
  server.process.signal('SIGTERM');
  server.process.signal('SIGINT');
  server.process.signal('SIGTERM');
  expect(await server.process.exited).toEqual({ code: 0, signal: null });
  expect(server.logs).not.toMatch(/^\s+at /m);
  await server.restart();
  expect(await stored(server, 'twice')).toEqual(sent);
});

test('told to stop while it starts, it ends as soon as it can, and never says it was ready', async () => {
  await using folder = await tempFolder('starting');
  // A rule file that nobody has written yet: the start stands still where it reads it.
  const rules = join(folder.path, 'rules.yaml');
  execFileSync('mkfifo', [rules]);
  const env = {
    ...process.env,
    TIDEMARK_HTTP_LISTEN: '127.0.0.1:0',
    TIDEMARK_DATA: join(folder.path, 'data'),
    TIDEMARK_RULES_FILES: rules,
  };
  let unwritten: FileHandle | undefined;
  await using starting = await startProcess({
    name: 'tidemark',
    command: process.execPath,
    args: ['-C', 'source', join(import.meta.dirname, '..', 'src', 'main.ts'), 'serve'],
    env,
    cwd: folder.path,
    ready: async () => {
      unwritten = await open(rules, constants.O_WRONLY | constants.O_NONBLOCK); // throws until somebody reads it
      return true;
    },
  });
  starting.signal('SIGTERM');
  await expect.poll(() => starting.output).toContain('Stopping: it was not ready yet.');
  await unwritten?.writeFile('groups: []\n');
  await unwritten?.close();
  expect(await starting.exited).toEqual({ code: 0, signal: null });
  expect(starting.output).not.toContain('is ready');
});

test('a writer that does not stop while the server does: what was answered 204 is there, the rest was told', async () => {
  await using server = await startTidemark({ env: QUIET });
  const acknowledged: [number, number][] = [];
  let at = Date.now() - 100_000;
  const writing = (async () => {
    for (let value = 0; ; value++, at += 1) {
      const point = { timestampMs: at, value };
      const answer = await sendRemoteWrite(server.url, [{ labels: { __name__: 'busy' }, samples: [point] }]);
      if (answer.status !== 204) return answer.status;
      acknowledged.push([at, value]);
    }
  })().catch((error: Error) => error.message);
  await until('a hundred answers', 20_000, async () => (acknowledged.length >= 100 ? true : undefined));
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  // A refused connection, a cut one or 503: never a refusal that a sender takes for final.
  expect(String(await writing)).toMatch(/^(503|fetch failed|terminated|other side closed)$/);
  await server.restart();
  const found = await stored(server, 'busy');
  expect(found.slice(0, acknowledged.length)).toEqual(acknowledged);
  expect(found.length - acknowledged.length).toBeLessThanOrEqual(1); // one may be on disk whose answer was cut
});

test('flush answers when everything acknowledged is in the store, and nothing needs the log then', async () => {
  await using server = await startTidemark({ env: QUIET });
  const sent = await send(server, 'flushed', 300);
  const response = await fetch(`${server.url}/api/v1/admin/flush`, { method: 'POST' });
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: 'success', data: { caughtUp: true } });
  await server.kill9();
  await server.restart();
  expect(await stored(server, 'flushed')).toEqual(sent);
});

// Of every role: a name, and whether it must have counted something after the story below.
const OWN_METRICS = [
  'tidemark_build_info',
  'process_cpu_seconds_total',
  'tidemark_ingest_samples_total',
  'tidemark_ingest_refused_total',
  'tidemark_ingest_active_series',
  'tidemark_log_append_seconds_count',
  'tidemark_storage_checkpoint_seconds_count',
  'tidemark_storage_series',
  'tidemark_rollup_records_total',
  'tidemark_query_seconds_count',
  'tidemark_rule_evaluation_seconds_count',
  'tidemark_host_collect_seconds_count',
];

test("host metrics within seconds; every role's own metrics, in a form promtool has nothing against", async () => {
  await using folder = await tempFolder('rules');
  const rules = join(folder.path, 'rules.yaml');
  await writeFile(rules, 'groups: [{ name: g, rules: [{ alert: A, expr: "vector(1) > 2" }] }]\n');
  await using server = await startTidemark({
    env: { TIDEMARK_COLLECTOR_HOST_INTERVAL: '1s', TIDEMARK_RULES_INTERVAL: '1s', TIDEMARK_RULES_FILES: rules },
  });
  const [load] = await until('node_load1', 15_000, async () => notEmpty(await vector(server.url, 'node_load1')));
  expect(Number(load?.value[1])).toBeGreaterThanOrEqual(0);
  const modes = await until('a rate of CPU seconds', 20_000, async () =>
    notEmpty(await vector(server.url, 'sum by (mode) (rate(node_cpu_seconds_total[30s]))')),
  );
  expect(modes.map(({ metric }) => metric['mode'])).toEqual(expect.arrayContaining(['idle', 'user', 'system']));
  // All modes of a core together are a second in a second.
  const COVERED = 'sum(rate(node_cpu_seconds_total[4s])) / count(node_cpu_seconds_total{mode="idle"})';
  await until('a second of every core in a second', 20_000, async () => {
    const [covered] = await vector(server.url, COVERED);
    return Math.abs(Number(covered?.value[1]) - 1) < 0.3 ? covered : undefined;
  });

  await sendRemoteWrite(server.url, [{ labels: { __name__: 'old' }, samples: [{ timestampMs: 0, value: 0 }] }]);
  await fetch(`${server.url}/api/v1/admin/flush`, { method: 'POST' });
  const page = await until('an evaluated rule', 10_000, async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return sumOf(text, 'tidemark_rule_evaluation_seconds_count') > 0 ? text : undefined;
  });
  for (const name of OWN_METRICS) expect(sumOf(page, name), name).toBeGreaterThan(0);
  expect(page).toMatch(
    /^tidemark_ingest_refused_total\{tenant="default",protocol="remote_write",reason="too_old"\} 1$/m,
  );
  expect(await promtool(page)).toEqual([]);
});

function notEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** Of all series of a name. */
function sumOf(text: string, name: string): number {
  const own = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return own.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** What `promtool check metrics` says, a line a complaint: text that does not parse, names and types it would not use. */
function promtool(text: string): Promise<string[]> {
  return new Promise((resolve) => {
    const child = execFile(findPromtool(), ['check', 'metrics'], (error, stdout, stderr) => {
      const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
      resolve(error && lines.length === 0 ? [error.message] : lines);
    });
    child.stdin?.end(text);
  });
}
