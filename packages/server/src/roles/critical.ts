import { type Clock, type Logger, TaskGroup } from '@tidemark/base';
import type { CriticalSpan } from '@tidemark/ingest';
import { type Log, readCompacted } from '@tidemark/log';
import { RAW_ROLES, topicName } from '@tidemark/model';
import type { Config } from '../config/schema.ts';
import { CRITICAL_KEY, changeSpans, decodeSpans, encodeSpans } from './critical-spans.ts';
import { Trouble } from './trouble.ts';

// The setting `ingest.critical`, from the processes that decide it to all that take samples in.
//
//   ingest.critical ─▶ config topic ─▶ every process with a pipeline, its own first     (critical-spans.ts says what is written)
//
// On a log that others share it is asked for every few seconds whether the record is still the same, and each answer is good for
// some minutes. Who had none for longer takes nothing in until it has: a frozen process must not go on by an old list. With one
// process there is nobody else to ask.

export interface CriticalParts {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What holds from now on, until so much of the monotonic clock. The same object again: nothing has changed. */
  readonly take: (spans: readonly CriticalSpan[], untilMs?: number) => void;
  readonly onFailure: (what: string, error: unknown) => void;
}

const LOOK_MS = 5_000;
// What CRITICAL_LEAD_MS has beside the time that samples may be ahead.
const GOOD_FOR_MS = 5 * 60_000;
const GROUP = 'critical-metrics';

export class CriticalSetting {
  readonly #parts: CriticalParts;
  readonly #topic: string;
  readonly #trouble: Trouble;
  readonly #tasks: TaskGroup;
  #spans: readonly CriticalSpan[] = [];
  /** Where the config topic ended when the record was read last. */
  #readTo = -1;

  private constructor(parts: CriticalParts) {
    this.#parts = parts;
    this.#topic = topicName('config', parts.config.log.topicPrefix);
    this.#trouble = new Trouble(parts.clock, parts.logger, 'ask which metrics are critical');
    this.#tasks = new TaskGroup(parts.onFailure);
  }

  /** Throws `CRITICAL_RECORD_MALFORMED`, `CRITICAL_CHANGES_TOO_MANY`, and what the log throws. */
  static async open(parts: CriticalParts): Promise<CriticalSetting> {
    const setting = new CriticalSetting(parts);
    await setting.#look();
    await setting.propose(parts.config);
    if (setting.#isShared) setting.#tasks.spawn('critical metrics', (signal) => setting.#follow(signal));
    return setting;
  }

  /** The list of a configuration, where it is for this process to decide. */
  async propose({ roles, ingest, store }: Config): Promise<void> {
    const { log, clock, logger } = this.#parts;
    if (this.#isShared && !roles.includes('ingest')) return;
    const isLogEmpty = this.#spans.length === 0 && (await this.#isLogEmpty());
    const facts = { nowMs: clock.nowMs(), isLogEmpty, retentionMs: store.retentionRaw };
    const next = changeSpans(this.#spans, ingest.critical, facts);
    if (next === undefined) return;
    const value = encodeSpans(next);
    await log.append([{ topic: this.#topic, partition: 0, key: Buffer.from(CRITICAL_KEY, 'utf8'), value }]);
    logger.info('which metrics are critical changes', {
      metrics: ingest.critical.join(' '),
      from: Number.isFinite(next.at(-1)?.fromMs) ? new Date(next.at(-1)?.fromMs ?? 0).toISOString() : 'the beginning',
    });
    // What the log has: another process may have been faster.
    await this.#look();
  }

  close(): Promise<void> {
    return this.#tasks.close();
  }

  get #isShared(): boolean {
    return this.#parts.config.log.kind === 'kafka';
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#parts.clock.sleep(LOOK_MS, signal);
      try {
        await this.#look();
        this.#trouble.succeeded();
      } catch (error) {
        if (signal.aborted) throw error;
        this.#trouble.failed(error);
      }
    }
  }

  async #look(): Promise<void> {
    const { log, clock, take } = this.#parts;
    const askedMs = clock.monotonicMs();
    const [bounds] = await log.bounds(this.#topic);
    const end = bounds?.end ?? 0;
    if (end !== this.#readTo) {
      const value = await this.#record();
      if (value !== undefined && !isSame(value, encodeSpans(this.#spans))) this.#spans = decodeSpans(value);
      this.#readTo = end;
    }
    const untilMs = this.#isShared ? askedMs + GOOD_FOR_MS : Number.POSITIVE_INFINITY;
    if (this.#spans.length > 0 || this.#isShared) take(this.#spans.length > 0 ? this.#spans : NOTHING, untilMs);
  }

  async #record(): Promise<Uint8Array | undefined> {
    for (const { key, value } of await readCompacted(this.#parts.log, this.#topic, GROUP)) {
      if (Buffer.from(key ?? []).toString('utf8') === CRITICAL_KEY) return value ?? undefined;
    }
    return undefined;
  }

  /** Whether no sample was ever taken in. */
  async #isLogEmpty(): Promise<boolean> {
    const { log, config } = this.#parts;
    const bounds = await Promise.all(RAW_ROLES.map((role) => log.bounds(topicName(role, config.log.topicPrefix))));
    return bounds.flat().every(({ end }) => end === 0);
  }
}

const NOTHING: readonly CriticalSpan[] = [{ fromMs: Number.NEGATIVE_INFINITY, metrics: [] }];

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
