import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runProgram, startProcess, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import type { ServerState } from './servers.ts';
import type { MemberState } from './watch.ts';

// The whole command in an empty folder: it comes up, what is pushed is answered by way of Kafka, a store that is killed comes back,
// Ctrl-C leaves nothing behind, and the next start goes on from there.

const ROOT = resolve(import.meta.dirname, '../..');
const METRICS = Array.from({ length: 20 }, (_, i) => `stack_metric_${i}`);
const EVERYONE =
  'store-a0 store-a1 store-b0 rollup repartition ingest collect query rules notify Kafka schema-registry S3-server';

// On a busy machine; against a hang.
const PATIENT = { timeout: 90_000 };

interface State {
  readonly members: readonly MemberState[];
  readonly servers: readonly ServerState[];
}

const argsOn = (folder: string) => [
  ...['-C', 'source', join(ROOT, 'scripts/kafka-stack/main.ts')],
  ...['--folder', folder, '--port', '0'],
];

/** The command, when it says that all is ready. */
async function startStack(folder: string) {
  const stack = await startProcess({
    name: 'kafka-stack',
    command: process.execPath,
    args: argsOn(folder),
    env: withoutServers(process.env),
    readyMs: 180_000,
    stopMs: 90_000,
    ready: ({ output }) => Promise.resolve(output.includes('All is ready.')),
  });
  const page = /Who does what: (\S+)/.exec(stack.output)?.[1] ?? '';
  const state = async () => (await (await fetch(`${page}/state`)).json()) as State;
  const noted = () => JSON.parse(readFileSync(join(folder, 'processes.json'), 'utf8')) as { pid: number }[];
  /** As Ctrl-C does: the terminal and npm each send theirs. Resolves with those that run still. */
  const end = async () => {
    const before = noted();
    stack.signal('SIGINT');
    stack.signal('SIGINT');
    expect(await stack.exited).toEqual({ code: 0, signal: null });
    return before.filter(({ pid }) => runs(pid));
  };
  return { stack, page, state, noted, end, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

test('the stack comes up, answers, mends itself, goes and comes again', { timeout: 600_000 }, async () => {
  await using folder = await tempFolder('stack');
  await using first = await startStack(folder.path);
  const { stack, page, state } = first;
  const memberOf = async (name: string) => (await state()).members.find((each) => each.name === name) as MemberState;

  // Who is there, and who has what.
  const everyone = [...(await state()).members, ...(await state()).servers];
  expect(everyone.map(({ name }) => name.replaceAll(' ', '-')).join(' ')).toBe(EVERYONE);
  expect(everyone.filter((each) => each.state !== 'ready')).toEqual([]);
  const shares = Object.fromEntries((await state()).members.map(({ name, partitions }) => [name, partitions]));
  expect(shares).toMatchObject({ 'store-a0': [0, 2], 'store-a1': [1, 3], 'store-b0': [0, 1, 2, 3] });
  await expect.poll(async () => (await memberOf('rollup')).partitions, PATIENT).toEqual([0, 1, 2, 3]);
  await expect.poll(async () => (await memberOf('store-a0')).lag, PATIENT).toBeTypeOf('number');
  expect(await (await fetch(page)).text()).toContain('Tidemark by role');

  // In at one process, out at another.
  const [ingest, query] = [(await memberOf('ingest')).url, (await memberOf('query')).url];
  await push(ingest, 1);
  expect(await valuesOf(query)).toEqual(METRICS.map(() => 1));

  // A store that is killed is answered for by the other zone, and started again under another pid.
  const before = await memberOf('store-a0');
  process.kill(before.pid as number, 'SIGKILL');
  await push(ingest, 2);
  expect(await valuesOf(query)).toEqual(METRICS.map(() => 2));
  await expect
    .poll(async () => await memberOf('store-a0'), PATIENT)
    .toMatchObject({ state: 'ready', restarts: 1, partitions: [0, 2] });
  expect((await memberOf('store-a0')).pid).not.toBe(before.pid);
  expect(stack.output).toMatch(/store-a0 ended \(SIGKILL\) and starts again in 1 s/);

  // So is a server.
  const s3 = async () => (await state()).servers.find(({ name }) => name === 'S3 server') as ServerState;
  const killed = (await s3()).pid as number;
  process.kill(killed, 'SIGKILL');
  await expect.poll(async () => (await s3()).pid, PATIENT).not.toBe(killed);
  await expect.poll(async () => (await s3()).state, PATIENT).toBe('ready');

  // Another stack keeps its hands off.
  const another = runProgram(process.execPath, argsOn(folder.path), { timeoutMs: 60_000 });
  await expect(another).rejects.toThrow(/on this folder there runs already: stack \(\d+\), Kafka \(\d+\)/);

  // One of the ten scrapes them all, and the dashboard of the roles has something to draw in each panel.
  await expect.poll(() => panelsWithoutData(query), { ...PATIENT, interval: 1000 }).toEqual([]);

  // What another site's page posts is refused; the page itself may stop one.
  expect((await fetch(`${page}/stop/rules`, { method: 'POST' })).status).toBe(403);
  const stopped = await fetch(`${page}/stop/rules`, { method: 'POST', headers: { 'x-stack': 'page' } });
  expect(stopped.status).toBe(204);
  await expect.poll(async () => (await memberOf('rules')).state).toBe('stopped');

  const schema = await register(await registryOf(state));
  expect(first.noted().length).toBe(1 + everyone.length - 1);
  expect(await first.end()).toEqual([]);
  expect(stack.output).toMatch(/Ending\.\n.* All has ended\.\n$/);
  expect(readdirSync(folder.path).sort()).toEqual(['kafka', 'rollup', 's3', 'store-a0', 'store-a1', 'store-b0']);

  // What was there is there again: samples, and the schemas of others.
  await using second = await startStack(folder.path);
  const members = (await second.state()).members;
  expect(await valuesOf(members.find(({ name }) => name === 'query')?.url as string)).toEqual(METRICS.map(() => 2));
  const found = await fetch(`${await registryOf(second.state)}/schemas/ids/${schema}`);
  expect(await found.json()).toMatchObject({ schema: SCHEMA });
  expect(await second.end()).toEqual([]);
});

const SCHEMA = '{"type":"record","name":"Theirs","fields":[{"name":"a","type":"int"}]}';

async function registryOf(state: () => Promise<State>): Promise<string> {
  return (await state()).servers.find(({ name }) => name === 'schema registry')?.at ?? '';
}

/** Its id. */
async function register(url: string): Promise<number> {
  const response = await fetch(`${url}/subjects/theirs-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: SCHEMA }),
  });
  return ((await response.json()) as { id: number }).id;
}

async function push(url: string, value: number): Promise<void> {
  const body = METRICS.map((name) => `${name} ${value}\n`).join('');
  const response = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
}

/** Of all the metrics, strongly: what was acknowledged before is there. */
async function valuesOf(url: string): Promise<number[]> {
  const query = 'sort_by_label({__name__=~"stack_metric_.*"}, "__name__")';
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`, {
    headers: { 'x-read-consistency': 'strong' },
  });
  const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
  return data.result.map(({ value }) => Number(value[1]));
}

/** Titles of panels whose questions have no answer. `$__rate_interval`: what Grafana makes of four scrapes. */
async function panelsWithoutData(url: string): Promise<string[]> {
  const file = join(ROOT, 'docker/grafana/dashboards/roles.json');
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const asked = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
  const found = await Promise.all(
    asked.map(async ({ title, expr }) => {
      const query = encodeURIComponent(expr.replaceAll('$__rate_interval', '1m'));
      const response = await fetch(`${url}/api/v1/query?query=${query}`);
      const { data, error } = (await response.json()) as { data?: { result: unknown[] }; error?: string };
      if (data === undefined) throw new Error(`${title}: ${error}`);
      return { title, count: data.result.length };
    }),
  );
  return found.filter(({ count }) => count === 0).map(({ title }) => title);
}

/** Those that somebody has named are no part of this. */
function withoutServers(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const { KAFKA_BROKERS: _k, SCHEMA_REGISTRY_URL: _r, S3_ENDPOINT: _s, ...rest } = env;
  return rest;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
