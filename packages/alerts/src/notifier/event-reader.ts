import { type Clock, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import type { FetchedRecords, Log, LogReader } from '@tidemark/log';
import { readCompacted } from '@tidemark/log';
import { topicName } from '@tidemark/model';
import { type AlertEvent, decodeAlertEvent } from '../event/alert-event.ts';
import { type AlertStateRecord, decodeAlertState } from '../event/alert-state-record.ts';
import type { NotifierMetrics } from './notifier-metrics.ts';

// Reads the topics of the rules: every event from the committed position on, and the states at the start. Records that cannot
// be read are counted and left out.

const GROUP = 'notifier';
const FETCH_BYTES = 1024 * 1024;
const FETCH_WAIT_MS = 5000;
const LOG_RETRY_MS = 1000;

export interface EventReaderOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: NotifierMetrics;
  readonly topicPrefix?: string;
}

export interface Missed {
  /** The committed position. */
  readonly from: number;
  /** The last one of each alert. */
  readonly events: readonly AlertEvent[];
}

export class EventReader {
  readonly #options: EventReaderOptions;
  readonly #topic: string;
  readonly #waiting = new Set<{ readonly offset: number; readonly done: () => void }>();
  #reader: LogReader | undefined;
  #position = 0;
  #committed = -1;

  constructor(options: EventReaderOptions) {
    this.#options = options;
    this.#topic = topicName('alerts', options.topicPrefix);
  }

  /** The next event to be read. */
  get position(): number {
    return this.#position;
  }

  /** Reads from the committed position to the end as it is now. Throws `LOG_*`. */
  async open(): Promise<Missed> {
    const { log } = this.#options;
    const at = { topic: this.#topic, partition: 0 };
    const end = await this.end();
    this.#reader = await log.openReader({ group: GROUP, from: [{ ...at, offset: 'committed' }] });
    this.#position = this.#reader.positions()[0]?.offset ?? 0;
    const from = this.#position;
    const missed = new Map<string, AlertEvent>();
    while (this.#position < end) {
      const before = this.#position;
      const [fetched] = await this.#fetch(0);
      if (!fetched && this.#position === before) break;
      if (!fetched) continue;
      for (const { offset, value } of fetched.records) {
        for (const event of this.#event(offset, value)) missed.set(`${event.fingerprint} ${event.tenant}`, event);
      }
      this.#position = fetched.nextOffset;
    }
    return { from, events: [...missed.values()] };
  }

  async states(): Promise<readonly AlertStateRecord[]> {
    const topic = topicName('alert-state', this.#options.topicPrefix);
    const records = await readCompacted(this.#options.log, topic, 'notifier-restore');
    return records.flatMap((record) =>
      this.#readable(topic, record.offset, () => decodeAlertState(record.value as Uint8Array)),
    );
  }

  /** The next offset to be written. */
  async end(): Promise<number> {
    return (await this.#options.log.bounds(this.#topic))[0]?.end ?? 0;
  }

  /** Hands out events until the signal aborts. */
  async readOn(signal: AbortSignal, apply: (event: AlertEvent, offset: number) => void): Promise<void> {
    while (!signal.aborted) {
      for (const { records, nextOffset } of await this.#fetchOrWait(signal)) {
        for (const { offset, value } of records) {
          if (offset < this.#position) this.#options.metrics.events.with('repeated').add();
          else for (const event of this.#event(offset, value)) apply(event, offset);
        }
        this.#position = Math.max(this.#position, nextOffset);
      }
      for (const waiting of this.#waiting) if (waiting.offset <= this.#position) waiting.done();
    }
  }

  /** Resolves when everything below `offset` was handed out, or after `waitMs`. */
  passed(offset: number, waitMs: number): Promise<void> {
    if (this.#position >= offset) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(waitMs, () => waiting.done());
      const waiting = {
        offset,
        done: () => {
          cancel();
          this.#waiting.delete(waiting);
          resolve();
        },
      };
      this.#waiting.add(waiting);
    });
  }

  /** Everything below `offset` needs no reading again. Throws `LOG_*`. */
  async commit(offset: number): Promise<void> {
    if (offset === this.#committed) return;
    await this.#options.log.commit(GROUP, [{ topic: this.#topic, partition: 0, offset }]);
    this.#committed = offset;
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }

  async #fetchOrWait(signal: AbortSignal): Promise<readonly FetchedRecords[]> {
    try {
      return await this.#fetch(FETCH_WAIT_MS, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isTidemarkError(error, 'LOG_CLOSED')) throw error;
      this.#options.logger.warn('alert events cannot be read now', { reason: messageOf(error) });
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
      this.#options.metrics.positionsLost.add();
      const facts = { position: this.#position, start };
      this.#options.logger.warn('the log dropped alert events before they were read', facts);
      reader.seek({ topic: this.#topic, partition: 0, offset: start });
      this.#position = start;
      return [];
    }
  }

  #event(offset: number, value: Uint8Array | null): readonly AlertEvent[] {
    return this.#readable(this.#topic, offset, () => decodeAlertEvent(value ?? new Uint8Array()));
  }

  /** What `decode` returns, or nothing, counted. */
  #readable<T>(topic: string, offset: number, decode: () => T): readonly T[] {
    try {
      return [decode()];
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      this.#options.metrics.unreadable.with(topic).add();
      this.#options.logger.warn('a record cannot be read and is left out', { topic, offset, reason: messageOf(error) });
      return [];
    }
  }
}
