import { type Clock, type Logger, messageOf, type Random } from '@tidemark/base';
import type { Notice, NoticeGroup, Receiver } from '../receiver/receiver.ts';
import { alertsToTell } from './dedup.ts';
import type { HeldAlert } from './held-alert.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import type { NotifierMetrics } from './notifier-metrics.ts';
import type { RouteSpec } from './route.ts';
import type { SendSlots } from './send-slots.ts';

// One receiver and one group. `flush` compares what was told with what holds, and tells the difference:
//
//   intent to the ledger --> send, again and again with growing pauses --> done to the ledger
//                              refused, or too old to matter: forgotten, counted
//
// One flush at a time; what changes meanwhile is for the next.

export interface DeliverySurroundings {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: NotifierMetrics;
  readonly route: RouteSpec;
  readonly slots: SendSlots;
}

export interface DeliverySignals {
  /** No more attempts: what waits for its turn stays on the ledger. */
  readonly stopping: AbortSignal;
  /** Aborts attempts on the wire. */
  readonly wire: AbortSignal;
}

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;
// A notice nobody took for a day is no news.
const NOTICE_AGE_MS_MAX = 24 * 3_600_000;
// 64 bits: unique among the notices a receiver may remember.
const ID_BYTES = 8;

export class Delivery {
  readonly receiver: Receiver;
  readonly #group: NoticeGroup;
  readonly #around: DeliverySurroundings;
  #done: Notice | null;
  #intent: Notice | null;
  #running: Promise<void> | undefined;
  #lastError = '';
  #lastDeliveredMs: number | undefined;
  #unhandledOffset: number | undefined;

  constructor(receiver: Receiver, group: NoticeGroup, entry: LedgerEntry | undefined, around: DeliverySurroundings) {
    this.receiver = receiver;
    this.#group = group;
    this.#around = around;
    this.#done = entry?.done ?? null;
    this.#intent = entry?.intent ?? null;
  }

  get told(): Notice | null {
    return this.#done;
  }

  get lastError(): string {
    return this.#lastError;
  }

  get lastDeliveredMs(): number | undefined {
    return this.#lastDeliveredMs;
  }

  /** Whether nothing is under way and nothing that it was told would have to be taken back. */
  get isAtRest(): boolean {
    const toldFiring = this.#done?.alerts.some((alert) => alert.status === 'firing') ?? false;
    return this.#running === undefined && this.#intent === null && !toldFiring;
  }

  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** The oldest event that this receiver may have to be told of, and for which no intent is on the ledger yet. */
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

  /** Begins telling, unless it is under way. `alerts` is asked when the notice is made. */
  flush(alerts: () => Iterable<HeldAlert>, signals: DeliverySignals): void {
    if (this.#running || signals.stopping.aborted) return;
    this.#running = this.#tell(alerts, signals)
      .catch((error: unknown) => {
        if (!signals.stopping.aborted)
          this.#around.logger.error('telling failed', { receiver: this.receiver.name, reason: messageOf(error) });
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #tell(alerts: () => Iterable<HeldAlert>, signals: DeliverySignals): Promise<void> {
    // Found on the ledger at the start: whether it was told is not known.
    if (this.#intent) await this.#carryOut(this.#intent, signals);
    const { clock, random, route } = this.#around;
    const rules = { sendResolved: this.receiver.sendResolved, repeatIntervalMs: route.repeatIntervalMs };
    const toTell = alertsToTell(alerts(), this.#done, rules, clock.nowMs());
    if (toTell) {
      const id = Buffer.from(random.bytes(ID_BYTES)).toString('hex');
      this.#intent = { id, at: clock.nowMs(), alerts: toTell.map(withoutExpiry) };
      await this.#save(signals.stopping);
    }
    this.#unhandledOffset = undefined;
    if (this.#intent) await this.#carryOut(this.#intent, signals);
  }

  async #carryOut(notice: Notice, signals: DeliverySignals): Promise<void> {
    // Only resolved alerts, and the receiver doesn't want those: it counts as told.
    const outcome = notice.alerts.length === 0 ? 'silent' : await this.#send(notice, signals);
    this.#intent = null;
    if (outcome === 'delivered' || outcome === 'silent') this.#done = notice;
    if (outcome !== 'silent') this.#around.metrics.notices.with(this.receiver.name, outcome).add();
    await this.#save(signals.wire);
  }

  async #send(notice: Notice, signals: DeliverySignals): Promise<'delivered' | 'refused' | 'expired'> {
    const { clock, random, metrics } = this.#around;
    let pauseMs = RETRY_MS_MIN;
    for (;;) {
      const outcome = await this.#attempt(notice, signals);
      if (outcome.kind === 'delivered') {
        this.#lastError = '';
        this.#lastDeliveredMs = clock.nowMs();
        return 'delivered';
      }
      this.#complain(outcome.message);
      if (outcome.kind === 'refused') return 'refused';
      metrics.attemptsFailed.with(this.receiver.name, outcome.reason).add();
      if (clock.nowMs() - notice.at > NOTICE_AGE_MS_MAX) return 'expired';
      // Between half and all of the pause, so that receivers that come back are not run over.
      const drawnMs = pauseMs / 2 + (random.next() * pauseMs) / 2;
      await clock.sleep(Math.max(drawnMs, Math.min(outcome.afterMs ?? 0, RETRY_MS_MAX)), signals.stopping);
      pauseMs = Math.min(pauseMs * 2, RETRY_MS_MAX);
    }
  }

  async #attempt(notice: Notice, signals: DeliverySignals) {
    const { clock, slots, metrics } = this.#around;
    return slots.run(signals.stopping, async () => {
      const startMs = clock.monotonicMs();
      const outcome = await this.receiver.send(this.#group, notice, signals.wire);
      metrics.sendSeconds.observe((clock.monotonicMs() - startMs) / 1000);
      return outcome;
    });
  }

  async #save(signal: AbortSignal): Promise<void> {
    const { tenant, groupKey } = this.#group;
    const entry = { tenant, receiver: this.receiver.name, groupKey, done: this.#done, intent: this.#intent };
    await this.#around.ledger.write(entry, signal);
  }

  /** Once per kind of trouble: the counters tell how often. */
  #complain(message: string): void {
    if (message !== this.#lastError) {
      this.#around.logger.warn('a notice was not delivered', {
        receiver: this.receiver.name,
        group: this.#group.groupKey,
        reason: message,
      });
    }
    this.#lastError = message;
  }
}

function withoutExpiry({ expiresAtMs: _, ...alert }: HeldAlert): Notice['alerts'][number] {
  return alert;
}
