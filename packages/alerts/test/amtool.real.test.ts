import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Labels, labelsOf } from '@tidemark/model';
import { withSeed } from '@tidemark/testkit';
import { runAmtool, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { readAlertmanagerFile } from '../src/index.ts';
import { routesOf } from '../src/notifier/route.ts';

// What a real amtool makes of files and of label sets, we make of them too.

const receivers = 'receivers: [{name: a}, {name: b}, {name: c}]\n';
const route = (text: string) => `route: ${text}\n${receivers}`;
const child = (text: string) => route(`{receiver: a, routes: [${text}]}`);
const receiver = (text: string) => `route: {receiver: a}\nreceivers:\n  - name: a\n    ${text}\n`;
const mail = (text: string) => receiver(`email_configs: [{to: t@x, from: f@x, smarthost: 'h:25', ${text}}]`);
const hook = (text: string) => receiver(`webhook_configs: [{url: 'http://x/', ${text}}]`);
const times = (text: string) =>
  `route: {receiver: a}\n${receivers}time_intervals: [{name: n, time_intervals: [${text}]}]\n`;
const inhibit = (text: string) => `route: {receiver: a}\n${receivers}inhibit_rules: [${text}]\n`;

const FILES: readonly string[] = [
  '',
  'route:\n',
  receivers,
  route('{receiver: a}'),
  route('{receiver: d}'),
  route('{}'),
  route('{receiver: a, extra: 1}'),
  route('{receiver: a, match: {x: y}}'),
  route('{receiver: a, match_re: {x: y}}'),
  route('{receiver: a, matchers: [x=y]}'),
  route('{receiver: a, continue: true}'),
  route('{receiver: a, mute_time_intervals: [n]}'),
  route('{receiver: a, group_by: [x, y]}'),
  route('{receiver: a, group_by: [x, x]}'),
  route("{receiver: a, group_by: ['...']}"),
  route("{receiver: a, group_by: ['...', x]}"),
  route('{receiver: a, group_by: x}'),
  route('{receiver: a, group_wait: 0s}'),
  route('{receiver: a, group_interval: 0s}'),
  route('{receiver: a, repeat_interval: 0s}'),
  route('{receiver: a, group_wait: 1h30m}'),
  route('{receiver: a, group_wait: 1.5h}'),
  route('{receiver: a, group_wait: 10}'),
  child('{receiver: b}'),
  child('{receiver: d}'),
  child('{match: {x: y}}'),
  child('{match: {x: 1}}'),
  child("{match_re: {x: '('}}"),
  child("{match_re: {x: 'y|z'}}"),
  child('{matchers: [x=y, z!=w]}'),
  child("{matchers: ['x=~\"y|z\"', '{a=b,c!~d}']}"),
  child('{matchers: [x]}'),
  child('{matchers: [=y]}'),
  child("{matchers: ['x=\"y']}"),
  child("{matchers: ['x=y\"']}"),
  child("{matchers: ['x=~(']}"),
  child('{matchers: x=y}'),
  child('{mute_time_intervals: [n]}'),
  'route: {receiver: a}\nreceivers: [{name: a}, {name: a}]\n',
  'route: {receiver: a}\nreceivers: [{name: a}, {}]\n',
  `route: {receiver: a}\n${receivers}unknown: 1\n`,
  `route: {receiver: a}\nroute: {receiver: b}\n${receivers}`,
  `global: {resolve_timeout: 5m}\n${route('{receiver: a}')}`,
  `global: {resolve_timeout: soon}\n${route('{receiver: a}')}`,
  `global: {smtp_smarthost: x}\n${route('{receiver: a}')}`,
  `global: {smtp_smarthost: 'x:'}\n${route('{receiver: a}')}`,
  `global: {slack_api_url: x}\n${route('{receiver: a}')}`,
  `global: {unknown: x}\n${route('{receiver: a}')}`,
  mail(''),
  mail('send_resolved: yes'),
  mail('require_tls: maybe'),
  mail('headers: {Subject: s, X-A: b}'),
  mail('headers: {subject: s, Subject: t}'),
  mail('unknown: 1'),
  mail("html: ''"),
  mail('tls_config: {insecure_skip_verify: true}'),
  receiver('email_configs: [{from: f@x, smarthost: "h:25"}]'),
  receiver('email_configs: [{to: t@x, smarthost: "h:25"}]'),
  receiver('email_configs: [{to: t@x, from: f@x}]'),
  receiver('email_configs: {to: t@x}'),
  hook(''),
  hook('max_alerts: 3'),
  hook('max_alerts: many'),
  hook('max_alerts: -1'),
  hook('send_resolved: false'),
  hook('http_config: {follow_redirects: false}'),
  hook('http_config: {basic_auth: {username: u, password: p}}'),
  hook('http_config: {basic_auth: {username: u, password: p, password_file: f}}'),
  hook('http_config: {bearer_token: t, basic_auth: {username: u}}'),
  hook('http_config: {authorization: {credentials: t}}'),
  hook('http_config: {authorization: {type: Basic, credentials: t}}'),
  hook('http_config: {authorization: {credentials: t}, bearer_token: t}'),
  hook('http_config: {unknown: 1}'),
  receiver('webhook_configs: [{}]'),
  receiver("webhook_configs: [{url: 'x'}]"),
  receiver("webhook_configs: [{url: 'ftp://x'}]"),
  receiver("webhook_configs: [{url: 'https://u:p@x/y?z'}]"),
  receiver('pagerduty_configs: [{}]'),
  receiver('pagerduty_configs: [{service_key: k}]'),
  receiver('pagerduty_configs: [{routing_key: k, images: [{src: s, href: h}], details: {a: b}}]'),
  receiver('slack_configs: [{channel: c}]'),
  receiver("slack_configs: [{api_url: 'http://x', channel: c, fields: [{title: t, value: v, short: true}]}]"),
  receiver('opsgenie_configs: [{api_key: k, responders: [{type: team, name: n}]}]'),
  receiver('opsgenie_configs: [{api_key: k, responders: [{type: crowd, name: n}]}]'),
  receiver('opsgenie_configs: [{api_key: k, responders: [{type: team}]}]'),
  receiver('victorops_configs: [{api_key: k}]'),
  receiver('victorops_configs: [{api_key: k, routing_key: r}]'),
  receiver('victorops_configs: [{api_key: k, routing_key: r, custom_fields: {entity_state: x}}]'),
  receiver('pushover_configs: [{user_key: u}]'),
  receiver('pushover_configs: [{token: t}]'),
  receiver('pushover_configs: [{token: t, user_key: u, retry: 1m, expire: 1h}]'),
  receiver('wechat_configs: [{api_secret: s, corp_id: c}]'),
  receiver('wechat_configs: [{api_secret: s, corp_id: c, message_type: song}]'),
  receiver('sns_configs: [{topic_arn: t, sigv4: {}}]'),
  receiver('sns_configs: [{sigv4: {}}]'),
  receiver('sns_configs: [{topic_arn: t, sigv4: {access_key: a}}]'),
  receiver('telegram_configs: [{bot_token: t, chat_id: 1}]'),
  receiver('telegram_configs: [{bot_token: t}]'),
  receiver('telegram_configs: [{bot_token: t, chat_id: 1, parse_mode: Song}]'),
  receiver('webex_configs: [{room_id: r, http_config: {authorization: {credentials: c}}}]'),
  receiver('webex_configs: [{http_config: {authorization: {credentials: c}}}]'),
  receiver('webex_configs: [{room_id: r}]'),
  times('{}'),
  times("{times: [{start_time: '09:00', end_time: '17:00'}]}"),
  times("{times: [{start_time: '17:00', end_time: '09:00'}]}"),
  times("{times: [{start_time: '00:00', end_time: '24:00'}]}"),
  times("{times: [{start_time: '9:00', end_time: '10:00'}]}"),
  times("{times: [{start_time: '09:00'}]}"),
  times("{weekdays: ['monday:friday', saturday]}"),
  times("{weekdays: ['friday:monday']}"),
  times('{weekdays: [someday]}'),
  times("{days_of_month: ['1:5', '-3:-1', '10']}"),
  times("{days_of_month: ['0']}"),
  times("{days_of_month: ['32']}"),
  times("{days_of_month: ['5:1']}"),
  times("{days_of_month: ['-1:-5']}"),
  times("{days_of_month: ['-1:1']}"),
  times("{days_of_month: ['1:-1']}"),
  times("{months: ['january:march', '5', '7:9']}"),
  times("{months: ['march:january']}"),
  times("{years: ['2020:2022', '2024']}"),
  times("{years: ['2022:2020']}"),
  times("{location: 'Europe/Berlin'}"),
  times("{location: 'Moon/Sea'}"),
  times('{unknown: 1}'),
  `route: {receiver: a}\n${receivers}time_intervals: [{name: n}, {name: n}]\n`,
  `route: {receiver: a}\n${receivers}time_intervals: [{time_intervals: []}]\n`,
  `route: {receiver: a}\n${receivers}mute_time_intervals: [{name: n}]\ntime_intervals: [{name: n}]\n`,
  inhibit('{source_match: {a: b}, target_match: {c: d}, equal: [e]}'),
  inhibit("{source_matchers: ['a=b'], target_matchers: ['c=~\"d\"']}"),
  inhibit('{source_match_re: {a: "("}}'),
  inhibit('{equal: e}'),
  inhibit('{}'),
  inhibit('{unknown: 1}'),
  `route: {receiver: a}\n${receivers}templates: ['nowhere/*.tmpl']\n`,
  `route: {receiver: a}\n${receivers}templates: nowhere\n`,
];

test('files are accepted and refused as by amtool check-config', async () => {
  await using folder = await tempFolder('amtool');
  const wrong: unknown[] = [];
  const judge = async (text: string, i: number) => {
    const file = join(folder.path, `${i}.yml`);
    await writeFile(file, text);
    const { code, stdout } = await runAmtool(['check-config', file]);
    const { errors } = readAlertmanagerFile(file, text);
    if ((code === 0) !== (errors.length === 0)) wrong.push({ text, amtool: stdout.trim(), errors });
  };
  const AT_ONCE = 4;
  for (let i = 0; i < FILES.length; i += AT_ONCE) {
    await Promise.all(FILES.slice(i, i + AT_ONCE).map((text, k) => judge(text, i + k)));
  }
  expect(wrong).toEqual([]);
});

// Alertmanager's own test data, read in place.
const FOLDER = new URL('../../../../shared/conformance/config/alertmanager/', import.meta.url);

const CASES: readonly (readonly [name: string, labels: readonly Readonly<Record<string, string>>[]])[] = [
  ['routing/conf.routing.yml', [{ test: '1' }, { test: '2' }, { test: '3' }, {}]],
  ['routing/conf.routing-reverted.yml', [{ test: '1' }, { test: '2' }, { test: '12' }]],
  [
    'examples/simple.yml',
    [
      { service: 'foo1', severity: 'critical' },
      { service: 'database', owner: 'team-X' },
      { service: 'database', owner: 'team-Z' },
      { service: 'files' },
      {},
    ],
  ],
];

test('trees of the Alertmanager project: labels go where amtool sends them', async ({ annotate }) => {
  if (!existsSync(FOLDER)) return void annotate(`no ${FOLDER.pathname}: nothing was compared with amtool`);
  await using folder = await tempFolder('routes');
  const file = join(folder.path, 'alertmanager.yml');
  for (const [name, cases] of CASES) {
    // The section that this amtool is too old to know routes nothing.
    const text = readFileSync(new URL(name, FOLDER), 'utf8').replace(/^tracing:\n( .*\n?)+/m, '');
    await writeFile(file, text);
    for (const labels of cases) expect(await ourRoutes(text, labels)).toBe(await theirRoutes(file, labels));
  }
});

test('random trees: labels go where amtool sends them', () =>
  withSeed('routes', async (random) => {
    await using folder = await tempFolder('routes');
    const pick = <T>(list: readonly T[]) => list[random.below(list.length)] as T;
    const tree = (depth: number): object => ({
      receiver: pick(['a', 'b', 'c']),
      matchers: Array.from(
        { length: 1 + random.below(2) },
        () => `${pick(['x', 'y'])}${pick(['=', '!=', '=~', '!~'])}"${pick(['1', '2', '1|2', ''])}"`,
      ),
      continue: random.below(3) === 0,
      ...(depth === 0 ? {} : { routes: Array.from({ length: random.below(4) }, () => tree(depth - 1)) }),
    });
    for (let round = 0; round < 12; round++) {
      const text = JSON.stringify({
        route: { receiver: 'a', routes: Array.from({ length: 1 + random.below(4) }, () => tree(2)) },
        receivers: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
      });
      const file = join(folder.path, `${round}.yml`);
      await writeFile(file, text);
      for (const labels of [{ x: '1' }, { x: '2', y: '1' }, { y: '3' }]) {
        expect({ text, labels, to: await ourRoutes(text, labels) }).toEqual({
          text,
          labels,
          to: await theirRoutes(file, labels),
        });
      }
    }
  }));

async function ourRoutes(text: string, labels: Readonly<Record<string, string>>): Promise<string> {
  const { plan, errors } = readAlertmanagerFile('f', text);
  if (!plan) throw new Error(errors.join('\n'));
  const found: Labels = labelsOf(labels);
  return routesOf(plan.route, found)
    .map((taken) => taken.receiver)
    .join(',');
}

async function theirRoutes(file: string, labels: Readonly<Record<string, string>>): Promise<string> {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const { stdout } = await runAmtool(['config', 'routes', 'test', `--config.file=${file}`, ...pairs]);
  return stdout.trim();
}
