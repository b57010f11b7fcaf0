import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readAlertmanagerFile } from './alertmanager-file.ts';
import type { NotifierPlan } from './plan.ts';

// What amtool says of files of the Alertmanager project. The files are no part of this repository: they are looked for in the
// folder that holds the checks shared by several checkouts; where it isn't, this says so and has nothing to compare.
const SHARED = new URL('../../../../../../shared/conformance/', import.meta.url);
const FOLDER = new URL('config/alertmanager/', SHARED);

test('the same verdicts as amtool check-config', ({ annotate }) => {
  if (!existsSync(FOLDER)) return void annotate(`no ${FOLDER.pathname}: nothing was compared with amtool`);
  const verdicts = readFileSync(new URL('verdicts.tsv', SHARED), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('config/alertmanager/'))
    .map((line) => line.replace('config/alertmanager/', '').split('\t') as [name: string, verdict: string]);
  const ours = verdicts.map(([name]) => {
    const { errors } = readAlertmanagerFile(name, readFileSync(new URL(name, FOLDER), 'utf8'));
    for (const error of errors) expect(error).toMatch(/^[^:]+\.yml:\d+: ./);
    return [name, errors.length > 0 ? 'refuse' : 'accept'];
  });
  expect(ours).toEqual(verdicts);
  const files = readdirSync(FOLDER, { recursive: true }).map(String);
  expect(files.filter((name) => name.endsWith('.yml')).sort()).toEqual(verdicts.map(([name]) => name).sort());
});

const BASE = 'route: {receiver: a}\nreceivers: [{name: a}]\n';
const withRoutes = (routes: string) => `route:\n  receiver: a\n  routes:\n    - ${routes}\nreceivers: [{name: a}]\n`;
const withReceiver = (part: string) => `route: {receiver: a}\nreceivers:\n  - name: a\n    ${part}\n`;

test.each([
  ['', 'f:1: the file must have a route'],
  ['receivers: [{name: a}]', 'f:1: the file must have a route'],
  ['route: {receiver: b}\nreceivers: [{name: a}]', 'f:1: there is no receiver "b"'],
  ['route: {}\nreceivers: [{name: a}]', 'f:1: the root route must name a receiver'],
  [`${BASE}rout: {}`, 'f:3: the file has no field "rout"; did you mean "route"?'],
  [
    'route: {receiver: a, matchers: [x=y]}\nreceivers: [{name: a}]',
    'f:1: the root route holds for every alert: it must have no matchers',
  ],
  ['route: {receiver: a, continue: true}\nreceivers: [{name: a}]', 'f:1: the root route cannot have continue'],
  ['route: {receiver: a}\nreceivers: [{name: a}, {name: a}]', 'f:2: the receiver name "a" is not unique'],
  ['route: {receiver: a}\nreceivers: [{email_configs: []}, {name: a}]', 'f:2: a receiver must have a name'],
  ['route: {receiver: a, group_by: [x, x]}\nreceivers: [{name: a}]', 'f:1: group_by must not name a label twice'],
  [
    'route: {receiver: a, group_by: [x, ...]}\nreceivers: [{name: a}]',
    'f:1: group_by: ... stands for all labels and must stand alone',
  ],
  ['route: {receiver: a, group_interval: 0s}\nreceivers: [{name: a}]', 'f:1: group_interval must not be zero'],
  ['route: {receiver: a, repeat_interval: 0s}\nreceivers: [{name: a}]', 'f:1: repeat_interval must not be zero'],
  [
    'route: {receiver: a, group_wait: soon}\nreceivers: [{name: a}]',
    'f:1: group_wait: "soon" is no duration; write it like 15s, 5m or 1h30m',
  ],
  [withRoutes('mute_time_intervals: [night]'), 'f:4: there is no time interval "night"'],
  [
    withRoutes('matchers: [severity]'),
    'f:4: matchers: bad matcher "severity": one of = != =~ !~ must follow "severity"',
  ],
  [withRoutes('match_re: {a: "("}'), /^f:4: match_re: the regex "\(" of a is invalid/],
  [`${BASE}time_intervals: [{name: n}, {name: n}]`, 'f:3: the time interval "n" is not unique'],
  [
    `${BASE}time_intervals:\n  - name: n\n    time_intervals: [{weekdays: [someday]}]`,
    'f:5: weekdays: "someday" is no weekday',
  ],
  [
    `${BASE}time_intervals:\n  - name: n\n    time_intervals: [{location: Moon/Sea}]`,
    'f:5: location: there is no time zone "Moon/Sea"',
  ],
  [withReceiver('webhook_configs: [{}]'), 'f:4: url or url_file must be given'],
  [
    withReceiver('webhook_configs: [{url: "ftp://x"}]'),
    'f:4: url must be a URL that begins with http:// or https:// and has a host',
  ],
  [
    withReceiver('webhook_configs: [{url: "http://x", url_file: y}]'),
    'f:4: at most one of url and url_file may be given',
  ],
  [withReceiver('email_configs: [{from: x, smarthost: "h:25"}]'), 'f:4: to must be given'],
  [withReceiver('email_configs: [{to: x, from: y}]'), 'f:4: smarthost must be given, here or as global.smtp_smarthost'],
  [withReceiver('email_configs: [{to: x, from: y, smarthost: "h"}]'), 'f:4: smarthost must be host:port, not "h"'],
  [
    withReceiver('email_configs: [{to: x, from: y, smarthost: "h:25", headers: {subject: a, SUBJECT: b}}]'),
    'f:4: the header Subject stands twice',
  ],
  [
    withReceiver('webhook_configs: [{url: "http://x", http_config: {bearer_token: t, basic_auth: {username: u}}}]'),
    'f:4: at most one of basic_auth, authorization, oauth2, bearer_token may be given',
  ],
  [
    withReceiver('pagerduty_configs: [{}]'),
    'f:4: one of service_key, service_key_file, routing_key, routing_key_file must be given',
  ],
  [withReceiver('smoke_signals: [{}]'), /^f:4: a receiver has no field "smoke_signals"/],
  ['route: {receiver: a\n', /^f:\d: /],
])('%#: %j is refused', (text, complaint) => {
  const { plan, errors } = readAlertmanagerFile('f', text);
  expect(plan).toBeUndefined();
  if (typeof complaint === 'string') expect(errors).toContain(complaint);
  else expect(errors.some((error) => complaint.test(error))).toBe(true);
});

test('all that is wrong is said at once', () => {
  const { errors } = readAlertmanagerFile(
    'f',
    'route: {receiver: b, group_wait: x}\nreceivers:\n  - webhook_configs: [{}]\n',
  );
  expect(errors).toHaveLength(4);
});

function planOf(text: string): NotifierPlan {
  const { plan, errors } = readAlertmanagerFile('folder/f.yml', text);
  if (!plan) throw new Error(errors.join('\n'));
  return plan;
}

test('a route has from its parent what it does not say itself, but not its matchers, times and continue', () => {
  const { route } = planOf(`route:
  receiver: a
  group_by: [b, a]
  group_wait: 1s
  routes:
    - matchers: [z=1, 'a=~"x|y"']
      continue: true
      repeat_interval: 1h
      routes: [{match: {q: w}, group_by: [...]}]
receivers: [{name: a}]
`);
  expect(route).toMatchObject({ id: '0', key: '{}', groupBy: ['a', 'b'], groupWaitMs: 1000, groupIntervalMs: 300_000 });
  const [child] = route.routes;
  expect(child).toMatchObject({
    id: '0/0',
    key: '{}/{a=~"x|y",z="1"}',
    receiver: 'a',
    continues: true,
    groupBy: ['a', 'b'],
    groupWaitMs: 1000,
    repeatIntervalMs: 3_600_000,
  });
  expect(child?.routes[0]).toMatchObject({
    key: '{}/{a=~"x|y",z="1"}/{q="w"}',
    continues: false,
    groupsByAll: true,
    repeatIntervalMs: 3_600_000,
  });
});

test('mail: what a receiver does not say is global, files are beside the file, 465 is TLS from the start', () => {
  const { receivers, templates } = planOf(`global:
  smtp_from: me@example.org
  smtp_smarthost: mail.example.org:465
  smtp_auth_username: me
  smtp_auth_password_file: secrets/mail
templates: [x/*.tmpl, /y/*.tmpl]
route: {receiver: a}
receivers:
  - name: a
    email_configs: [{to: you@example.org, headers: {reply-to: r}}, {to: you, smarthost: '[::1]:25', require_tls: no, text: t}]
`);
  expect(templates).toEqual(['folder/x/*.tmpl', '/y/*.tmpl']);
  expect(receivers[0]?.integrations).toMatchObject([
    {
      kind: 'email',
      sendResolved: false,
      email: {
        from: 'me@example.org',
        host: 'mail.example.org',
        port: 465,
        implicitTls: true,
        requireTls: true,
        hello: 'localhost',
        username: 'me',
        password: { text: '', file: 'folder/secrets/mail' },
        headers: [
          ['Reply-To', 'r'],
          ['Subject', '{{ template "email.default.subject" . }}'],
        ],
      },
    },
    { email: { host: '::1', port: 25, implicitTls: false, requireTls: false, text: 't' } },
  ]);
});

test('what cannot be sent yet is a warning with its line, and no refusal', () => {
  const { plan, warnings } = readAlertmanagerFile('f', withReceiver('slack_configs: [{api_url: "http://x"}]'));
  expect(plan?.receivers[0]?.integrations).toEqual([{ kind: 'unsent', name: 'slack', sendResolved: true }]);
  expect(warnings).toEqual(['f:4: Tidemark cannot send by slack yet: the receiver "a" tells nobody by it']);
});

test('what a mail cannot have yet is a warning too', () => {
  const mail = 'email_configs: [{to: t, from: f, smarthost: "h:25", threading: {enabled: true}, auth_identity: x}]';
  const { plan, warnings } = readAlertmanagerFile('f', withReceiver(mail));
  expect(plan).toBeDefined();
  expect(warnings).toEqual([
    'f:4: threading is not supported yet: mails are sent without',
    'f:4: auth_identity is not supported yet: mails are sent without',
  ]);
});

test('what is shown of the file has no secrets in it', () => {
  const secrets = ['pw1', 'pw2', 'tok3', 'tok4', 'http://u:pw5@h/x', 'http://slack/T0/B0/xyz'];
  const { original } = planOf(`global: {smtp_auth_password: ${secrets[0]}, slack_api_url: "${secrets[5]}"}
route: {receiver: a}
receivers:
  - name: a
    webhook_configs:
      - url: ${secrets[4]}
        http_config: {basic_auth: {username: me, password: ${secrets[1]}}}
      - url: http://x
        http_config:
          authorization: {credentials: ${secrets[2]}}
          http_headers: {x-key: {secrets: [${secrets[3]}]}}
`);
  for (const secret of secrets) expect(original).not.toContain(secret);
  expect(original).toContain('url: http://<secret>');
  expect(planOf(original).original).toBe(original);
  expect(original).toContain('username: me');
  expect(original).toContain('name: a');
});
