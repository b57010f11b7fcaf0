import { type Clock, type Logger, Mutex, messageOf, type Random, type SelfMetrics, TaskGroup } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { type Labels, topicName } from '@tidemark/model';
import type { AlertEvent } from '../event/alert-event.ts';
import { POSTED } from '../event/posted.ts';
import { alertTopics } from '../event/topics.ts';
import type { Fetch } from '../receiver/http-client.ts';
import { makeIntegrations } from '../receiver/make-integrations.ts';
import type { Integration } from '../receiver/receiver.ts';
import type { TemplateFile } from '../receiver/template-data.ts';
import { AlertBook } from './alert-book.ts';
import { AlertStore, type StoredAlert } from './alert-store.ts';
import type { NotifierPlan } from './config/plan.ts';
import { EventReader } from './event-reader.ts';
import { type HeldAlert, heldFromEvent } from './held-alert.ts';
import { Inhibitor } from './inhibit.ts';
import { Ledger } from './ledger.ts';
import { type NotifierMetrics, notifierMetrics } from './notifier-metrics.ts';
import {
  type ReceiverStatus,
  receiverStatus,
  type ShownAlert,
  type ShownGroup,
  shownAlerts,
  shownGroups,
} from './notifier-view.ts';
import { type PostedAlert, PostedAlerts } from './posted-alerts.ts';
import { recall } from './recall.ts';
import { Silences } from './silences.ts';
import { Suppression } from './suppression.ts';

// The notifier reads every alert event and tells receivers.
//
//   alerts --events--> store --routes--> groups --group wait, group interval--> deliveries --> mail, webhook
//     ^                                     | minus inhibited, mute, silenced        |  intent before, done after
//     | posted alerts                       |                                        v
//   position committed: everything before it is on the ledger                   notify-ledger
//
// A new configuration is taken as a restart is, but for the reading: attempts under way end, and a new book is made from what
// is held and what the ledger says.

export interface NotifierSetup {
  readonly plan: NotifierPlan;
  /** Of `plan.templates`, read. */
  readonly templates: readonly TemplateFile[];
}

export interface NotifierOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly setup: NotifierSetup;
  /** Where people reach the server: in every notice. */
  readonly externalUrl: string;
  /** Of every alert of a rule that has none of that name; asked whenever one is heard of, since they may change. */
  readonly externalLabels?: () => Labels;
  readonly topicPrefix?: string;
  readonly fetch?: Fetch;
  readonly groupsMax?: number;
  readonly alertsMax?: number;
  /** Attempts of one integration on the wire at once. */
  readonly sendingMax?: number;
}

export interface NotifierStatus {
  readonly groups: number;
  readonly alerts: number;
  /** The next event to be read. */
  readonly position: number;
  readonly receivers: readonly ReceiverStatus[];
}

export interface Notifier {
  status(): NotifierStatus;
  readonly plan: NotifierPlan;
  readonly silences: Silences;
  /** Alerts of a tenant that fire. */
  alerts(tenant: string): readonly ShownAlert[];
  groups(tenant: string): readonly ShownGroup[];
  /** On the log and known here when it resolves. Throws `ALERTS_FULL`, `LOG_*`. */
  post(tenant: string, alerts: readonly PostedAlert[]): Promise<void>;
  countInvalid(): void;
  /** Throws `TEMPLATE_*` when the templates of a configuration cannot be read. */
  check(setup: NotifierSetup): void;
  /** Takes another configuration. Throws `TEMPLATE_*` and leaves all as it is when its templates cannot be read. */
  reload(setup: NotifierSetup): Promise<void>;
  /** The configuration that is there could not be taken. */
  reloadFailed(): void;
  /** Lets what is on the wire end, for some seconds; keeps everything else on the ledger. Twice is fine. */
  close(): Promise<void>;
}

const GROUPS_MAX = 10_000;
// About 2 KiB each in memory.
const ALERTS_MAX = 50_000;
const SENDING_MAX = 4;
const COMMIT_EVERY_MS = 5000;
// Shutdown has ten seconds in all.
const CLOSE_WAIT_MS = 3000;
// Read by ourselves: what was just written comes within milliseconds, or the log is in trouble.
const POST_WAIT_MS = 2000;
const FORGET_SILENCES_EVERY_MS = 15 * 60_000;

/** Resolves when ledger, states, silences and missed events are read. Throws `LOG_*`, `TEMPLATE_*`. */
export async function startNotifier(options: NotifierOptions): Promise<Notifier> {
  await options.log.ensureTopics(alertTopics(options.topicPrefix));
  const notifier = new RunningNotifier(options);
  await notifier.begin();
  return notifier;
}

/** What depends on the plan. */
interface Running {
  readonly setup: NotifierSetup;
  readonly integrations: readonly Integration[];
  readonly suppression: Suppression;
  readonly inhibitor: Inhibitor;
  readonly book: AlertBook;
  /** No more attempts. */
  readonly stopping: AbortController;
  /** Aborts those on the wire. */
  readonly wire: AbortController;
}

class RunningNotifier implements Notifier {
  readonly silences: Silences;
  readonly #options: NotifierOptions;
  readonly #logger: Logger;
  readonly #metrics: NotifierMetrics;
  readonly #ledger: Ledger;
  readonly #store: AlertStore;
  readonly #events: EventReader;
  readonly #posted: PostedAlerts;
  readonly #tasks: TaskGroup;
  readonly #turn = new Mutex();
  #running: Running;
  #isClosed = false;

  constructor(options: NotifierOptions) {
    const { log, clock, random, topicPrefix } = options;
    this.#options = options;
    this.#logger = options.logger.child('notifier');
    this.#metrics = notifierMetrics(options.metrics, {
      groups: () => this.#running.book.groupCount,
      alerts: () => this.#store.count,
      silences: (state) => this.silences.count(state),
    });
    const around = { clock, random, logger: this.#logger, metrics: this.#metrics };
    const prefix = topicPrefix === undefined ? {} : { topicPrefix };
    this.#ledger = new Ledger(log, around, topicPrefix);
    const configTopic = topicName('config', topicPrefix);
    const onUnreadable = () => this.#metrics.unreadable.with(configTopic).add();
    this.silences = new Silences({ log, ...around, ...prefix, onUnreadable });
    this.#store = new AlertStore(options.alertsMax ?? ALERTS_MAX, {
      changed: (stored) => this.#running.inhibitor.changed(stored),
      dropped: (stored) => {
        this.#running.inhibitor.dropped(stored);
        this.#posted.dropped(stored);
      },
    });
    this.#events = new EventReader({ log, ...around, ...prefix });
    this.#posted = new PostedAlerts(log, { ...around, store: this.#store }, topicPrefix);
    this.#running = this.#prepare(options.setup);
    this.#tasks = new TaskGroup((name, error) => this.#logger.error(`${name} ended`, { reason: messageOf(error) }));
  }

  get plan(): NotifierPlan {
    return this.#running.setup.plan;
  }

  async begin(): Promise<void> {
    const { from, events: missed } = await this.#events.open();
    await this.#ledger.load();
    await this.silences.load();
    // After the events: a state is written no later than its event, so these are at least as new.
    const states = await this.#events.states();
    const names = new Set(this.#running.integrations.map(({ id }) => id));
    const entries = this.#ledger.entries().filter(({ receiver, groupKey }) => {
      if (!names.has(receiver)) this.#logger.info('the ledger speaks of an unknown receiver', { receiver, groupKey });
      return names.has(receiver);
    });
    const { clock, externalLabels } = this.#options;
    for (const { tenant, alert } of recall({ entries, missed, states }, clock.nowMs(), externalLabels?.())) {
      if (this.#store.isFull) this.#metrics.events.with('full').add();
      else this.#place(this.#store.put(tenant, alert));
    }
    const over = states.filter((state) => state.file === POSTED && !this.#store.get(state.tenant, state.fingerprint));
    await this.#posted.bury(over);
    this.#startGroups(from);
    this.#markReloaded();
    this.#tasks.spawn('reading alert events', (signal) =>
      this.#events.readOn(signal, (event, offset) => this.#apply(event, offset)),
    );
    this.#tasks.spawn('committing positions', (signal) =>
      this.#every(COMMIT_EVERY_MS, signal, 'the position was not committed', () => this.#commit()),
    );
    this.#tasks.spawn('forgetting silences', (signal) =>
      this.#every(FORGET_SILENCES_EVERY_MS, signal, 'old silences stay for now', () => this.silences.forgetOld()),
    );
  }

  status(): NotifierStatus {
    return {
      groups: this.#running.book.groupCount,
      alerts: this.#store.count,
      position: this.#events.position,
      receivers: this.#running.integrations.map(({ id }) => receiverStatus(this.#running.book, id)),
    };
  }

  alerts(tenant: string): readonly ShownAlert[] {
    return shownAlerts({ ...this.#running, store: this.#store }, tenant, this.#options.clock.nowMs());
  }

  groups(tenant: string): readonly ShownGroup[] {
    return shownGroups({ ...this.#running, store: this.#store }, tenant, this.#options.clock.nowMs());
  }

  async post(tenant: string, alerts: readonly PostedAlert[]): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    for (const { endsAt } of alerts) this.#metrics.received.with(endsAt > nowMs ? 'firing' : 'resolved').add();
    await this.#posted.publish(tenant, alerts);
    await this.#events.passed(await this.#events.end(), POST_WAIT_MS);
  }

  countInvalid(): void {
    this.#metrics.invalid.add();
  }

  check(setup: NotifierSetup): void {
    makeIntegrations(setup, this.#options);
  }

  reload(setup: NotifierSetup): Promise<void> {
    return this.#turn.run(async () => {
      if (this.#isClosed) return;
      const next = this.#prepare(setup);
      const before = this.#running;
      await this.#quiet(before);
      const unhandled = this.#unhandledOffset(before.book);
      this.#running = next;
      for (const stored of this.#store.all()) {
        stored.groups.clear();
        next.inhibitor.changed(stored);
      }
      for (const stored of [...this.#store.all()]) this.#place(stored);
      this.#startGroups(unhandled);
      for (const group of next.book.groups) for (const { alert } of group.alerts.values()) group.hurryFor(alert);
      this.#markReloaded();
    });
  }

  reloadFailed(): void {
    this.#metrics.reloadSuccessful.set(0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#tasks.close();
    await this.#turn.run(async () => {
      await this.#quiet(this.#running);
      await this.#commit().catch((error: unknown) =>
        this.#logger.warn('the position was not committed', { reason: messageOf(error) }),
      );
      await this.#events.close();
    });
  }

  /** Throws `TEMPLATE_*`. */
  #prepare(setup: NotifierSetup): Running {
    const { clock, random } = this.#options;
    const integrations = makeIntegrations(setup, this.#options);
    const inhibitor = new Inhibitor(setup.plan.inhibitRules);
    const suppression = new Suppression(setup.plan, inhibitor, this.silences);
    const [stopping, wire] = [new AbortController(), new AbortController()];
    const book = new AlertBook(
      {
        plan: setup.plan,
        integrations,
        ledger: this.#ledger,
        store: this.#store,
        suppression,
        clock,
        random,
        logger: this.#logger,
        metrics: this.#metrics,
        groupsMax: this.#options.groupsMax ?? GROUPS_MAX,
        sendingMax: this.#options.sendingMax ?? SENDING_MAX,
      },
      { stopping: stopping.signal, wire: wire.signal },
    );
    return { setup, integrations, inhibitor, suppression, book, stopping, wire };
  }

  /** No timer fires, no attempt begins, and those on the wire have ended or were cut. */
  async #quiet({ book, stopping, wire }: Running): Promise<void> {
    book.stop();
    stopping.abort(new DOMException('stopping', 'AbortError'));
    const cancel = this.#options.clock.after(CLOSE_WAIT_MS, () =>
      wire.abort(new DOMException('no time left', 'TimeoutError')),
    );
    await Promise.all([...book.groups].flatMap((group) => group.deliveries.map((delivery) => delivery.running)));
    cancel();
  }

  #startGroups(unhandledOffset: number | undefined): void {
    for (const group of this.#running.book.groups) {
      // Whatever is not handled yet is handled when every group was looked through once.
      if (unhandledOffset !== undefined) for (const delivery of group.deliveries) delivery.changedBy(unhandledOffset);
      this.#running.book.start(group);
    }
  }

  #markReloaded(): void {
    this.#metrics.reloadSuccessful.set(1);
    this.#metrics.reloadSeconds.set(this.#options.clock.nowMs() / 1000);
  }

  /** Into its groups, none of which is started. */
  #place(stored: StoredAlert): void {
    const places = this.#running.book.put(stored);
    for (const { group } of places) if (!group) this.#refuse(stored.alert);
    if (stored.groups.size === 0) this.#store.drop(stored);
  }

  #apply(event: AlertEvent, offset: number): void {
    const alert = heldFromEvent(event, this.#options.clock.nowMs(), this.#options.externalLabels?.());
    const known = this.#store.get(event.tenant, alert.fingerprint);
    if (!known && alert.status === 'resolved') {
      this.#metrics.events.with('ignored').add();
      return;
    }
    if (!known && this.#store.isFull) {
      this.#refuse(alert);
      return;
    }
    const isChange = known?.alert.status !== alert.status;
    this.#metrics.events.with(isChange ? 'applied' : 'repeated').add();
    const stored = this.#store.put(event.tenant, alert);
    for (const { group, isNew } of this.#running.book.put(stored)) {
      if (!group) {
        this.#refuse(alert);
        continue;
      }
      if (isChange) for (const delivery of group.deliveries) delivery.changedBy(offset);
      if (isNew) this.#running.book.start(group);
      if (isChange && alert.status === 'firing') group.hurryFor(alert);
    }
    if (stored.groups.size === 0) this.#store.drop(stored);
  }

  #refuse(alert: HeldAlert): void {
    this.#metrics.events.with('full').add();
    const name = alert.labels.find((label) => label.name === 'alertname')?.value ?? '';
    this.#logger.error('an alert is not told: too many are held', { alert: name, held: this.#store.count });
  }

  async #every(ms: number, signal: AbortSignal, complaint: string, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(ms, signal);
      await work().catch((error: unknown) => this.#logger.warn(complaint, { reason: messageOf(error) }));
    }
  }

  #commit(): Promise<void> {
    return this.#events.commit(this.#unhandledOffset(this.#running.book) ?? this.#events.position);
  }

  #unhandledOffset(book: AlertBook): number | undefined {
    let least: number | undefined;
    for (const group of book.groups) {
      for (const { unhandledOffset: offset } of group.deliveries) {
        if (offset !== undefined) least = Math.min(least ?? offset, offset);
      }
    }
    return least;
  }
}
