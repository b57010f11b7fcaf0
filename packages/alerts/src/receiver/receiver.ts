import { messageOf } from '@tidemark/base';
import type { Labels } from '@tidemark/model';

// The port to whoever is told: by webhook, by mail. A notice is what one integration is told of one group at one moment.

export interface NoticedAlert {
  readonly fingerprint: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Wall ms, as in AlertEvent. */
  readonly startsAt: number;
  readonly endsAt: number;
  readonly generatorURL: string;
}

export interface Notice {
  /** The same for every attempt at this notice. */
  readonly id: string;
  /** When it was decided, wall ms. */
  readonly at: number;
  readonly alerts: readonly NoticedAlert[];
}

export interface NoticeGroup {
  readonly tenant: string;
  readonly groupKey: string;
  readonly groupLabels: Labels;
}

/** `retry`: it may work later. `refused`: the same notice will not be taken however often it is sent. */
export type SendOutcome =
  | { readonly kind: 'delivered' }
  | {
      readonly kind: 'retry';
      readonly reason: SendFault;
      readonly message: string;
      readonly afterMs: number | undefined;
      /** Nobody knows whether it was taken: the line broke, or no answer came. */
      readonly isUncertain: boolean;
    }
  | { readonly kind: 'refused'; readonly message: string };

/** The label values of the counter of failed attempts, beside `refused`. */
export type SendFault = 'network' | 'timeout' | 'busy' | 'server_error' | 'template' | 'local';

/** One way to tell one receiver. */
export interface Integration {
  /** `ops/webhook[0]`: unique in a plan, and the same after a restart. */
  readonly id: string;
  readonly receiver: string;
  /** webhook, email. */
  readonly kind: string;
  /** Whether it wants to hear of resolved alerts. */
  readonly sendResolved: boolean;
  /** One attempt. Throws the signal's reason, nothing else. */
  send(group: NoticeGroup, notice: Notice, signal: AbortSignal): Promise<SendOutcome>;
}

/** An attempt that the receiver has answered, or that never reached it. */
export function retry(reason: SendFault, message: string, afterMs?: number): SendOutcome {
  return { kind: 'retry', reason, message, afterMs, isUncertain: false };
}

export function timedOut(message: string): SendOutcome {
  return { kind: 'retry', reason: 'timeout', message, afterMs: undefined, isUncertain: true };
}

// Nobody was there to take anything.
const UNREACHED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EDNS', 'ETLS']);

/** A line that was not there, or broke. */
export function lineBroke(error: unknown): SendOutcome {
  const isUncertain = !UNREACHED.has(String((error as { readonly code?: unknown } | null)?.code));
  return { kind: 'retry', reason: 'network', message: messageOf(error), afterMs: undefined, isUncertain };
}
