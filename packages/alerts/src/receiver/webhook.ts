import { type Clock, isTidemarkError, messageOf } from '@tidemark/base';
import type { WebhookSpec } from '../notifier/config/plan.ts';
import { type Fetch, post, readSecret } from './http-client.ts';
import {
  type Integration,
  lineBroke,
  type Notice,
  type NoticeGroup,
  retry,
  type SendOutcome,
  timedOut,
} from './receiver.ts';
import { webhookPayload } from './webhook-payload.ts';

// Tells by HTTP POST. 2xx is delivered; 5xx, 429, silence and a broken line are tried again; anything else is refused.

export interface WebhookAround {
  readonly clock: Clock;
  readonly fetch: Fetch;
  readonly externalUrl: string;
}

// Of what a receiver says when it refuses: enough to see why.
const ANSWER_CHARS_MAX = 300;

export function webhookIntegration(
  of: Pick<Integration, 'id' | 'receiver' | 'sendResolved'>,
  spec: WebhookSpec,
  around: WebhookAround,
): Integration {
  const options = { receiver: of.receiver, externalUrl: around.externalUrl, alertsMax: spec.alertsMax };
  return {
    ...of,
    kind: 'webhook',
    send: (group, notice, signal) =>
      attempt(spec, around, headersOf(group, notice), JSON.stringify(webhookPayload(group, notice, options)), signal),
  };
}

function headersOf(group: NoticeGroup, notice: Notice): Record<string, string> {
  return {
    'user-agent': 'Tidemark',
    'content-type': 'application/json',
    'x-scope-orgid': group.tenant,
    // Receivers that keep it for a while can drop a notice that comes twice.
    'x-tidemark-notice-id': notice.id,
  };
}

async function attempt(
  spec: WebhookSpec,
  around: WebhookAround,
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<SendOutcome> {
  const timeout = new AbortController();
  const cancel = around.clock.after(spec.timeoutMs, () => timeout.abort(new DOMException('too slow', 'TimeoutError')));
  try {
    const url = await readSecret(spec.url);
    if (!URL.canParse(url)) return retry('local', 'the file of the URL holds no URL');
    const to = { url, http: spec.http, headers, body };
    const response = await post(to, around.fetch, AbortSignal.any([signal, timeout.signal]));
    return outcomeOf(response, (await response.text()).slice(0, ANSWER_CHARS_MAX), around.clock);
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.signal.aborted) return timedOut(`no answer within ${spec.timeoutMs} ms`);
    if (isTidemarkError(error, 'SECRET_UNREADABLE')) return retry('local', messageOf(error));
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return lineBroke(cause);
  } finally {
    cancel();
  }
}

function outcomeOf(response: Response, answer: string, clock: Clock): SendOutcome {
  const { status } = response;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const message = `answered ${status}${answer === '' ? '' : `: ${answer}`}`;
  const afterMs = retryAfterMs(response.headers.get('retry-after'), clock);
  if (status === 429) return retry('busy', message, afterMs);
  if (status >= 500) return retry('server_error', message, afterMs);
  return { kind: 'refused', message };
}

/** Seconds or an HTTP date. */
function retryAfterMs(header: string | null, clock: Clock): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - clock.nowMs();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
