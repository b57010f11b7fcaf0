import { ByteWriter, type Clock, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { readCompacted } from '@tidemark/log';
import { topicName } from '@tidemark/model';
import { ALERT_SCHEMA_IDS, recordCodec } from '../avro/framed-record.ts';
import type { Notice } from '../receiver/receiver.ts';
import type { NotifierMetrics } from './notifier-metrics.ts';

// What every receiver was told about every group, on the compacted topic `notify-ledger`:
//
//   nothing --intent--> {done: -, intent: A} --told A--> {done: A, intent: -} --> {done: A, intent: B} --> {done: B, intent: -}
//
// A process that finds an intent at its start cannot know whether the notice left the house, and sends it again: a notice is
// told at least once, twice only if the process died between the two records. It is all a process needs: with the intent
// stands what to tell, with `done` what a resolved notice would have to say.

export interface LedgerEntry {
  readonly tenant: string;
  /** The integration: `ops/webhook[0]`. */
  readonly receiver: string;
  readonly groupKey: string;
  /** The last notice delivered. */
  readonly done: Notice | null;
  /** The notice under way. */
  readonly intent: Notice | null;
}

const CODEC = recordCodec<LedgerEntry>('notify-ledger', ALERT_SCHEMA_IDS.notifyLedger);

export const NOTIFY_LEDGER_SCHEMA = CODEC.schema;
export const encodeLedgerEntry = CODEC.encode;

/** Throws `ALERT_RECORD_MALFORMED`, `ALERT_RECORD_CHECKSUM`, `ALERT_RECORD_VERSION`. */
export const decodeLedgerEntry = CODEC.decode;

type LedgerKey = Pick<LedgerEntry, 'tenant' | 'receiver' | 'groupKey'>;

/** Every part with its length before it: `tenant | receiver | group key`. */
export function ledgerKey(of: LedgerKey): Uint8Array {
  const writer = new ByteWriter();
  for (const part of [of.tenant, of.receiver, of.groupKey]) writer.text(part);
  return writer.finish();
}

function entryKey({ tenant, receiver, groupKey }: LedgerKey): string {
  return JSON.stringify([tenant, receiver, groupKey]);
}

// What fires is told again every repeat interval, so an entry this old is of a receiver or a route that is gone.
const ENTRY_AGE_MS_MAX = 30 * 24 * 3_600_000;
const RETRY_MS = 1000;
// Longer than this nobody waits for the ledger: a notice late or twice is better than none.
const UNREACHABLE_MS_MAX = 30_000;

export class Ledger {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: NotifierMetrics;
  readonly #topic: string;
  /** What the ledger says, by key; entries of receivers that are not configured any more included. */
  readonly #entries = new Map<string, LedgerEntry>();
  /** Keys of entries that the log did not take when they were due. */
  readonly #owed = new Set<string>();

  constructor(
    log: Log,
    around: { readonly clock: Clock; readonly logger: Logger; readonly metrics: NotifierMetrics },
    topicPrefix?: string,
  ) {
    this.#log = log;
    this.#clock = around.clock;
    this.#logger = around.logger;
    this.#metrics = around.metrics;
    this.#topic = topicName('notify-ledger', topicPrefix);
  }

  /** Reads what is there, and buries what nobody came back to for long. Throws `LOG_*`. */
  async load(): Promise<void> {
    const oldMs = this.#clock.nowMs() - ENTRY_AGE_MS_MAX;
    for (const record of await readCompacted(this.#log, this.#topic, 'notifier-ledger')) {
      try {
        const entry = decodeLedgerEntry(record.value as Uint8Array);
        const toldMs = Math.max(entry.done?.at ?? 0, entry.intent?.at ?? 0);
        if (toldMs >= oldMs) this.#entries.set(entryKey(entry), entry);
        else await this.#log.append([{ topic: this.#topic, partition: 0, key: ledgerKey(entry), value: null }]);
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        if (error.code.startsWith('LOG_')) throw error;
        this.#metrics.unreadable.with('notify-ledger').add();
        this.#logger.warn('a ledger entry cannot be read', { offset: record.offset, reason: messageOf(error) });
      }
    }
  }

  get(key: LedgerKey): LedgerEntry | undefined {
    return this.#entries.get(entryKey(key));
  }

  /** Whether the log lacks the last entry of this key: until it has it, a restart does not know what was told. */
  owes(key: LedgerKey): boolean {
    return this.#owed.size > 0 && this.#owed.has(entryKey(key));
  }

  entries(): readonly LedgerEntry[] {
    return [...this.#entries.values()];
  }

  /**
   * Writes the entry; one that says nothing any more is a tombstone. Tries for 30 seconds, then goes on without: counted, and
   * owed. Throws the signal's reason.
   */
  async write(entry: LedgerEntry, signal: AbortSignal): Promise<void> {
    const says = entry.intent !== null || (entry.done?.alerts.some((alert) => alert.status === 'firing') ?? false);
    if (says) this.#entries.set(entryKey(entry), entry);
    else this.#entries.delete(entryKey(entry));
    const record = {
      topic: this.#topic,
      partition: 0,
      key: ledgerKey(entry),
      value: says ? encodeLedgerEntry(entry) : null,
    };
    const giveUpMs = this.#clock.nowMs() + UNREACHABLE_MS_MAX;
    for (;;) {
      try {
        await this.#log.append([record]);
        this.#owed.delete(entryKey(entry));
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#metrics.ledgerFailures.add();
        if (isTidemarkError(error, 'LOG_CLOSED') || this.#clock.nowMs() >= giveUpMs) {
          this.#logger.error('the ledger cannot be written: a notice may be sent twice', { reason: messageOf(error) });
          this.#owed.add(entryKey(entry));
          return;
        }
        await this.#clock.sleep(RETRY_MS, signal);
      }
    }
  }
}
