import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NodeExporter, startNodeExporter, startTidemark, type Tidemark, tempFolder } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Every question of every dashboard, asked of a running Tidemark as Grafana's Prometheus data source asks it: POST with a form,
// `query` for instant targets, `query_range` aligned to its step for the others, `label/<name>/values` with match[] for variables.
// The server scrapes a real node_exporter, reads its own host, stores its own metrics, and has the rules of compose.yaml, one of
// which fires. Nothing of the product is imported.

const HERE = import.meta.dirname;
const STEP_SECONDS = 15;
const RANGE_SECONDS = 3600;
// What Grafana makes of it at a step of 15 s and the data source's interval of 15 s: four of them.
const RATE_INTERVAL = '1m0s';
const DATA_WITHIN_MS = 50_000;

interface Target {
  readonly expr: string;
  readonly instant: boolean;
}

interface Dashboard {
  readonly title: string;
  readonly panels: readonly { readonly title: string; readonly targets: readonly Target[] }[];
  readonly templating: { readonly list: readonly Variable[] };
}

interface Variable {
  readonly name: string;
  readonly query: { readonly query: string };
  readonly allValue?: string;
  readonly includeAll: boolean;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

// That of the roles is asked where there are several: scripts/kafka-stack/kafka-stack.kafka.test.ts.
const files = readdirSync(join(HERE, 'dashboards')).filter((file) => file !== 'roles.json');
const boards = files.map((file) => JSON.parse(readFileSync(join(HERE, 'dashboards', file), 'utf8')) as Dashboard);

let server: Tidemark;
let exporter: NodeExporter;
const cleanup = new AsyncDisposableStack();

beforeAll(async () => {
  const folder = cleanup.use(await tempFolder('grafana'));
  exporter = cleanup.use(await startNodeExporter());
  await mkdir(join(folder.path, 'rules'));
  // As they are shipped, but looked at every second.
  const rules = readdirSync(join(HERE, '..', 'rules')).map((file) => join(HERE, '..', 'rules', file));
  const pending = 'groups: [{ name: later, rules: [{ alert: Later, expr: vector(1), for: 1h }] }]\n';
  await writeFile(join(folder.path, 'rules', 'later.yaml'), pending);
  server = cleanup.use(
    await startTidemark({
      env: { TIDEMARK_COLLECTOR_SELF: 'true', TIDEMARK_COLLECTOR_SELF_INTERVAL: '1s' },
      config: JSON.stringify({
        collector: { host: true, hostInterval: '1s', instance: 'own-host' },
        scrape: {
          interval: '1s',
          timeout: '1s',
          configs: [{ job_name: 'node', static_configs: [{ targets: [new URL(exporter.url).host] }] }],
        },
        rules: { files: [...rules, join(folder.path, 'rules', 'later.yaml')], interval: '1s' },
      }),
    }),
  );
}, 60_000);
afterAll(() => cleanup.disposeAsync());

async function api<T>(path: string, params: Record<string, string>, method: 'GET' | 'POST'): Promise<T> {
  const form = new URLSearchParams(params);
  const url = `${server.url}/api/v1/${path}`;
  const response = method === 'GET' ? await fetch(`${url}?${form}`) : await fetch(url, { method, body: form });
  const body = (await response.json()) as { status: string; data: T; error?: string };
  if (body.status !== 'success') throw new Error(`${path} ${form}: ${response.status} ${body.error}`);
  return body.data;
}

/** As `label_values(metric, label)` is asked. */
async function valuesOf({ name, query }: Variable): Promise<readonly string[]> {
  const [, metric, label] = /^label_values\((.+), (\w+)\)$/.exec(query.query) ?? [];
  if (metric === undefined) throw new Error(`variable ${name}: ${query.query} is no label_values`);
  const now = Math.floor(Date.now() / 1000);
  const window = { start: String(now - RANGE_SECONDS), end: String(now) };
  return api<string[]>(`label/${label}/values`, { 'match[]': metric, ...window }, 'GET');
}

function ask(
  { expr, instant }: Target,
  scope: Readonly<Record<string, string>>,
): Promise<{ result: readonly Series[] }> {
  const query = expr.replace(/\$(\w+)/g, (_, name: string) => {
    const value = name === '__rate_interval' ? RATE_INTERVAL : scope[name];
    if (value === undefined) throw new Error(`${expr}: nobody says what $${name} is`);
    return value;
  });
  const now = Math.floor(Date.now() / 1000);
  if (instant) return api('query', { query, time: String(now) }, 'POST');
  const end = Math.floor(now / STEP_SECONDS) * STEP_SECONDS;
  const range = { start: String(end - RANGE_SECONDS), end: String(end), step: String(STEP_SECONDS) };
  return api('query_range', { query, ...range }, 'POST');
}

/** Something a panel can draw: at least one number. */
function hasData({ result }: { readonly result: readonly Series[] }): boolean {
  const samples = result.flatMap(({ value, values }) => values ?? (value ? [value] : []));
  return samples.some(([, text]) => Number.isFinite(Number(text)));
}

interface Asked {
  readonly name: string;
  readonly target: Target;
  readonly scope: Readonly<Record<string, string>>;
  /** What someone chose instead of All: a panel may then have nothing to show, but not whatever is chosen. */
  readonly chosen: boolean;
}

/** Every target under every value that its variables offer. */
async function questionsOf(board: Dashboard): Promise<Asked[]> {
  let scopes: { readonly values: Record<string, string>; readonly chosen: boolean }[] = [{ values: {}, chosen: false }];
  for (const variable of board.templating.list) {
    const found = (await valuesOf(variable)).map((value) => ({ value, chosen: variable.includeAll }));
    const offered = variable.includeAll ? [...found, { value: variable.allValue ?? '.*', chosen: false }] : found;
    scopes = scopes.flatMap((scope) =>
      offered.map(({ value, chosen }) => ({
        values: { ...scope.values, [variable.name]: value },
        chosen: scope.chosen || chosen,
      })),
    );
  }
  return board.panels.flatMap(({ title, targets }) =>
    targets.flatMap((target) =>
      scopes.map(({ values, chosen }) => {
        const name = `${title} ${JSON.stringify(values)}: ${target.expr}`;
        return { name, target, scope: values, chosen };
      }),
    ),
  );
}

/** Names of the questions that had no data. */
async function withoutData(questions: readonly Asked[]): Promise<string[]> {
  const empty: string[] = [];
  const chosen = new Map<Target, boolean>();
  for (const question of questions) {
    const found = hasData(await ask(question.target, question.scope));
    if (question.chosen) chosen.set(question.target, found || chosen.get(question.target) === true);
    else if (!found) empty.push(question.name);
  }
  for (const [target, found] of chosen) if (!found) empty.push(`whatever is chosen: ${target.expr}`);
  return empty;
}

test('every variable offers values', { timeout: 60_000 }, async () => {
  const offered = () =>
    Promise.all(
      boards.flatMap(({ templating }) => templating.list.map(async (one) => [one.name, await valuesOf(one)] as const)),
    );
  await expect
    .poll(async () => (await offered()).map(([name, values]) => [name, values.length]), {
      timeout: DATA_WITHIN_MS,
      interval: 500,
    })
    .toEqual(
      expect.arrayContaining([
        ['instance', 2],
        ['instance', 1],
        ['alertname', 2],
      ]),
    );
  const values = Object.fromEntries(
    (await offered()).map(([name, found]) => [`${name} ${found.length}`, [...found].sort()]),
  );
  expect(values['instance 2']).toEqual([new URL(exporter.url).host, 'own-host'].sort());
  expect(values['alertname 2']).toEqual(['Later', 'Watchdog']);
});

test.each(boards.map((board) => [board.title, board] as const))(
  '%s: every panel has data',
  { timeout: 120_000 },
  async (_title, board) => {
    let without: readonly string[];
    const deadline = performance.now() + DATA_WITHIN_MS;
    do {
      const questions = await questionsOf(board);
      expect(questions.length).toBeGreaterThan(board.panels.length);
      without = await withoutData(questions);
      if (without.length > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
    } while (without.length > 0 && performance.now() < deadline);
    expect(without).toEqual([]);
  },
);

test('what fires is on the table, as the state that it is in', async () => {
  const { result } = await api<{ result: readonly Series[] }>(
    'query',
    { query: 'ALERTS{alertstate="firing"}' },
    'POST',
  );
  expect(result.map(({ metric }) => metric['alertname'])).toContain('Watchdog');
});

test('what the data source asks besides: its health, the version, names, help, rules', async () => {
  const health = await api<{ result: unknown }>(
    'query',
    { query: '1+1', time: String(Math.floor(Date.now() / 1000)) },
    'POST',
  );
  expect(health).toMatchObject({ resultType: 'scalar', result: [expect.any(Number), '2'] });
  const { version } = await api<{ version: string }>('status/buildinfo', {}, 'GET');
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(await api('labels', { 'match[]': 'node_load1' }, 'GET')).toEqual(['__name__', 'instance', 'job']);
  expect(await api('metadata', { limit: '5000' }, 'GET')).toMatchObject({
    tidemark_build_info: [{ type: 'gauge', help: 'Always 1; the version is a label.' }],
  });
  const { groups } = await api<{ groups: readonly { name: string }[] }>('rules', {}, 'GET');
  expect(groups.map(({ name }) => name).sort()).toEqual(['host', 'later', 'tidemark']);
});

test('the second data source answers as an Alertmanager', async () => {
  const base = `${server.url}/alertmanager/api/v2`;
  await expect
    .poll(
      async () =>
        ((await (await fetch(`${base}/alerts`)).json()) as { labels: Record<string, string> }[]).map(
          ({ labels }) => labels['alertname'],
        ),
      { timeout: 30_000 },
    )
    .toContain('Watchdog');
  expect(await (await fetch(`${base}/status`)).json()).toMatchObject({
    cluster: { status: expect.any(String) },
    versionInfo: { version: expect.any(String) },
  });
  expect(await (await fetch(`${base}/silences`)).json()).toEqual([]);
});
