import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { SimClock, silentLogger } from '@tidemark/base';
import { labelsOf } from '@tidemark/model';
import { tempFolder } from '@tidemark/testkit/real';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { expect, onTestFinished, test } from 'vitest';
import type { EmailSpec, NotifierPlan } from '../notifier/config/plan.ts';
import { planOfShortForm } from '../notifier/config/short-form.ts';
import { makeIntegrations } from './make-integrations.ts';
import type { Notice } from './receiver.ts';

// Mails through a real SMTP server on loopback.

const AT = Date.UTC(2026, 10, 22, 10, 30);
const said = (text: string) => ({ text, file: '' });
const SPEC: EmailSpec = {
  to: 'ada@example.org, Bob <bob@example.org>',
  from: 'Tidemark <tidemark@example.org>',
  hello: 'tidemark.example.org',
  host: '127.0.0.1',
  port: 0,
  username: '',
  identity: '',
  password: said(''),
  cramSecret: said(''),
  requireTls: false,
  implicitTls: false,
  tls: undefined,
  headers: [['Subject', '{{ template "email.default.subject" . }}']],
  html: '{{ template "email.default.html" . }}',
  text: '{{ template "email.default.text" . }}',
};
const TRUSTING = {
  caFile: '',
  certFile: '',
  keyFile: '',
  ca: '',
  cert: '',
  key: '',
  serverName: '',
  insecureSkipVerify: true,
};

const alert = (instance: string, status: 'firing' | 'resolved' = 'firing') => ({
  fingerprint: instance,
  status,
  labels: labelsOf({ alertname: 'LoadHigh', instance, severity: 'page' }),
  annotations: [
    { name: 'runbook_url', value: 'http://wiki/load' },
    { name: 'summary', value: `load <b>${instance}</b> & more` },
  ],
  startsAt: AT - 60_000,
  endsAt: AT,
  generatorURL: 'http://tidemark/graph?g0.expr=x&g0.tab=1',
});
const NOTICE: Notice = { id: '00c0ffee00c0ffee', at: AT, alerts: [alert('web1'), alert('web2', 'resolved')] };
const GROUP = { tenant: 't', groupKey: '{}:{}', groupLabels: labelsOf({ alertname: 'LoadHigh' }) };

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}

async function smtpServer(options: SMTPServerOptions = {}): Promise<{ readonly port: number; readonly mails: Mail[] }> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    logger: false,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
          secure: session.secure,
          user: session.user as string | undefined,
        });
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => undefined); // connections that the client cut are the test's doing
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, mails };
}

function send(
  spec: Partial<EmailSpec>,
  { clock = new SimClock(AT), signal = new AbortController().signal, notice = NOTICE } = {},
) {
  const plan: NotifierPlan = {
    ...planOfShortForm({ webhooks: [] }),
    receivers: [{ name: 'team', integrations: [{ kind: 'email', sendResolved: true, email: { ...SPEC, ...spec } }] }],
  };
  const [integration] = makeIntegrations(
    {
      plan,
      templates: [{ name: 'own.tmpl', text: '{{ define "own" }}{{ .Alerts | len }} of {{ .Receiver }}{{ end }}' }],
    },
    { clock, logger: silentLogger, externalUrl: 'http://tidemark' },
  );
  return integration?.send(GROUP, notice, signal);
}

/** The mail with soft line ends and quoted characters undone. */
function decoded(mail: Mail | undefined): string {
  const text = (mail?.text ?? '').replace(/=\r\n/g, '').replace(/\r\n/g, '\n');
  return Buffer.from(
    text.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');
}

test('a mail in text and HTML, to everyone, under the notice’s id', async () => {
  const { port, mails } = await smtpServer();
  expect(await send({ port })).toEqual({ kind: 'delivered' });
  expect(mails).toHaveLength(1);
  expect(mails[0]).toMatchObject({ from: 'tidemark@example.org', to: ['ada@example.org', 'bob@example.org'] });
  const text = decoded(mails[0]);
  expect(text).toContain('Subject: [FIRING:1] LoadHigh (page)\n');
  expect(text).toContain('Message-ID: <00c0ffee00c0ffee@tidemark.example.org>\n');
  expect(text).toContain('Date: Sun, 22 Nov 2026 10:30:00 +0000\n');
  expect(text).toContain('LoadHigh instance=web1 severity=page\n');
  expect(text).toContain('  summary: load <b>web1</b> & more\n');
  expect(text).toContain('RESOLVED (1)\n\nLoadHigh instance=web2');
  expect(text).toContain('since 2026-11-22 10:29:00 UTC, until 2026-11-22 10:30:00 UTC');
  expect(text).toContain('load &lt;b&gt;web1&lt;/b&gt; &amp; more');
  expect(text).toContain('<a href="http://wiki/load"');
  expect(text).not.toContain('<no value>');
});

test('templates of one’s own: addresses, headers, text alone', async () => {
  const { port, mails } = await smtpServer();
  const headers = [
    ['Subject', '{{ template "own" . }}'],
    ['X-Team', 'line 1\nBcc: evil@example.org'],
    ['Reply-To', '{{ .CommonLabels.severity }}@example.org'],
  ] as const;
  const to = '{{ .CommonLabels.severity }}@example.org';
  await send({ port, headers, to, html: '', text: '{{ range .Alerts }}{{ .Labels.instance }};{{ end }} ü' });
  expect(mails[0]?.to).toEqual(['page@example.org']);
  const text = decoded(mails[0]);
  expect(text).toContain('Subject: 2 of team\n');
  expect(text).toContain('X-Team: line 1 Bcc: evil@example.org\n');
  expect(text).toContain('Reply-To: page@example.org\n');
  expect(text).toMatch(/Content-Type: text\/plain/);
  expect(text).not.toContain('text/html');
  expect(text).toContain('web1;web2; ü');
});

const KNOWN = { user: 'tidemark', password: 'open sesame' };
const checkLogin: SMTPServerOptions['onAuth'] = (auth, _, callback) => {
  const isRight = auth.method === 'CRAM-MD5' ? auth.validatePassword(KNOWN.password) : auth.password === KNOWN.password;
  if (isRight && auth.username === KNOWN.user) callback(null, { user: `${auth.username} by ${auth.method}` });
  else callback(Object.assign(new Error('go away'), { responseCode: 535 }));
};

test.each([
  ['PLAIN', { password: said(KNOWN.password) }],
  ['LOGIN', { password: said(KNOWN.password) }],
  ['CRAM-MD5', { cramSecret: said(KNOWN.password) }],
])('who we are, by %s', async (method, secrets) => {
  const { port, mails } = await smtpServer({ authOptional: false, authMethods: [method], onAuth: checkLogin });
  expect(await send({ port, username: KNOWN.user, ...secrets })).toEqual({ kind: 'delivered' });
  expect(mails[0]?.user).toBe(`tidemark by ${method}`);
});

test('a wrong password is refused, and nobody is told which it was', async () => {
  const { port } = await smtpServer({ authOptional: false, onAuth: checkLogin });
  const outcome = await send({ port, username: KNOWN.user, password: said('wrong secret') });
  expect(outcome).toMatchObject({ kind: 'refused', message: expect.stringContaining('535') });
  expect(JSON.stringify(outcome)).not.toContain('wrong secret');
  expect(JSON.stringify(outcome)).not.toContain(Buffer.from('wrong secret').toString('base64'));
});

test('STARTTLS when it is required, TLS from the start, and a certificate that nobody signed', async () => {
  const starttls = await smtpServer();
  expect(await send({ port: starttls.port, requireTls: true, tls: TRUSTING })).toEqual({ kind: 'delivered' });
  expect(starttls.mails[0]?.secure).toBe(true);
  expect(await send({ port: starttls.port, requireTls: true })).toMatchObject({ kind: 'retry', reason: 'network' });
  const implicit = await smtpServer({ secure: true });
  expect(await send({ port: implicit.port, implicitTls: true, requireTls: true, tls: TRUSTING })).toEqual({
    kind: 'delivered',
  });
  expect(implicit.mails[0]?.secure).toBe(true);
});

test('TLS that is required and not offered: nothing is sent', async () => {
  const { port, mails } = await smtpServer({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] });
  const outcome = await send({ port, requireTls: true, username: 'u', password: said('p') });
  expect(outcome?.kind).not.toBe('delivered');
  expect(mails).toEqual([]);
});

test('without require_tls a server that offers TLS is spoken to in the clear', async () => {
  const { port, mails } = await smtpServer();
  await send({ port });
  expect(mails[0]?.secure).toBe(false);
});

const refuse = (responseCode: number) => Object.assign(new Error('no'), { responseCode });

test.each([
  [450, { kind: 'retry', reason: 'busy' }],
  [421, { kind: 'retry', reason: 'busy' }],
  [550, { kind: 'refused' }],
])('recipients that get %i', async (code, outcome) => {
  const { port } = await smtpServer({ onRcptTo: (_, __, callback) => callback(refuse(code)) });
  expect(await send({ port })).toMatchObject(outcome);
});

test.each([
  [452, { kind: 'retry', reason: 'busy' }],
  [554, { kind: 'refused' }],
])('a message that gets %i', async (code, outcome) => {
  const { port } = await smtpServer({
    onData: (stream, _, callback) => {
      stream.resume();
      stream.on('end', () => callback(refuse(code)));
    },
  });
  expect(await send({ port })).toMatchObject(outcome);
});

test('one recipient of two is refused: the other has it, and it is not sent again', async () => {
  const { port, mails } = await smtpServer({
    onRcptTo: ({ address }, _, callback) => callback(address.startsWith('ada') ? refuse(550) : undefined),
  });
  expect(await send({ port })).toEqual({ kind: 'delivered' });
  expect(mails[0]?.to).toEqual(['bob@example.org']);
});

test('nobody there', async () => {
  const { port } = await smtpServer();
  expect(await send({ port: port === 1 ? 2 : 1 })).toMatchObject({ kind: 'retry', reason: 'network' });
});

/** Accepts and says nothing. */
async function silentServer(): Promise<{ readonly port: number; readonly connected: Promise<void> }> {
  const sockets: Socket[] = [];
  const first = Promise.withResolvers<void>();
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // cut by the client
    first.resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connected: first.promise };
}

test('a server that says nothing is given up after its time', async () => {
  const clock = new SimClock(AT);
  const { port, connected } = await silentServer();
  const sending = send({ port }, { clock });
  await connected;
  await clock.advance(30_000);
  expect(await sending).toMatchObject({ kind: 'retry', reason: 'timeout' });
});

test('stopping is not an outcome', async () => {
  const stop = new AbortController();
  const { port, connected } = await silentServer();
  const sending = send({ port }, { signal: stop.signal });
  await connected;
  stop.abort(new Error('stop'));
  await expect(sending).rejects.toThrow('stop');
});

test('a template that fails is said, and tried again: the file may be mended', async () => {
  const { port, mails } = await smtpServer();
  const outcome = await send({ port, text: '{{ template "nowhere" . }}' });
  expect(outcome).toMatchObject({ kind: 'retry', reason: 'template', message: expect.stringContaining('nowhere') });
  expect(mails).toEqual([]);
});

test('a template that is none is refused when the configuration is taken', async () => {
  await expect(async () => send({ text: '{{ .Alerts' })).rejects.toThrow(
    expect.objectContaining({ code: 'TEMPLATE_INVALID' }),
  );
});

test('a password file is read at every mail', async () => {
  await using folder = await tempFolder('mail');
  const { port } = await smtpServer({ authOptional: false, onAuth: checkLogin });
  const password = { text: '', file: join(folder.path, 'password') };
  const outcomeNow = () => send({ port, username: KNOWN.user, password });
  expect(await outcomeNow()).toMatchObject({
    kind: 'retry',
    reason: 'local',
    message: expect.stringContaining(password.file),
  });
  await writeFile(password.file, 'wrong\n');
  expect(await outcomeNow()).toMatchObject({ kind: 'refused' });
  await writeFile(password.file, `${KNOWN.password}\n`);
  expect(await outcomeNow()).toEqual({ kind: 'delivered' });
});
