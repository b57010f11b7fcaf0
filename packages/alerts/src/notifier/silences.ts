import { type Clock, isTidemarkError, type Logger, Mutex, messageOf, type Random, TidemarkError } from '@tidemark/base';
import { type Log, type OutgoingRecord, readCompacted } from '@tidemark/log';
import { type Labels, topicName } from '@tidemark/model';
import {
  checkSilence,
  decodeSilence,
  encodeSilence,
  isSilenceKey,
  type Silence,
  type SilenceRecord,
  type SilenceState,
  silenceKey,
  silenceState,
} from './silence.ts';
import { SilenceIndex } from './silence-index.ts';

// All silences of all tenants. What is set or expired is on the log before it holds, and before whoever asked hears of it. A
// line for people, who did what when, goes to the topic `audit` in the same append.

export interface SilenceInput {
  /** '' for a new one. */
  readonly id: string;
  readonly matchers: SilenceRecord['matchers'];
  readonly startsAt: number;
  readonly endsAt: number;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations?: SilenceRecord['annotations'];
}

export interface SilencesOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly topicPrefix?: string;
  /** Called for a record that cannot be read. */
  readonly onUnreadable: () => void;
  readonly silencesMax?: number;
  readonly bytesMax?: number;
}

// How long an expired silence can be looked at: Alertmanager's retention.
export const SILENCE_RETENTION_MS = 5 * 24 * 3_600_000;
// About 1 KiB each; people make tens, scripts that go wrong make thousands.
const SILENCES_MAX = 10_000;
// Of one silence: a comment is a sentence, not a book.
const SILENCE_BYTES_MAX = 65_536;

export class Silences {
  readonly #options: SilencesOptions;
  readonly #byTenant = new Map<string, { readonly all: Map<string, Silence>; readonly index: SilenceIndex }>();
  readonly #turn = new Mutex();
  readonly #topic: string;
  readonly #auditTopic: string;
  #count = 0;

  constructor(options: SilencesOptions) {
    this.#options = options;
    this.#topic = topicName('config', options.topicPrefix);
    this.#auditTopic = topicName('audit', options.topicPrefix);
  }

  /** Throws `LOG_*`. */
  async load(): Promise<void> {
    for (const { key, value, offset } of await readCompacted(this.#options.log, this.#topic, 'notifier-silences')) {
      if (!isSilenceKey(key)) continue;
      try {
        this.#hold(checkSilence(decodeSilence(value as Uint8Array)));
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        this.#options.onUnreadable();
        this.#options.logger.warn('a silence cannot be read', { offset, reason: messageOf(error) });
      }
    }
  }

  /** Ids of active silences that hold for an alert, sorted. */
  silencing(tenant: string, labels: Labels, nowMs: number): readonly string[] {
    return this.#byTenant.get(tenant)?.index.activeFor(labels, nowMs) ?? [];
  }

  get(tenant: string, id: string): Silence | undefined {
    return this.#byTenant.get(tenant)?.all.get(id);
  }

  of(tenant: string): readonly Silence[] {
    return [...(this.#byTenant.get(tenant)?.all.values() ?? [])];
  }

  count(state: SilenceState): number {
    const nowMs = this.#options.clock.nowMs();
    let count = 0;
    for (const { all } of this.#byTenant.values()) {
      for (const { record } of all.values()) if (silenceState(record, nowMs) === state) count++;
    }
    return count;
  }

  /**
   * Makes or changes a silence; returns its id. One that is under way keeps its id when its matchers and start stay; else it is
   * expired and a new one takes its place. Throws `SILENCE_INVALID`, `SILENCE_NOT_FOUND`, `SILENCES_FULL`, `LOG_*`.
   */
  set(tenant: string, input: SilenceInput): Promise<string> {
    return this.#turn.run(async () => {
      const nowMs = this.#options.clock.nowMs();
      const before = input.id === '' ? undefined : this.get(tenant, input.id);
      if (input.id !== '' && !before) throw notFound(input.id);
      const stays = before !== undefined && canStay(before.record, input, nowMs);
      const record: SilenceRecord = {
        tenant,
        id: stays ? input.id : this.#newId(),
        matchers: input.matchers,
        startsAt: stays ? input.startsAt : Math.max(input.startsAt, nowMs),
        endsAt: input.endsAt,
        updatedAt: nowMs,
        createdBy: input.createdBy,
        comment: input.comment,
        annotations: input.annotations ?? [],
      };
      const silence = checkSilence(record);
      const bytesMax = this.#options.bytesMax ?? SILENCE_BYTES_MAX;
      if (encodeSilence(record).length > bytesMax) {
        throw new TidemarkError('SILENCE_INVALID', `silence invalid: more than ${bytesMax} bytes`);
      }
      if (!stays && this.#count >= (this.#options.silencesMax ?? SILENCES_MAX)) {
        throw new TidemarkError('SILENCES_FULL', `there are ${this.#count} silences already; expire some`);
      }
      const replaced =
        !stays && before && silenceState(before.record, nowMs) !== 'expired' ? [expired(before.record, nowMs)] : [];
      await this.#write([...replaced, record], before ? 'silence.update' : 'silence.create');
      for (const old of replaced) this.#hold(checkSilence(old));
      this.#hold(silence);
      return record.id;
    });
  }

  /** Ends one now; one that has ended stays as it is. Throws `SILENCE_NOT_FOUND`, `LOG_*`. */
  expire(tenant: string, id: string): Promise<void> {
    return this.#turn.run(async () => {
      const nowMs = this.#options.clock.nowMs();
      const before = this.get(tenant, id);
      if (!before) throw notFound(id);
      if (silenceState(before.record, nowMs) === 'expired') return;
      const record = expired(before.record, nowMs);
      await this.#write([record], 'silence.expire');
      this.#hold(checkSilence(record));
    });
  }

  /** Drops those that expired long ago. Throws `LOG_*`. */
  forgetOld(): Promise<void> {
    return this.#turn.run(async () => {
      const limitMs = this.#options.clock.nowMs() - SILENCE_RETENTION_MS;
      for (const { all, index } of this.#byTenant.values()) {
        for (const silence of [...all.values()].filter(({ record }) => record.endsAt <= limitMs)) {
          await this.#options.log.append([
            { topic: this.#topic, partition: 0, key: silenceKey(silence.record), value: null },
          ]);
          all.delete(silence.record.id);
          index.delete(silence);
          this.#count--;
        }
      }
    });
  }

  #hold(silence: Silence): void {
    const { tenant, id } = silence.record;
    let held = this.#byTenant.get(tenant);
    if (!held) {
      held = { all: new Map(), index: new SilenceIndex() };
      this.#byTenant.set(tenant, held);
    }
    const before = held.all.get(id);
    if (before) held.index.delete(before);
    else this.#count++;
    held.all.set(id, silence);
    held.index.add(silence);
  }

  async #write(records: readonly SilenceRecord[], action: string): Promise<void> {
    const last = records.at(-1) as SilenceRecord;
    const outgoing: OutgoingRecord[] = records.map((record) => ({
      topic: this.#topic,
      partition: 0,
      key: silenceKey(record),
      value: encodeSilence(record),
    }));
    const { tenant, id, createdBy, comment, startsAt, endsAt, updatedAt } = last;
    const line = { at: updatedAt, action, tenant, id, createdBy, comment, startsAt, endsAt };
    outgoing.push({
      topic: this.#auditTopic,
      partition: 0,
      key: null,
      value: Buffer.from(JSON.stringify(line), 'utf8'),
    });
    await this.#options.log.append(outgoing);
  }

  /** A random UUID, version 4. */
  #newId(): string {
    const bytes = Buffer.from(this.#options.random.bytes(16));
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = bytes.toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }
}

function expired(record: SilenceRecord, nowMs: number): SilenceRecord {
  const isPending = silenceState(record, nowMs) === 'pending';
  return { ...record, startsAt: isPending ? nowMs : record.startsAt, endsAt: nowMs, updatedAt: nowMs };
}

/** Whether the change leaves what was silenced so far as it was. */
function canStay(before: SilenceRecord, input: SilenceInput, nowMs: number): boolean {
  if (JSON.stringify(sorted(before.matchers)) !== JSON.stringify(sorted(input.matchers))) return false;
  const state = silenceState(before, nowMs);
  if (state === 'pending') return input.startsAt >= nowMs;
  const second = (ms: number) => Math.floor(ms / 1000);
  return state === 'active' && second(before.startsAt) === second(input.startsAt) && input.endsAt >= nowMs;
}

function sorted(matchers: SilenceRecord['matchers']): readonly string[] {
  return matchers.map(({ name, value, isRegex, isEqual }) => JSON.stringify([name, value, isRegex, isEqual])).sort();
}

function notFound(id: string): TidemarkError {
  return new TidemarkError('SILENCE_NOT_FOUND', 'silence not found', { id });
}
