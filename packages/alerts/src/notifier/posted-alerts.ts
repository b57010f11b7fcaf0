import { type Clock, type Logger, messageOf, TidemarkError } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { type Labels, labelValue } from '@tidemark/model';
import type { AlertEvent } from '../event/alert-event.ts';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import { fingerprintOf } from '../event/fingerprint.ts';
import { POSTED } from '../event/posted.ts';
import { AlertPublisher } from '../event/publisher.ts';
import type { AlertStore, StoredAlert } from './alert-store.ts';
import type { HeldAlert } from './held-alert.ts';

// Alerts that others post: Prometheus, amtool. They go the way of all alerts, over the log, and nobody is told that they were
// taken before they are on it. Nobody else keeps their state, so the notifier writes it beside the event and buries it when
// the alert is dropped.

export interface PostedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: number;
  readonly endsAt: number;
  readonly generatorURL: string;
}

export class PostedAlerts {
  readonly #publisher: AlertPublisher;
  readonly #store: AlertStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** On their way to the log: their state must not be buried meanwhile. */
  readonly #underWay = new Map<string, number>();

  constructor(
    log: Log,
    around: { readonly store: AlertStore; readonly clock: Clock; readonly logger: Logger },
    topicPrefix?: string,
  ) {
    this.#publisher = new AlertPublisher(log, topicPrefix);
    this.#store = around.store;
    this.#clock = around.clock;
    this.#logger = around.logger;
  }

  /** All on the log when it resolves. Throws `ALERTS_FULL`, `LOG_*`. */
  async publish(tenant: string, alerts: readonly PostedAlert[]): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const merged = new Map<string, AlertEvent>();
    for (const posted of alerts) {
      const fingerprint = fingerprintOf(posted.labels);
      const known = this.#store.get(tenant, fingerprint)?.alert;
      if (!known && this.#store.isFull) {
        throw new TidemarkError('ALERTS_FULL', `${this.#store.count} alerts are held already; no more are taken now`);
      }
      const event = eventOf(tenant, fingerprint, mergedWith(known, posted, nowMs), nowMs);
      // The end of something nobody knows of is no news.
      if (known || event.status === 'firing') merged.set(fingerprint, event);
    }
    const events = [...merged.values()];
    if (events.length === 0) return;
    const keys = events.map((event) => keyOf(event.tenant, event.fingerprint));
    for (const key of keys) this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
    try {
      await this.#publisher.publish({ states: events.map(stateOf), gone: [], events });
    } finally {
      for (const key of keys) this.#landed(key);
    }
  }

  /** The alert is held no more. */
  dropped({ tenant, alert }: StoredAlert): void {
    if (!alert.isPosted || this.#underWay.has(keyOf(tenant, alert.fingerprint))) return;
    void this.bury([{ tenant, fingerprint: alert.fingerprint }]);
  }

  /** Their states are not needed any more. What cannot be written is left for the next start. */
  async bury(alerts: readonly { readonly tenant: string; readonly fingerprint: string }[]): Promise<void> {
    if (alerts.length === 0) return;
    try {
      const gone = alerts.map((of) => ({ ...of, file: POSTED, group: '', ruleIdentity: '' }));
      await this.#publisher.publish({ states: [], events: [], gone });
    } catch (error) {
      this.#logger.warn('states of posted alerts stay on the log for now', { reason: messageOf(error) });
    }
  }

  #landed(key: string): void {
    const left = (this.#underWay.get(key) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(key);
    else this.#underWay.set(key, left);
  }
}

function keyOf(tenant: string, fingerprint: string): string {
  return `${fingerprint} ${tenant}`;
}

/**
 * The same alert as it was known and as it is posted, where their times overlap: the earliest start; and as long as nobody
 * says that it is over, the latest end.
 */
function mergedWith(known: HeldAlert | undefined, posted: PostedAlert, nowMs: number): PostedAlert {
  if (!known) return posted;
  const knownEnd = known.expiresAtMs ?? known.endsAt;
  const overlaps =
    (posted.endsAt > known.startsAt && posted.endsAt < knownEnd) ||
    (posted.startsAt > known.startsAt && posted.startsAt < knownEnd);
  if (!overlaps) return posted;
  const isOver = posted.endsAt <= nowMs;
  return {
    ...posted,
    startsAt: Math.min(posted.startsAt, known.startsAt),
    endsAt: isOver ? posted.endsAt : Math.max(posted.endsAt, knownEnd),
  };
}

function eventOf(tenant: string, fingerprint: string, posted: PostedAlert, nowMs: number): AlertEvent {
  return {
    tenant,
    file: POSTED,
    group: '',
    rule: labelValue(posted.labels, 'alertname'),
    fingerprint,
    status: posted.endsAt > nowMs ? 'firing' : 'resolved',
    labels: posted.labels,
    annotations: posted.annotations,
    expression: '',
    value: Number.NaN,
    activeAt: posted.startsAt,
    startsAt: posted.startsAt,
    endsAt: posted.endsAt,
    evaluatedAt: nowMs,
    fresh: true,
    generatorURL: posted.generatorURL,
    revision: 1,
  };
}

function stateOf(event: AlertEvent): AlertStateRecord {
  const isFiring = event.status === 'firing';
  return {
    tenant: event.tenant,
    file: POSTED,
    group: '',
    rule: event.rule,
    ruleIdentity: '',
    fingerprint: event.fingerprint,
    state: event.status,
    labels: event.labels,
    annotations: event.annotations,
    expression: '',
    value: event.value,
    activeAt: event.activeAt,
    firedAt: event.startsAt,
    resolvedAt: isFiring ? null : event.endsAt,
    keepFiringSince: null,
    validUntil: isFiring ? event.endsAt : 0,
    evaluatedAt: event.evaluatedAt,
    generatorURL: event.generatorURL,
    revision: 1,
  };
}
