import { type Clock, messageOf } from '@tidemark/base';
import type { Notice, NoticeGroup, Receiver, SendOutcome } from './receiver.ts';
import { webhookPayload } from './webhook-payload.ts';

// Tells by HTTP POST. 2xx is delivered; 5xx, 429, silence and a broken line are tried again; anything else is refused, a
// redirect too (following one would turn the POST into a GET).

export interface WebhookSpec {
  readonly name: string;
  readonly url: string;
  /** For one attempt. */
  readonly timeoutMs?: number;
  readonly sendResolved?: boolean;
  /** Alerts in one notice; the rest is counted in `truncatedAlerts`. 0: all. */
  readonly alertsMax?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const TIMEOUT_MS = 10_000;
// Of what a receiver says when it refuses: enough to see why.
const ANSWER_CHARS_MAX = 300;

export function webhookReceiver(
  spec: WebhookSpec,
  around: { readonly clock: Clock; readonly fetch: Fetch; readonly externalUrl: string },
): Receiver {
  const options = { receiver: spec.name, externalUrl: around.externalUrl, alertsMax: spec.alertsMax ?? 0 };
  return {
    name: spec.name,
    sendResolved: spec.sendResolved ?? true,
    async send(group, notice, signal) {
      const body = JSON.stringify(webhookPayload(group, notice, options));
      return attempt(spec, around, headersOf(spec, group, notice), body, signal);
    },
  };
}

function headersOf(spec: WebhookSpec, group: NoticeGroup, notice: Notice): Record<string, string> {
  return {
    'user-agent': 'Tidemark',
    ...spec.headers,
    'content-type': 'application/json',
    'x-scope-orgid': group.tenant,
    // Receivers that keep it for a while can drop a notice that comes twice.
    'x-tidemark-notice-id': notice.id,
  };
}

async function attempt(
  spec: WebhookSpec,
  around: { readonly clock: Clock; readonly fetch: Fetch },
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<SendOutcome> {
  const timeout = new AbortController();
  const timeoutMs = spec.timeoutMs ?? TIMEOUT_MS;
  const cancel = around.clock.after(timeoutMs, () => timeout.abort(new DOMException('too slow', 'TimeoutError')));
  try {
    const response = await around.fetch(spec.url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    return outcomeOf(response, (await response.text()).slice(0, ANSWER_CHARS_MAX), around.clock);
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.signal.aborted) return retry('timeout', `no answer within ${timeoutMs} ms`);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return retry('network', messageOf(cause));
  } finally {
    cancel();
  }
}

function outcomeOf(response: Response, answer: string, clock: Clock): SendOutcome {
  const { status } = response;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const message = `answered ${status}${answer === '' ? '' : `: ${answer}`}`;
  const afterMs = retryAfterMs(response.headers.get('retry-after'), clock);
  if (status === 429) return { ...retry('busy', message), afterMs };
  if (status >= 500) return { ...retry('server_error', message), afterMs };
  return { kind: 'refused', message };
}

function retry(reason: 'network' | 'timeout' | 'busy' | 'server_error', message: string) {
  return { kind: 'retry', reason, message, afterMs: undefined } as const;
}

/** Seconds or an HTTP date. */
function retryAfterMs(header: string | null, clock: Clock): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - clock.nowMs();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
