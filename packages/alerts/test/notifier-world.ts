import { type Clock, SelfMetrics, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { readCompacted } from '@tidemark/log';
import { SimLog } from '@tidemark/log/sim';
import { labelsOf, topicName } from '@tidemark/model';
import {
  decodeLedgerEntry,
  type LedgerEntry,
  type Notifier,
  readAlertmanagerFile,
  startNotifier,
  type WebhookPayload,
} from '../src/index.ts';

// A world for the notifier alone: alerts are posted, receivers are functions that behave as they are told, a process can be
// killed at any moment, and time passes only when the story says so.

export const START_MS = Date.UTC(2026, 10, 22, 10);
export const TENANT = 'default';

/** ok; 500; the reply gets lost though the notice was taken; nothing, ever. */
export type Manner = 'ok' | 'error' | 'lost' | 'hang';

export interface Attempt {
  readonly atMs: number;
  readonly receiver: string;
  readonly id: string;
  readonly payload: WebhookPayload;
  /** Which process made it. */
  readonly life: number;
  /** Whether the receiver has it; what the sender learns is another matter. */
  readonly isTaken: boolean;
  readonly manner: Manner;
}

/** Stops with its process: none of its timers fires any more. */
class ProcessClock implements Clock {
  readonly #clock: SimClock;
  isDead = false;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  nowMs = () => this.#clock.nowMs();
  monotonicMs = () => this.#clock.monotonicMs();
  sleep = (ms: number, signal?: AbortSignal) =>
    this.isDead ? new Promise<void>(() => undefined) : this.#clock.sleep(ms, signal);
  after = (ms: number, tick: () => void) =>
    this.#clock.after(ms, () => {
      if (!this.isDead) tick();
    });
}

export class NotifierWorld {
  readonly clock = new SimClock(START_MS);
  readonly attempts: Attempt[] = [];
  /** By receiver; `ok` when not set. */
  readonly manners = new Map<string, Manner>();
  log = new SimLog({ clock: this.clock });
  metrics = new SelfMetrics();
  notifier!: Notifier;
  life = 0;
  #config: string;
  #process = new ProcessClock(this.clock);

  readonly #sendingMax: number | undefined;

  private constructor(config: string, sendingMax: number | undefined) {
    this.#config = config;
    this.#sendingMax = sendingMax;
  }

  /** `config`: an alertmanager.yml whose webhooks' URLs are `http://<receiver>/`. */
  static async begin(config: string, sendingMax?: number): Promise<NotifierWorld> {
    const world = new NotifierWorld(config, sendingMax);
    await world.start();
    return world;
  }

  async start(): Promise<void> {
    const clock = new ProcessClock(this.clock);
    this.#process = clock;
    this.life++;
    this.metrics = new SelfMetrics();
    const starting = startNotifier({
      log: this.log,
      clock,
      random: seededRandom(this.life),
      logger: silentLogger,
      metrics: this.metrics,
      setup: this.#setup(),
      externalUrl: 'http://tidemark',
      ...(this.#sendingMax === undefined ? {} : { sendingMax: this.#sendingMax }),
      fetch: (url, init) => this.#receive(url, init, clock),
    });
    this.notifier = await this.drive(starting);
  }

  /** A power cut. */
  crash(): void {
    this.log.syncPositions();
    this.#process.isDead = true;
    const { appendDelayMs } = this.log.faults;
    this.log = this.log.crash();
    this.log.faults.appendDelayMs = appendDelayMs;
  }

  async close(): Promise<void> {
    await this.drive(this.notifier.close());
  }

  /** Other instructions for the process that runs. */
  async reload(config = this.#config): Promise<void> {
    this.#config = config;
    await this.drive(this.notifier.reload(this.#setup()));
  }

  /** Lets as much time pass as it takes. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    await settle();
    while (!isDone) await this.clock.advance(50);
    return work;
  }

  async pass(seconds: number): Promise<void> {
    await settle();
    for (let i = 0; i < seconds; i++) await this.clock.advance(1000);
  }

  /** Posts alerts that fire until they are posted otherwise, or for `forMs`. */
  async fire(labels: Readonly<Record<string, string>>, forMs = 365 * 86_400_000): Promise<void> {
    const nowMs = this.clock.nowMs();
    await this.#post(labels, nowMs, nowMs + forMs);
  }

  async resolve(labels: Readonly<Record<string, string>>): Promise<void> {
    await this.#post(labels, this.clock.nowMs() - 1, this.clock.nowMs());
  }

  async silence(matchers: Readonly<Record<string, string>>, forMs: number): Promise<string> {
    const nowMs = this.clock.nowMs();
    const setting = this.notifier.silences.set(TENANT, {
      id: '',
      matchers: Object.entries(matchers).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true })),
      startsAt: nowMs,
      endsAt: nowMs + forMs,
      createdBy: 'me',
      comment: 'why',
    });
    return this.drive(setting);
  }

  /** `firing a,b` per notice a receiver has: resolved ones with a minus before. */
  toldTo(receiver: string): readonly string[] {
    return this.attempts
      .filter((attempt) => attempt.isTaken && attempt.receiver === receiver)
      .map(({ payload }) => `${payload.status} ${namesOf(payload)}`);
  }

  async ledger(): Promise<readonly LedgerEntry[]> {
    const records = await readCompacted(this.log, topicName('notify-ledger'), 'look');
    return records.map(({ value }) => decodeLedgerEntry(value as Uint8Array));
  }

  async #post(labels: Readonly<Record<string, string>>, startsAt: number, endsAt: number): Promise<void> {
    const posted = { labels: labelsOf(labels), annotations: [], startsAt, endsAt, generatorURL: '' };
    await this.drive(this.notifier.post(TENANT, [posted]));
  }

  #setup() {
    const { plan, errors } = readAlertmanagerFile('world.yml', this.#config);
    if (!plan) throw new Error(errors.join('\n'));
    return { plan, templates: [] };
  }

  async #receive(url: string, init: RequestInit, process: ProcessClock): Promise<Response> {
    if (process.isDead) return new Promise(() => undefined);
    const receiver = new URL(url).hostname;
    const manner = this.manners.get(receiver) ?? 'ok';
    const headers = init.headers as Record<string, string>;
    this.attempts.push({
      atMs: this.clock.nowMs(),
      receiver,
      id: headers['x-tidemark-notice-id'] ?? '',
      payload: JSON.parse(String(init.body)) as WebhookPayload,
      life: this.life,
      // One that hangs may have taken it: a crash finds out.
      isTaken: manner !== 'error',
      manner,
    });
    if (manner === 'lost') throw new TypeError('fetch failed', { cause: new Error('ECONNRESET') });
    if (manner === 'hang') {
      return new Promise((_, reject) => {
        init.signal?.addEventListener('abort', () => reject(init.signal?.reason));
      });
    }
    return new Response('', { status: manner === 'ok' ? 200 : 500 });
  }
}

function namesOf(payload: WebhookPayload): string {
  return payload.alerts
    .map(({ status, labels }) => `${status === 'resolved' ? '-' : ''}${labels['instance'] ?? labels['alertname']}`)
    .join(',');
}

/** Lets promises go on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}
