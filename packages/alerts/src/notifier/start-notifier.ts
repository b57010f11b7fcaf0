import {
  type Clock,
  isTidemarkError,
  type Logger,
  messageOf,
  type Random,
  type SelfMetrics,
  TaskGroup,
} from '@tidemark/base';
import type { FetchedRecords, Log, LogReader } from '@tidemark/log';
import { readCompacted } from '@tidemark/log';
import { topicName } from '@tidemark/model';
import { type AlertEvent, decodeAlertEvent } from '../event/alert-event.ts';
import { type AlertStateRecord, decodeAlertState } from '../event/alert-state-record.ts';
import { alertTopics } from '../event/topics.ts';
import type { Receiver } from '../receiver/receiver.ts';
import { type Fetch, type WebhookSpec, webhookReceiver } from '../receiver/webhook.ts';
import { AlertBook, entryKey } from './alert-book.ts';
import { heldFromEvent } from './held-alert.ts';
import { Ledger, type LedgerEntry } from './ledger.ts';
import { type NotifierMetrics, notifierMetrics } from './notifier-metrics.ts';
import { recall } from './recall.ts';
import { DEFAULT_ROUTE, groupOf, type RouteSpec } from './route.ts';
import { SendSlots } from './send-slots.ts';

// The notifier reads every alert event and tells receivers.
//
//   alerts --fetch--> book of groups --group wait, group interval--> deliveries --> webhook
//                                                                      |  intent before, done after
//   position committed: everything before it is on the ledger          v
//                                                                 notify-ledger

export interface NotifierOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly receivers: readonly WebhookSpec[];
  readonly route?: Partial<RouteSpec>;
  /** Where people reach the server: in every notice. */
  readonly externalUrl: string;
  readonly topicPrefix?: string;
  readonly fetch?: Fetch;
  readonly groupsMax?: number;
  readonly alertsMax?: number;
  /** Notices on the wire at once. */
  readonly sendingMax?: number;
}

export interface NotifierStatus {
  readonly groups: number;
  readonly alerts: number;
  /** The next event to be read. */
  readonly position: number;
  readonly receivers: readonly ReceiverStatus[];
}

export interface ReceiverStatus {
  readonly name: string;
  /** Groups that this receiver is being told about now, attempts that failed included. */
  readonly underWay: number;
  /** Why the last attempt failed; '' when none does. */
  readonly lastError: string;
  readonly lastDeliveredMs: number | undefined;
}

export interface Notifier {
  status(): NotifierStatus;
  /** Lets what is on the wire end, for some seconds; keeps everything else on the ledger. Twice is fine. */
  close(): Promise<void>;
}

const GROUP = 'notifier';
const GROUPS_MAX = 10_000;
// About 2 KiB each in memory.
const ALERTS_MAX = 50_000;
const SENDING_MAX = 16;
const FETCH_BYTES = 1024 * 1024;
const FETCH_WAIT_MS = 5000;
const COMMIT_EVERY_MS = 5000;
const LOG_RETRY_MS = 1000;
// Shutdown has ten seconds in all.
const CLOSE_WAIT_MS = 3000;

/** Resolves when ledger, states and missed events are read. Throws `LOG_*`. */
export async function startNotifier(options: NotifierOptions): Promise<Notifier> {
  await options.log.ensureTopics(alertTopics(options.topicPrefix));
  const notifier = new RunningNotifier(options);
  await notifier.begin();
  return notifier;
}

class RunningNotifier implements Notifier {
  readonly #options: NotifierOptions;
  readonly #logger: Logger;
  readonly #metrics: NotifierMetrics;
  readonly #route: RouteSpec;
  readonly #receivers: readonly Receiver[];
  readonly #ledger: Ledger;
  readonly #book: AlertBook;
  readonly #tasks: TaskGroup;
  /** No more attempts. */
  readonly #stopping = new AbortController();
  /** Aborts those on the wire. */
  readonly #wire = new AbortController();
  readonly #eventTopic: string;
  #reader: LogReader | undefined;
  #position = 0;
  #committed = -1;

  constructor(options: NotifierOptions) {
    const { clock, random } = options;
    this.#options = options;
    this.#logger = options.logger.child('notifier');
    this.#route = { ...DEFAULT_ROUTE, ...options.route };
    this.#eventTopic = topicName('alerts', options.topicPrefix);
    this.#metrics = notifierMetrics(options.metrics, {
      groups: () => this.#book.groupCount,
      alerts: () => this.#book.alertCount,
    });
    const around = { clock, random, logger: this.#logger, metrics: this.#metrics, route: this.#route };
    this.#ledger = new Ledger(options.log, around, options.topicPrefix);
    const fetch = options.fetch ?? globalThis.fetch;
    this.#receivers = options.receivers.map((spec) => webhookReceiver(spec, { ...options, fetch }));
    this.#book = new AlertBook(
      this.#receivers,
      { ...around, ledger: this.#ledger, slots: new SendSlots(options.sendingMax ?? SENDING_MAX) },
      { groupsMax: options.groupsMax ?? GROUPS_MAX, alertsMax: options.alertsMax ?? ALERTS_MAX },
      { stopping: this.#stopping.signal, wire: this.#wire.signal },
    );
    this.#tasks = new TaskGroup((name, error) => this.#logger.error(`${name} ended`, { reason: messageOf(error) }));
  }

  async begin(): Promise<void> {
    const { log, clock } = this.#options;
    const at = { topic: this.#eventTopic, partition: 0 };
    const end = (await log.bounds(this.#eventTopic))[0]?.end ?? 0;
    this.#reader = await log.openReader({ group: GROUP, from: [{ ...at, offset: 'committed' }] });
    this.#position = this.#reader.positions()[0]?.offset ?? 0;
    const startPosition = this.#position;
    const missed = await this.#readMissed(end);
    // After the events: a state is written no later than its event, so these are at least as new.
    const [entries, states] = [await this.#usableEntries(), await this.#states()];
    const byKey = new Map(entries.map((entry) => [entryKey(entry.tenant, entry.receiver, entry.groupKey), entry]));
    for (const { tenant, alert } of recall({ entries, missed, states }, clock.nowMs())) {
      const group = this.#book.groupFor(tenant, alert, byKey);
      group?.put(alert);
      if (!group) this.#metrics.events.with('full').add();
    }
    for (const group of this.#book.groups) {
      // Whatever was missed is handled when every group was looked through once.
      for (const delivery of group.deliveries) delivery.changedBy(startPosition);
      this.#book.start(group);
    }
    this.#tasks.spawn('reading alert events', (signal) => this.#readOn(signal));
    this.#tasks.spawn('committing positions', (signal) => this.#commitOn(signal));
  }

  status(): NotifierStatus {
    return {
      groups: this.#book.groupCount,
      alerts: this.#book.alertCount,
      position: this.#position,
      receivers: this.#receivers.map((receiver) => this.#receiverStatus(receiver.name)),
    };
  }

  async close(): Promise<void> {
    await this.#tasks.close();
    this.#book.stop();
    this.#stopping.abort(new DOMException('stopping', 'AbortError'));
    const cancel = this.#options.clock.after(CLOSE_WAIT_MS, () =>
      this.#wire.abort(new DOMException('no time left', 'TimeoutError')),
    );
    await Promise.all([...this.#book.groups].flatMap((group) => group.deliveries.map((delivery) => delivery.running)));
    cancel();
    await this.#commit().catch((error: unknown) =>
      this.#logger.warn('the position was not committed', { reason: messageOf(error) }),
    );
    await this.#reader?.close();
  }

  #receiverStatus(name: string): ReceiverStatus {
    const deliveries = [...this.#book.groups].flatMap((group) =>
      group.deliveries.filter((delivery) => delivery.receiver.name === name),
    );
    const delivered = deliveries.flatMap(({ lastDeliveredMs }) =>
      lastDeliveredMs === undefined ? [] : [lastDeliveredMs],
    );
    return {
      name,
      underWay: deliveries.filter((delivery) => delivery.running !== undefined).length,
      lastError: deliveries.find((delivery) => delivery.lastError !== '')?.lastError ?? '',
      lastDeliveredMs: delivered.length === 0 ? undefined : Math.max(...delivered),
    };
  }

  /** The last event of each alert from the committed position to `end`. */
  async #readMissed(end: number): Promise<readonly AlertEvent[]> {
    const missed = new Map<string, AlertEvent>();
    while (this.#position < end) {
      const before = this.#position;
      const [fetched] = await this.#fetch(0);
      if (!fetched && this.#position === before) break;
      if (!fetched) continue;
      for (const event of this.#eventsOf(fetched)) missed.set(`${event.fingerprint} ${event.tenant}`, event);
      this.#position = fetched.nextOffset;
    }
    return [...missed.values()];
  }

  async #states(): Promise<readonly AlertStateRecord[]> {
    const topic = topicName('alert-state', this.#options.topicPrefix);
    const records = await readCompacted(this.#options.log, topic, 'notifier-restore');
    return records.flatMap((record) =>
      this.#readable(topic, record.offset, () => decodeAlertState(record.value as Uint8Array)),
    );
  }

  /** Ledger entries that speak of present receivers and present grouping. Others can be neither continued nor taken back. */
  async #usableEntries(): Promise<readonly LedgerEntry[]> {
    const names = new Set(this.#receivers.map((receiver) => receiver.name));
    return (await this.#ledger.load()).filter(({ tenant, receiver, groupKey, done, intent }) => {
      const alerts = [...(done?.alerts ?? []), ...(intent?.alerts ?? [])];
      const isGroupedSo = alerts.every((alert) => groupOf(this.#route, tenant, alert.labels).groupKey === groupKey);
      if (names.has(receiver) && isGroupedSo) return true;
      this.#logger.info('the ledger speaks of a receiver or grouping that is not configured', { receiver, groupKey });
      return false;
    });
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const fetched = await this.#fetchOrWait(signal);
      for (const { records, nextOffset } of fetched) {
        for (const record of records) {
          if (record.offset < this.#position) {
            this.#metrics.events.with('repeated').add();
            continue;
          }
          for (const event of this.#readable(this.#eventTopic, record.offset, () =>
            decodeAlertEvent(record.value ?? new Uint8Array()),
          )) {
            this.#apply(event, record.offset);
          }
        }
        this.#position = Math.max(this.#position, nextOffset);
      }
    }
  }

  async #fetchOrWait(signal: AbortSignal): Promise<readonly FetchedRecords[]> {
    try {
      return await this.#fetch(FETCH_WAIT_MS, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isTidemarkError(error, 'LOG_CLOSED')) throw error;
      this.#logger.warn('alert events cannot be read now', { reason: messageOf(error) });
      await this.#options.clock.sleep(LOG_RETRY_MS, signal);
      return [];
    }
  }

  async #fetch(maxWaitMs: number, signal?: AbortSignal): Promise<readonly FetchedRecords[]> {
    const reader = this.#reader as LogReader;
    try {
      return await reader.fetch({ maxBytes: FETCH_BYTES, maxWaitMs, ...(signal ? { signal } : {}) });
    } catch (error) {
      const start = isTidemarkError(error, 'LOG_POSITION_LOST') ? error.details['start'] : undefined;
      if (typeof start !== 'number') throw error;
      // Firing alerts are repeated by the rules; what is lost is at most a notice of something that is over.
      this.#metrics.positionsLost.add();
      this.#logger.warn('the log dropped alert events before they were read', { position: this.#position, start });
      reader.seek({ topic: this.#eventTopic, partition: 0, offset: start });
      this.#position = start;
      return [];
    }
  }

  #apply(event: AlertEvent, offset: number): void {
    const alert = heldFromEvent(event, this.#options.clock.nowMs());
    const known = this.#book.find(event.tenant, alert);
    const isHeld = known?.alerts.has(alert.fingerprint) ?? false;
    if (alert.status === 'resolved' && !isHeld && !known?.wasTold(alert.fingerprint)) {
      this.#metrics.events.with('ignored').add();
      return;
    }
    const group = this.#book.groupFor(event.tenant, alert);
    if (!group) {
      this.#metrics.events.with('full').add();
      this.#logger.error('an alert is not told: too many are held', { alert: event.rule, held: this.#book.alertCount });
      return;
    }
    const isChange = group.put(alert);
    this.#metrics.events.with(isChange ? 'applied' : 'repeated').add();
    if (isChange) for (const delivery of group.deliveries) delivery.changedBy(offset);
    if (!known) this.#book.start(group);
  }

  #eventsOf({ records }: FetchedRecords): readonly AlertEvent[] {
    return records.flatMap((record) =>
      this.#readable(this.#eventTopic, record.offset, () => decodeAlertEvent(record.value ?? new Uint8Array())),
    );
  }

  /** What `decode` returns, or nothing, counted. */
  #readable<T>(topic: string, offset: number, decode: () => T): readonly T[] {
    try {
      return [decode()];
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      this.#metrics.unreadable.with(topic).add();
      this.#logger.warn('a record cannot be read and is left out', { topic, offset, reason: messageOf(error) });
      return [];
    }
  }

  async #commitOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(COMMIT_EVERY_MS, signal);
      await this.#commit().catch((error: unknown) =>
        this.#logger.warn('the position was not committed', { reason: messageOf(error) }),
      );
    }
  }

  async #commit(): Promise<void> {
    let offset = this.#position;
    for (const group of this.#book.groups) {
      for (const { unhandledOffset } of group.deliveries) offset = Math.min(offset, unhandledOffset ?? offset);
    }
    if (offset === this.#committed) return;
    await this.#options.log.commit(GROUP, [{ topic: this.#eventTopic, partition: 0, offset }]);
    this.#committed = offset;
  }
}
