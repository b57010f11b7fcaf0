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

export function retry(reason: SendFault, message: string, afterMs?: number): SendOutcome {
  return { kind: 'retry', reason, message, afterMs };
}
