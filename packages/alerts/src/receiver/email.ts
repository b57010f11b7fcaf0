import { connect, isIP, type Socket } from 'node:net';
import { type Clock, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import { createTransport } from 'nodemailer';
import type { EmailSpec } from '../notifier/config/plan.ts';
import type { TemplateSet } from '../template/template-set.ts';
import { readSecret, tlsOf } from './http-client.ts';
import {
  type Integration,
  lineBroke,
  type Notice,
  type NoticeGroup,
  retry,
  type SendOutcome,
  timedOut,
} from './receiver.ts';
import { templateData } from './template-data.ts';

// Tells by mail: one connection a notice.
//
//   connect --> [TLS] EHLO [STARTTLS] [AUTH] MAIL RCPT DATA --> delivered
//      |                     5yz: refused, the same mail will not be taken
//      +-- no line, silence, 4yz: tried again
//
// The message id is the notice's, so a mail that comes twice is recognised as one. What the server says is shown; user name,
// password and recipients are not part of any message of ours.

export interface EmailAround {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly externalUrl: string;
  readonly templates: TemplateSet;
}

// Greylisting servers answer within seconds; who takes longer is not there.
const ATTEMPT_MS = 30_000;

export function emailIntegration(
  of: Pick<Integration, 'id' | 'receiver' | 'sendResolved'>,
  spec: EmailSpec,
  around: EmailAround,
): Integration {
  return {
    ...of,
    kind: 'email',
    send: (group, notice, signal) => attempt(of, spec, around, { group, notice }, signal),
  };
}

async function attempt(
  of: Pick<Integration, 'id' | 'receiver'>,
  spec: EmailSpec,
  around: EmailAround,
  what: { readonly group: NoticeGroup; readonly notice: Notice },
  signal: AbortSignal,
): Promise<SendOutcome> {
  let message: Message;
  try {
    message = messageFor(of.receiver, spec, around, what);
  } catch (error) {
    if (isTidemarkError(error)) return retry('template', messageOf(error));
    throw error;
  }
  const timeout = new AbortController();
  const cancel = around.clock.after(ATTEMPT_MS, () => timeout.abort(new DOMException('too slow', 'TimeoutError')));
  try {
    const rejected = await deliver(spec, message, AbortSignal.any([signal, timeout.signal]));
    if (rejected > 0) around.logger.warn('some recipients were refused', { receiver: of.id, refused: rejected });
    return { kind: 'delivered' };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.signal.aborted) return timedOut(`not taken within ${ATTEMPT_MS} ms`);
    return outcomeOf(error);
  } finally {
    cancel();
  }
}

interface Message {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly headers: readonly { readonly key: string; readonly value: string }[];
  readonly messageId: string;
  readonly date: Date;
}

/** Throws `TEMPLATE_INVALID`, `TEMPLATE_FAILED`. */
function messageFor(
  receiver: string,
  spec: EmailSpec,
  { templates, externalUrl, clock }: EmailAround,
  { group, notice }: { readonly group: NoticeGroup; readonly notice: Notice },
): Message {
  const { groupLabels } = group;
  const data = templateData({ receiver, groupLabels, externalUrl, alerts: notice.alerts });
  // A header is one line, whatever the template makes of it.
  const line = (template: string) =>
    templates
      .text(template, data)
      .replace(/\s*[\r\n]+\s*/g, ' ')
      .trim();
  const headers = spec.headers.map(([key, template]) => ({ key, value: line(template) }));
  const given = (name: string) => headers.find(({ key }) => key === name)?.value;
  return {
    from: given('From') ?? line(spec.from),
    to: given('To') ?? line(spec.to),
    subject: given('Subject') ?? '',
    html: spec.html === '' ? '' : templates.html(spec.html, data),
    text: spec.text === '' ? '' : templates.text(spec.text, data),
    headers: headers.filter(({ key }) => !['Subject', 'From', 'To', 'Message-Id', 'Date'].includes(key)),
    messageId: `<${notice.id}@${domainOf(spec)}>`,
    date: new Date(clock.nowMs()),
  };
}

function domainOf({ hello }: EmailSpec): string {
  return /^[A-Za-z0-9.-]+$/.test(hello) ? hello : 'tidemark.invalid';
}

/** Resolves with how many recipients were refused while others were not. */
async function deliver(spec: EmailSpec, message: Message, signal: AbortSignal): Promise<number> {
  const auth = await authOf(spec);
  const tls = spec.tls ? await tlsOf(spec.tls) : {};
  const socket = await connected(spec, signal);
  const abort = () => socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const transport = createTransport({
      host: spec.host,
      port: spec.port,
      connection: socket,
      secure: spec.implicitTls,
      requireTLS: !spec.implicitTls && spec.requireTls,
      ignoreTLS: !spec.implicitTls && !spec.requireTls,
      name: spec.hello,
      // An address has no name to ask for.
      tls: { ...(isIP(spec.host) === 0 ? { servername: spec.host } : {}), ...tls },
      greetingTimeout: ATTEMPT_MS,
      socketTimeout: ATTEMPT_MS,
      // Templates make texts; nothing in them is a path or an address to be read.
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(auth ?? {}),
    });
    const info = await transport.sendMail({
      ...message,
      headers: [...message.headers],
      ...(message.html === '' ? { html: undefined } : {}),
    });
    return info.rejected.length;
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** CRAM-MD5 with a secret; else what the server offers of PLAIN and LOGIN; nothing without a user name. */
async function authOf({ username, password, cramSecret }: EmailSpec) {
  if (username === '') return undefined;
  const [pass, secret] = [await readSecret(password), await readSecret(cramSecret)];
  if (secret !== '' && pass === '') return { auth: { user: username, pass: secret }, authMethod: 'CRAM-MD5' };
  return { auth: { user: username, pass } };
}

function connected({ host, port }: EmailSpec, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connect({ host, port });
    const failed = (error: Error) => {
      signal.removeEventListener('abort', aborted);
      socket.destroy();
      reject(error);
    };
    const aborted = () => failed(signal.reason as Error);
    signal.addEventListener('abort', aborted, { once: true });
    socket.once('error', failed);
    socket.once('connect', () => {
      signal.removeEventListener('abort', aborted);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

function outcomeOf(error: unknown): SendOutcome {
  if (isTidemarkError(error, 'SECRET_UNREADABLE')) return retry('local', messageOf(error));
  const { responseCode, code } = error as { readonly responseCode?: number; readonly code?: string };
  const message = messageOf(error);
  if (responseCode !== undefined && responseCode >= 500) return { kind: 'refused', message };
  if (responseCode !== undefined && responseCode >= 400) return retry('busy', message);
  if (code === 'ETIMEDOUT') return timedOut(message);
  // An address that is none, a login without a password: the same mail will fare no better.
  if (code === 'EENVELOPE' || code === 'EAUTH' || code === 'EMESSAGE') return { kind: 'refused', message };
  return lineBroke(error);
}
