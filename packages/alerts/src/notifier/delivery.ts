import { type Clock, type Logger, messageOf, type Random } from '@tidemark/base';
import type { Integration, Notice, NoticedAlert, NoticeGroup, SendOutcome } from '../receiver/receiver.ts';
import { alertsToTell, firingIn } from './dedup.ts';
import type { HeldAlert } from './held-alert.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import type { NotifierMetrics } from './notifier-metrics.ts';
import type { SendSlots } from './send-slots.ts';

// One integration and one group. `flush` compares what was told with what holds, and tells the difference:
//
//   intent to the ledger --> send, again and again with growing pauses --> done to the ledger
//                              refused, suppressed by now, or too old to matter: forgotten, counted
//
// What the ledger could not be told then it is told at a later flush. One flush at a time; what changes meanwhile is for the next.

export interface DeliverySurroundings {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: NotifierMetrics;
  readonly repeatIntervalMs: number;
  /** Of this integration, so that one that is slow holds up nobody else. */
  readonly slots: SendSlots;
}

export interface Flush {
  /** Those that nothing suppresses. Asked when the notice is made. */
  readonly alerts: () => Iterable<HeldAlert>;
  /** What is held of an alert, suppressed or not. */
  readonly held: (fingerprint: string) => HeldAlert | undefined;
  /** Whether nothing suppresses an alert by now. Asked before a notice is tried again. */
  readonly isWanted: (alert: NoticedAlert) => boolean;
}

export interface DeliverySignals {
  /** No more attempts: what waits for its turn stays on the ledger. */
  readonly stopping: AbortSignal;
  /** Aborts attempts on the wire. */
  readonly wire: AbortSignal;
}

const NONE: ReadonlySet<string> = new Set();
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;
// A notice nobody took for a day is no news.
const NOTICE_AGE_MS_MAX = 24 * 3_600_000;
// 64 bits: unique among the notices a receiver may remember.
const ID_BYTES = 8;

export class Delivery {
  readonly integration: Integration;
  readonly #group: NoticeGroup;
  readonly #around: DeliverySurroundings;
  #done: Notice | null;
  #intent: Notice | null;
  #running: Promise<void> | undefined;
  #lastError = '';
  #lastDeliveredMs: number | undefined;
  #unhandledOffset: number | undefined;
  readonly #firingOf = new WeakMap<Notice, ReadonlySet<string>>();

  constructor(
    integration: Integration,
    group: NoticeGroup,
    entry: LedgerEntry | undefined,
    around: DeliverySurroundings,
  ) {
    this.integration = integration;
    this.#group = group;
    this.#around = around;
    this.#done = entry?.done ?? null;
    this.#intent = entry?.intent ?? null;
  }

  /** Whether it was told that this alert fires, or is about to be, or may have been before a crash. */
  mayKnowOf(fingerprint: string): boolean {
    return this.#firing(this.#done).has(fingerprint) || this.#firing(this.#intent).has(fingerprint);
  }

  /** Asked for every alert of the group at every flush. */
  #firing(notice: Notice | null): ReadonlySet<string> {
    if (!notice) return NONE;
    const known = this.#firingOf.get(notice) ?? firingIn(notice);
    this.#firingOf.set(notice, known);
    return known;
  }

  get lastError(): string {
    return this.#lastError;
  }

  get lastDeliveredMs(): number | undefined {
    return this.#lastDeliveredMs;
  }

  /** Whether nothing is under way, nothing that it was told would have to be taken back, and the ledger knows all of it. */
  get isAtRest(): boolean {
    const toldFiring = this.#done?.alerts.some((alert) => alert.status === 'firing') ?? false;
    return this.#running === undefined && this.#intent === null && !toldFiring && !this.#isOwed;
  }

  get #isOwed(): boolean {
    const { tenant, groupKey } = this.#group;
    return this.#around.ledger.owes({ tenant, groupKey, receiver: this.integration.id });
  }

  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** The oldest event that this integration may have to be told of, and for which no intent is on the ledger yet. */
  get unhandledOffset(): number | undefined {
    return this.#unhandledOffset;
  }

  /**
   * An event changed the group. While a notice is under way this holds no position back, or a receiver that is down would
   * keep the log from ever dropping a byte: a restart finds what changed meanwhile in the alerts' states.
   */
  changedBy(offset: number): void {
    if (!this.#running) this.#unhandledOffset ??= offset;
  }

  /** Begins telling, unless it is under way. */
  flush(flush: Flush, signals: DeliverySignals): void {
    if (this.#running || signals.stopping.aborted) return;
    this.#running = this.#tell(flush, signals)
      .catch((error: unknown) => {
        if (!signals.stopping.aborted)
          this.#around.logger.error('telling failed', { receiver: this.integration.id, reason: messageOf(error) });
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #tell(flush: Flush, signals: DeliverySignals): Promise<void> {
    // Found on the ledger at the start: whether it was told is not known.
    if (this.#intent) await this.#carryOut(this.#intent, flush, signals, true);
    const { clock, random, repeatIntervalMs } = this.#around;
    const rules = { sendResolved: this.integration.sendResolved, repeatIntervalMs };
    const toTell = alertsToTell(flush.alerts(), this.#done, rules, clock.nowMs());
    if (toTell) {
      const id = Buffer.from(random.bytes(ID_BYTES)).toString('hex');
      this.#intent = { id, at: clock.nowMs(), alerts: toTell.map(noticed) };
      await this.#save(signals.stopping);
    } else if (this.#isOwed) {
      await this.#save(signals.stopping);
    }
    this.#unhandledOffset = undefined;
    if (this.#intent) await this.#carryOut(this.#intent, flush, signals, false);
  }

  async #carryOut(notice: Notice, flush: Flush, signals: DeliverySignals, mayBeTold: boolean): Promise<void> {
    // Only resolved alerts, and the receiver doesn't want those: it counts as told.
    const outcome = notice.alerts.length === 0 ? 'silent' : await this.#send(notice, flush, signals, mayBeTold);
    this.#intent = null;
    if (outcome === 'delivered' || outcome === 'silent') this.#done = this.#withUnmentioned(notice, flush);
    if (outcome !== 'silent') this.#around.metrics.notices.with(this.integration.id, outcome).add();
    await this.#save(signals.wire);
  }

  /**
   * The notice, and with it what was told before of alerts that it does not mention, because they are silenced or the like: their
   * end is still to be told.
   */
  #withUnmentioned(notice: Notice, flush: Flush): Notice {
    const mentioned = new Set(notice.alerts.map(({ fingerprint }) => fingerprint));
    const unmentioned = (this.#done?.alerts ?? []).filter(({ status, fingerprint }) => {
      if (status !== 'firing' || mentioned.has(fingerprint)) return false;
      const held = flush.held(fingerprint);
      return held !== undefined && (held.status === 'firing' || this.integration.sendResolved);
    });
    return unmentioned.length === 0 ? notice : { ...notice, alerts: [...notice.alerts, ...unmentioned] };
  }

  async #send(
    notice: Notice,
    flush: Flush,
    signals: DeliverySignals,
    mayBeTold: boolean,
  ): Promise<'delivered' | 'refused' | 'expired' | 'suppressed'> {
    const { clock, random } = this.#around;
    let pauseMs = RETRY_MS_MIN;
    let isUncertain = mayBeTold;
    for (;;) {
      const outcome = await this.#attempt(notice, signals);
      if (outcome.kind === 'delivered') {
        this.#lastError = '';
        this.#lastDeliveredMs = clock.nowMs();
        return 'delivered';
      }
      this.#complain(outcome.message);
      if (outcome.kind === 'refused') return 'refused';
      isUncertain ||= outcome.isUncertain;
      if (clock.nowMs() - notice.at > NOTICE_AGE_MS_MAX) return 'expired';
      // Between half and all of the pause, so that receivers that come back are not run over.
      const drawnMs = pauseMs / 2 + (random.next() * pauseMs) / 2;
      await clock.sleep(Math.max(drawnMs, Math.min(outcome.afterMs ?? 0, RETRY_MS_MAX)), signals.stopping);
      pauseMs = Math.min(pauseMs * 2, RETRY_MS_MAX);
      // Silenced while it could not be delivered: nobody wants to hear of it now; the next flush sees what is left. But where
      // it may have been told after all, somebody would wait for its end in vain.
      if (!isUncertain && !notice.alerts.some(flush.isWanted)) return 'suppressed';
    }
  }

  async #attempt(notice: Notice, signals: DeliverySignals): Promise<SendOutcome> {
    const { clock, slots, metrics } = this.#around;
    const { kind, receiver } = this.integration;
    return slots.run(signals.stopping, async () => {
      const startMs = clock.monotonicMs();
      const outcome = await this.integration.send(this.#group, notice, signals.wire);
      metrics.latency.observe((clock.monotonicMs() - startMs) / 1000);
      metrics.attempts.with(kind, receiver).add();
      if (outcome.kind !== 'delivered') {
        metrics.attemptsFailed.with(kind, receiver, outcome.kind === 'retry' ? outcome.reason : 'refused').add();
      }
      return outcome;
    });
  }

  async #save(signal: AbortSignal): Promise<void> {
    const { tenant, groupKey } = this.#group;
    const entry = { tenant, receiver: this.integration.id, groupKey, done: this.#done, intent: this.#intent };
    await this.#around.ledger.write(entry, signal);
  }

  /** Once per kind of trouble: the counters tell how often. */
  #complain(message: string): void {
    if (message !== this.#lastError) {
      this.#around.logger.warn('a notice was not delivered', {
        receiver: this.integration.id,
        group: this.#group.groupKey,
        reason: message,
      });
    }
    this.#lastError = message;
  }
}

function noticed(alert: HeldAlert): NoticedAlert {
  const { expiresAtMs: _, updatedAtMs: __, isPosted: ___, ...rest } = alert;
  return rest;
}
