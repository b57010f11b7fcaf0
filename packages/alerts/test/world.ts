import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, SelfMetrics, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { readCompacted } from '@tidemark/log';
import { SimLog } from '@tidemark/log/sim';
import {
  formatLabels,
  type InstantAnswer,
  isStale,
  labelsOf,
  type QueryPort,
  type SampleBatch,
  type SampleSink,
  sectionLabels,
  topicName,
} from '@tidemark/model';
import { expect, onTestFinished } from 'vitest';
import {
  type AlertEvent,
  decodeAlertEvent,
  decodeLedgerEntry,
  type LedgerEntry,
  loadRules,
  type Notifier,
  planOfShortForm,
  type Rules,
  type ShortForm,
  startNotifier,
  startRules,
  type WebhookPayload,
} from '../src/index.ts';

// A world for stories about alerts: a log that outlives processes, a scripted query, a clock under the story's hand, and a
// real HTTP server as the receiver. A process is rules and notifier together; `crash` ends it as a power cut would: none of
// its timers fires, nothing it sends arrives any more, and the next one finds what the log kept.

export const START_MS = Date.UTC(2026, 10, 22, 10);

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly payload: WebhookPayload;
  readonly atMs: number;
}

export interface WorldOptions {
  readonly rules: string;
  readonly route?: Omit<ShortForm, 'webhooks'>;
  readonly resendDelayMs?: number;
  readonly sendResolved?: boolean;
}

class ProcessClock implements Clock {
  readonly #clock: SimClock;
  #isDead = false;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  kill(): void {
    this.#isDead = true;
  }

  nowMs = () => this.#clock.nowMs();
  monotonicMs = () => this.#clock.monotonicMs();
  sleep = (ms: number, signal?: AbortSignal) =>
    this.#isDead ? new Promise<void>(() => undefined) : this.#clock.sleep(ms, signal);
  after = (ms: number, tick: () => void) =>
    this.#clock.after(ms, () => {
      if (!this.#isDead) tick();
    });
}

export class World {
  readonly clock = new SimClock(START_MS);
  readonly received: Received[] = [];
  log = new SimLog({ clock: this.clock });
  metrics = new SelfMetrics();
  rules!: Rules;
  notifier!: Notifier;
  /** What every expression answers: metric name (the expression) -> value by instance; an Error is thrown. */
  readonly truth: Record<string, Record<string, number> | Error> = {};
  isFresh = true;
  /** What was asked, in order. */
  readonly asked: string[] = [];
  /** The last sample that rules wrote of each series. */
  readonly written = new Map<string, number | 'stale'>();
  sinkFails: Error | undefined;
  /** What the receiver answers; `hang`: nothing, ever. */
  answer: number | 'hang' = 200;
  retryAfter: string | undefined;
  #options!: WorldOptions;
  #processClock!: ProcessClock;
  /** How many were started: each draws other chances. */
  #processes = 0;
  #server!: Server;
  /** Of the process that runs now. */
  #process = { isCrashed: false, inFlight: 0 };

  static async begin(options: WorldOptions): Promise<World> {
    const world = new World();
    world.#options = options;
    await world.#listen();
    await world.startProcess();
    return world;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  async startProcess(): Promise<void> {
    const { rules, route, resendDelayMs, sendResolved } = this.#options;
    const clock = new ProcessClock(this.clock);
    const process = { isCrashed: false, inFlight: 0 };
    this.#processClock = clock;
    this.#process = process;
    this.metrics = new SelfMetrics();
    const around = {
      log: this.log,
      clock,
      logger: silentLogger,
      metrics: this.metrics,
      externalUrl: 'http://tidemark',
    };
    this.notifier = await startNotifier({
      ...around,
      random: seededRandom(++this.#processes),
      setup: {
        plan: planOfShortForm({
          webhooks: [{ name: 'ops', url: this.url, ...(sendResolved === undefined ? {} : { sendResolved }) }],
          groupWaitMs: 5000,
          groupIntervalMs: 10_000,
          ...route,
        }),
        templates: [],
      },
      fetch: (url, init) => (process.isCrashed ? new Promise(() => undefined) : fetchCounted(process, url, init)),
    });
    this.rules = await startRules({
      ...around,
      query: this.#query(),
      sink: this.#sink(),
      groups: groupsOf(rules),
      intervalMs: 10_000,
      ...(resendDelayMs === undefined ? {} : { resendDelayMs }),
    });
  }

  /** A power cut; positions committed until now were on the disk. */
  crash(): void {
    this.log.syncPositions();
    this.#processClock.kill();
    this.#process.isCrashed = true;
    this.log = this.log.crash();
  }

  /** SIGTERM: everything is closed in order. */
  async stopProcess(): Promise<void> {
    const closed = Promise.all([this.rules.close(), this.notifier.close()]);
    await this.until(() => closed.then(() => true));
  }

  /** Lets time pass in steps, and real I/O with it. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      await this.clock.advance(1000);
      // Simulated seconds must not pass while real bytes travel, or a busy machine would look like a slow receiver.
      do await settle();
      while (this.#process.inFlight > 0 && this.answer !== 'hang');
    }
  }

  /** Waits, without time passing, until something is so. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    await expect.poll(isSo, { timeout: 5000, interval: 5 }).toBe(true);
  }

  /** `firing web1,web2` per notice: its status and the instances of its alerts, resolved ones with a minus before. */
  get told(): readonly string[] {
    return this.received.map(({ payload }) => {
      const names = payload.alerts.map(
        ({ status, labels }) => `${status === 'resolved' ? '-' : ''}${labels['instance'] ?? ''}`,
      );
      return `${payload.status} ${names.join(',')}`;
    });
  }

  async events(): Promise<readonly AlertEvent[]> {
    const topic = topicName('alerts');
    const reader = await this.log.openReader({ group: 'look', from: [{ topic, partition: 0, offset: 'earliest' }] });
    const fetched = await reader.fetch({ maxBytes: 1e8, maxWaitMs: 0 });
    await reader.close();
    await this.log.forget('look');
    return fetched.flatMap(({ records }) => records.map(({ value }) => decodeAlertEvent(value as Uint8Array)));
  }

  /** What the ledger still says. */
  async ledger(): Promise<readonly LedgerEntry[]> {
    const records = await readCompacted(this.log, topicName('notify-ledger'), 'look');
    return records.map(({ value }) => decodeLedgerEntry(value as Uint8Array));
  }

  metric(series: string): number | undefined {
    const line = this.metrics
      .expose()
      .split('\n')
      .find((found) => found.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  #sink(): SampleSink {
    return {
      append: async (batch) => {
        if (this.sinkFails) throw this.sinkFails;
        const accepted = batch.values.length;
        for (const [name, value] of samplesOf(batch)) this.written.set(name, value);
        return { accepted, refused: [] };
      },
    };
  }

  #query(): QueryPort {
    return {
      evaluate: async ({ expression, consistency }): Promise<InstantAnswer> => {
        this.asked.push(`${consistency} ${expression}`);
        const answer = this.truth[expression] ?? {};
        if (answer instanceof Error) throw answer;
        const samples = Object.entries(answer).map(([instance, value]) => ({
          labels: labelsOf({ __name__: expression, instance }),
          value,
        }));
        return { samples, warnings: [], fresh: this.isFresh };
      },
    };
  }

  async #listen(): Promise<void> {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const payload = JSON.parse(Buffer.concat(chunks).toString('utf8')) as WebhookPayload;
        if (this.answer === 'hang' || this.answer < 300) {
          this.received.push({ headers: request.headers, payload, atMs: this.clock.nowMs() });
        }
        if (this.answer === 'hang') return;
        if (this.retryAfter !== undefined) response.setHeader('retry-after', this.retryAfter);
        response.writeHead(this.answer).end('the answer');
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
  }
}

export function groupsOf(text: string) {
  return loadRules([{ file: 'rules.yml', text }], { checkExpression: () => undefined }).groups;
}

/** Lets promises and sockets go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function fetchCounted(process: { inFlight: number }, url: string, init: RequestInit): Promise<Response> {
  process.inFlight++;
  try {
    const response = await fetch(url, init);
    return new Response(await response.text(), { status: response.status, headers: response.headers });
  } finally {
    process.inFlight--;
  }
}

function samplesOf(batch: SampleBatch): [string, number | 'stale'][] {
  return Array.from(batch.values, (value, i) => {
    const name = formatLabels(sectionLabels(batch.series, batch.sampleSeries[i] as number));
    return [name, isStale(value) ? 'stale' : value];
  });
}
