import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runAmtool, startAlertmanager, startPrometheus, startTidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, onTestFinished, test, vi } from 'vitest';

// Who talks to an Alertmanager talks to Tidemark: amtool, a Prometheus that sends alerts, and a list of requests to which a real
// Alertmanager gives the same answers.

const CONFIG = `
route:
  receiver: root
  group_by: [alertname]
  group_wait: 1s
  group_interval: 2s
  routes:
    - matchers: [severity="page"]
      receiver: pager
      continue: true
    - match_re: {team: a|b}
      receiver: team
receivers: [{name: root}, {name: pager}, {name: team}]
inhibit_rules:
  - source_matchers: [severity="page"]
    target_matchers: [severity="warn"]
    equal: [instance]
`;

async function tidemarkWith(config: string) {
  const folder = await tempFolder('notifier');
  const file = join(folder.path, 'alertmanager.yml');
  await writeFile(file, config);
  const tidemark = await startTidemark({
    config: `notifier: {config: ${file}}\n`,
    env: { TIDEMARK_COLLECTOR_HOST: 'false' },
  });
  onTestFinished(async () => {
    await tidemark[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  return { tidemark, file };
}

test('amtool: alerts, silences, routes; a silence outlives kill -9', async () => {
  const { tidemark } = await tidemarkWith(CONFIG);
  const amtool = async (...args: string[]) => {
    const { code, stdout, stderr } = await runAmtool([`--alertmanager.url=${tidemark.url}/alertmanager`, ...args]);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.trim();
  };
  await amtool('alert', 'add', 'alertname=Down', 'severity=page', 'instance=i1', 'team=a');
  await amtool('alert', 'add', 'alertname=Slow', 'severity=warn', 'instance=i1', '--annotation=summary=hm');
  expect(await amtool('alert', 'query')).toMatch(/^Alertname .*\nDown .* active *$/);
  expect(await amtool('alert', 'query', '--inhibited')).toMatch(/\nSlow .* hm .* suppressed *$/);
  const id = await amtool('silence', 'add', 'alertname=Down', '--comment=known', '--author=me', '--duration=1h');
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(await amtool('alert', 'query', '--silenced')).toMatch(/\nDown .* suppressed *$/);
  await amtool('silence', 'update', id, '--duration=2h', '--comment=longer');
  await tidemark.kill9();
  await tidemark.restart();
  expect(await amtool('silence', 'query')).toMatch(new RegExp(`\\n${id} +alertname="Down" .* me +longer *$`));
  expect(await amtool('alert', 'query', '--silenced')).toMatch(/\nDown .* suppressed *$/);
  await amtool('silence', 'expire', id);
  expect(await amtool('silence', 'query', '--quiet')).toBe('');
  expect(await amtool('silence', 'query', '--expired', '--quiet')).toBe(id);
  expect(await amtool('alert', 'query')).toMatch(/\nDown .* active *$/);
  expect(await amtool('config', 'routes', 'test', 'severity=page', 'team=b')).toBe('pager,team');
  expect(await amtool('config', 'routes', 'test', 'team=c')).toBe('root');
  expect(await amtool('config', 'show')).toContain('group_interval: 2s');
});

// Times and ids differ from run to run; where one stands, a word stands here.
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
];
const same = (text: string) => WORDS.reduce((left, [pattern, word]) => left.replace(pattern, word), text);

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly raw?: string;
  /** Words differ by design: only the status must be the same. */
  readonly statusOnly?: true;
}

const silence = (over: Record<string, unknown>) => ({
  method: 'POST',
  path: '/silences',
  body: {
    matchers: [{ name: 'alertname', value: 'Down', isRegex: false }],
    startsAt: '2020-01-01T00:00:00Z',
    endsAt: '2100-01-01T00:00:00Z',
    createdBy: 'me',
    comment: 'why',
    ...over,
  },
});
const post = (body: unknown) => ({ method: 'POST', path: '/alerts', body });
const matching = (matcher: Record<string, unknown>) => silence({ matchers: [{ isRegex: false, ...matcher }] });

const REQUESTS: readonly Asked[] = [
  { path: '/receivers' },
  { path: '/alerts' },
  post([
    { labels: { alertname: 'Down', severity: 'page', instance: 'i1', team: 'a' }, endsAt: '2100-01-01T00:00:00Z' },
    {
      labels: { alertname: 'Slow', severity: 'warn', instance: 'i1', empty: '' },
      annotations: { x: 'y' },
      generatorURL: 'http://g/?a=b',
    },
    { labels: { alertname: 'Slow', severity: 'warn', instance: 'i2', job: 'z' }, startsAt: '2024-01-01T00:00:00Z' },
    { labels: { alertname: 'Slow', severity: 'warn', instance: 'i3', job: 'b' } },
    {
      labels: { alertname: 'Over', severity: 'warn' },
      startsAt: '2024-01-01T00:00:00Z',
      endsAt: '2024-01-02T00:00:00Z',
    },
    { labels: { other: 'x', team: 'b' } },
  ]),
  { path: '/alerts' },
  { path: '/alerts/groups' },
  post([{ labels: {} }]),
  post([{ labels: { a: '' } }, { labels: { alertname: 'Taken' } }]),
  post([{ annotations: {} }]),
  post([{ labels: { a: 'b' }, startsAt: '2024-01-02T00:00:00Z', endsAt: '2024-01-01T00:00:00Z' }]),
  { ...post(undefined), raw: '' },
  { ...post({}), statusOnly: true },
  { ...post(undefined), raw: '[{', statusOnly: true },
  { ...post([{ labels: { a: 1 } }]), statusOnly: true },
  { ...post([{ labels: { a: 'b' }, startsAt: 'soon' }]), statusOnly: true },
  { ...post([{ labels: { a: 'b' }, generatorURL: '%zz' }]), statusOnly: true },
  { path: '/alerts?filter=alertname%3D%22Down%22' },
  { path: '/alerts?filter=alertname%3D~%22Down%7CSlow%22&filter=instance!%3Di1' },
  { path: '/alerts?filter=job%3D%22%22' },
  { path: '/alerts?filter=job!%3D%22%22' },
  { path: '/alerts?filter=alertname', statusOnly: true },
  { path: '/alerts?receiver=pag' },
  { path: '/alerts?receiver=page.*' },
  { path: '/alerts?receiver=(', statusOnly: true },
  { path: '/alerts?active=false' },
  { path: '/alerts?inhibited=false' },
  { path: '/alerts?unprocessed=false' },
  { path: '/alerts/groups?receiver=team' },
  { path: '/alerts/groups?filter=severity%3D%22warn%22' },
  { path: '/alerts/groups?inhibited=false' },
  { path: '/alerts/groups?active=false' },
  { method: 'DELETE', path: '/alerts', statusOnly: true },
  { path: '/nothing', statusOnly: true },
  { path: '/silences' },
  silence({}),
  { path: '/silences' },
  { path: '/alerts' },
  { path: '/alerts?silenced=false' },
  { path: '/alerts/groups?silenced=false' },
  silence({
    startsAt: '2099-01-01T00:00:00Z',
    matchers: [
      { name: 'a', value: 'b.*', isRegex: true, isEqual: false },
      { name: 'c', value: 'd', isRegex: false },
    ],
  }),
  { path: '/silences' },
  { path: '/silences?filter=a%3D~%22b.*%22' },
  { path: '/silences?filter=a!~%22b.*%22' },
  { path: '/silences?filter=a%3D%22%22' },
  { path: '/silences?filter=c%3Dd&filter=a!~b.*' },
  { path: '/silences?filter=alertname%3DDown' },
  { path: '/silences?filter=alertname%3DUp' },
  { path: '/silences?filter=(', statusOnly: true },
  silence({ id: '00000000-0000-4000-8000-000000000000' }),
  silence({ matchers: [] }),
  silence({ matchers: undefined }),
  silence({ comment: undefined }),
  silence({ createdBy: undefined }),
  silence({ comment: '', createdBy: '' }),
  silence({ endsAt: undefined }),
  silence({ startsAt: '2100-01-02T00:00:00Z' }),
  silence({ endsAt: '2021-01-01T00:00:00Z' }),
  matching({ name: 'a', value: '' }),
  matching({ name: 'a', value: '.*', isRegex: true }),
  matching({ name: '', value: 'x' }),
  { ...matching({ name: 'a', value: '(', isRegex: true }), statusOnly: true },
  { ...matching({ name: 'a', value: 'x', isRegex: undefined }) },
  { ...silence({ startsAt: 'now' }), statusOnly: true },
  { method: 'POST', path: '/silences', raw: '' },
  { method: 'POST', path: '/silences', raw: '{', statusOnly: true },
  { path: '/silence/nonsense' },
  { path: '/silence/00000000-0000-4000-8000-000000000000' },
  { method: 'PUT', path: '/silences', statusOnly: true },
];

test('the answers are those of a real Alertmanager', async () => {
  await using alertmanager = await startAlertmanager(CONFIG);
  const { tidemark } = await tidemarkWith(CONFIG);
  const ask = async (base: string, { method = 'GET', path, body, raw }: Asked) => {
    const response = await fetch(`${base}/api/v2${path}`, {
      method,
      ...(method === 'POST'
        ? { headers: { 'content-type': 'application/json' }, body: raw ?? JSON.stringify(body) }
        : {}),
    });
    const text = await response.text();
    return { status: response.status, answer: text === '' ? '' : withoutNews(JSON.parse(same(text))) };
  };
  const wrong: unknown[] = [];
  for (const asked of REQUESTS) {
    const [theirs, ours] = [await ask(alertmanager.url, asked), await ask(tidemark.url, asked)];
    const isSame = asked.statusOnly
      ? theirs.status === ours.status
      : JSON.stringify(sorted(theirs)) === JSON.stringify(sorted(ours));
    if (!isSame) wrong.push({ asked, theirs, ours });
  }
  expect(wrong).toEqual([]);
});

test('a silence is changed, replaced and expired as there', async () => {
  await using alertmanager = await startAlertmanager(CONFIG);
  const { tidemark } = await tidemarkWith(CONFIG);
  const story = async (base: string) => {
    const send = async (path: string, method = 'GET', body?: unknown) => {
      const response = await fetch(`${base}/api/v2${path}`, {
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, json: (text === '' ? undefined : JSON.parse(text)) as never };
    };
    const states = async () => {
      const { json } = await send('/silences');
      return (json as { id: string; status: { state: string }; comment: string }[])
        .map(({ id, status, comment }) => `${names.get(id)} ${status.state} ${comment}`)
        .sort();
    };
    const names = new Map<string, string>();
    const set = async (over: Record<string, unknown>) => {
      const { status, json } = await send('/silences', 'POST', silence(over).body);
      const { silenceID } = (json ?? {}) as { silenceID?: string };
      if (silenceID !== undefined && !names.has(silenceID)) names.set(silenceID, `s${names.size}`);
      return { status, id: silenceID ?? '' };
    };
    const steps: unknown[] = [];
    const { id } = await set({ comment: 'first' });
    const { json } = await send(`/silence/${id}`);
    const { startsAt } = json as { startsAt: string };
    const note = async (what: string) => steps.push([what, await states()]);
    await note('made');
    await set({ id, startsAt, comment: 'only the comment' });
    await note('the same one');
    await set({ id, startsAt, endsAt: '2101-01-01T00:00:00Z', comment: 'longer' });
    await note('the same one, longer');
    const other = await set({
      id,
      startsAt,
      matchers: [{ name: 'x', value: 'y', isRegex: false }],
      comment: 'another',
    });
    await note('another one, the first is over');
    steps.push(
      (await send(`/silence/${other.id}`, 'DELETE')).status,
      (await send(`/silence/${other.id}`, 'DELETE')).status,
    );
    await note('expired');
    await set({ id: other.id, startsAt, comment: 'again' });
    await note('what has expired is made anew');
    const pending = await set({ startsAt: '2099-01-01T00:00:00Z', comment: 'later' });
    await set({ id: pending.id, startsAt: '2099-06-01T00:00:00Z', comment: 'still later' });
    await note('one that has not begun may be moved');
    return steps;
  };
  expect(await story(tidemark.url)).toEqual(await story(alertmanager.url));
});

/** What newer Alertmanagers have and 0.25 has not. */
function withoutNews(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNews);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== 'mutedBy');
  return Object.fromEntries(kept.map(([name, each]) => [name, withoutNews(each)]));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]));
}

test('a real Prometheus sends its alerts here, and they go on to a webhook', async () => {
  const received: { status: string; alerts: { labels: Record<string, string> }[] }[] = [];
  const hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push(JSON.parse(Buffer.concat(chunks).toString('utf8')) as never);
      response.end();
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void hook.close());
  const { port } = hook.address() as AddressInfo;
  const { tidemark, file } = await tidemarkWith(CONFIG);
  const folder = await tempFolder('rules');
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const rules = join(folder.path, 'rules.yml');
  await writeFile(rules, 'groups: [{name: g, rules: [{alert: Always, expr: vector(1), labels: {team: a}}]}]\n');
  await using _ = await startPrometheus({
    args: ['--rules.alert.resend-delay=1s'],
    config: `
global: {evaluation_interval: 1s}
rule_files: [${rules}]
alerting:
  alertmanagers: [{path_prefix: /alertmanager, static_configs: [{targets: ['${new URL(tidemark.url).host}']}]}]
`,
  });
  const alerts = async () => (await (await fetch(`${tidemark.url}/api/v2/alerts`)).json()) as { receivers: unknown }[];
  await vi.waitFor(async () => expect(await alerts()).toHaveLength(1), { timeout: 40_000 });
  expect((await alerts())[0]).toMatchObject({
    labels: { alertname: 'Always', team: 'a' },
    receivers: [{ name: 'team' }],
    status: { state: 'active' },
    generatorURL: expect.stringContaining('vector%281%29'),
  });
  // The file changes: no restart, and the new receiver is told of what fires already.
  await writeFile(
    file,
    CONFIG.replace('{name: team}', `{name: team, webhook_configs: [{url: "http://127.0.0.1:${port}/"}]}`),
  );
  await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 40_000 });
  expect(received[0]).toMatchObject({ status: 'firing', alerts: [{ labels: { alertname: 'Always', team: 'a' } }] });
  // A broken one is said with its line, and changes nothing.
  await writeFile(file, 'route: {receiver: nobody}\n');
  await vi.waitFor(() => expect(tidemark.logs).toContain('alertmanager.yml:1: there is no receiver'), {
    timeout: 40_000,
  });
  expect(await (await fetch(`${tidemark.url}/metrics`)).text()).toContain(
    'tidemark_notifier_config_last_reload_successful 0',
  );
  expect(await alerts()).toHaveLength(1);
});
