import { type Clock, isTidemarkError, type Logger, messageOf, must } from '@tidemark/base';
import type {
  FetchedRecords,
  GroupMember,
  Log,
  LogReader,
  LogRecord,
  OutgoingRecord,
  Position,
  TopicPartition,
} from '@tidemark/log';
import { type AppendOutcome, type SampleBatch, type SampleSink, schemaIdOf } from '@tidemark/model';
import type { RecordMetadata } from '../processor/record.ts';
import { cutDeadLetter, deadLetter } from '../runtime/dead-letter.ts';
import type { RepartitionMetrics } from './metrics.ts';
import type { RepartitionOptions } from './options.ts';
import { SampleCollector } from './sample-collector.ts';
import { type SampleTopic, tenantOf } from './tenants.ts';
import type { WriterSchemas } from './writer-schemas.ts';

// One member's work between two assignments.
//
//   fetch --> for each record: schema id -> plan -> decode -> batch of its tenant
//     ^            |   unreadable: dead letter      |
//     |            |   schema not known yet: the partition is held at this record; the others go on
//     |            v                                v
//   commit <-- dead letters appended <-- batches handed to the sink, again and again while it is overloaded or away
//
// The position moves only behind what the sink has acknowledged and what lies on the dead-letter topic. A crash in between repeats
// samples, which is harmless, and dead letters, which say where they came from.

export interface ShiftParts {
  readonly log: Log;
  readonly sink: SampleSink;
  readonly schemas: WriterSchemas;
  readonly group: string;
  readonly topics: readonly SampleTopic[];
  readonly deadLetterTopic: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RepartitionMetrics;
  readonly options: RepartitionOptions;
}

const LAG_INTERVAL_MS = 1000;

export class Shift {
  readonly #parts: ShiftParts;
  readonly #member: GroupMember;
  readonly #generation: number;
  readonly #partitions: readonly TopicPartition[];
  readonly #topics: ReadonlyMap<string, SampleTopic>;
  readonly #collector: SampleCollector;
  readonly #abort = new AbortController();
  /** Next offset to be taken, by partition: what was redelivered below it is passed. */
  readonly #positions = new Map<string, number>();
  /** Partitions that wait, and for which schema. */
  readonly #held = new Map<string, TopicPartition & { readonly schemaId: number }>();
  readonly #done: Promise<void>;
  #letters: OutgoingRecord[] = [];
  #lagObservedMs = Number.NEGATIVE_INFINITY;
  /** Records were taken since. */
  #lagIsOld = false;

  constructor(parts: ShiftParts, member: GroupMember, generation: number, partitions: readonly TopicPartition[]) {
    this.#parts = parts;
    this.#member = member;
    this.#generation = generation;
    this.#partitions = partitions;
    this.#topics = new Map(parts.topics.map((each) => [each.topic, each]));
    this.#collector = new SampleCollector(parts.options);
    this.#done = this.#run();
    // Whoever stops it hears of it; until then nobody may be listening.
    this.#done.catch(() => undefined);
  }

  /** Settles when it has ended by itself, which is a failure, or was stopped. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** What is under way and acknowledged is committed. Throws what it failed with. */
  async stop(): Promise<void> {
    this.#abort.abort(new DOMException('stopping', 'AbortError'));
    await this.#done;
  }

  async #run(): Promise<void> {
    const { log, group } = this.#parts;
    if (this.#partitions.length === 0) return;
    const from = this.#partitions.map((at) => ({ ...at, offset: 'committed' as const }));
    const reader = await log.openReader({ group, from });
    try {
      await this.#work(reader);
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    } finally {
      for (const at of this.#partitions) this.#parts.metrics.lag.with(at.topic, `${at.partition}`).set(0);
      this.#parts.metrics.held.set(0);
      await reader.close();
    }
  }

  async #work(reader: LogReader): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      this.#resumeHeld(reader);
      const done: Position[] = [];
      for (const part of await this.#fetch(reader)) {
        const offset = this.#take(part);
        // Held, or enough for once: what is left of it comes again.
        if (offset !== part.nextOffset) reader.seek({ ...part, offset });
        const held = this.#held.get(keyOf(part));
        if (held) reader.pause([held]);
        this.#positions.set(keyOf(part), offset);
        done.push({ topic: part.topic, partition: part.partition, offset });
      }
      if (done.length > 0) this.#lagIsOld = true;
      await this.#deliver();
      if (done.length > 0) await this.#member.commit(done, this.#generation);
      await this.#observe(reader);
      // Requests and queries of the same process get their turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async #fetch(reader: LogReader): Promise<readonly FetchedRecords[]> {
    const { options, logger, log } = this.#parts;
    const idleMs = this.#lagIsOld ? Math.min(LAG_INTERVAL_MS, options.fetchWaitMs) : options.fetchWaitMs;
    const maxWaitMs = this.#held.size > 0 ? options.heldLookMs : idleMs;
    try {
      return await reader.fetch({ maxBytes: options.fetchBytesMax, maxWaitMs, signal: this.#abort.signal });
    } catch (error) {
      if (!isTidemarkError(error, 'LOG_POSITION_LOST')) throw error;
      for (const position of reader.positions()) {
        const bounds = (await log.bounds(position.topic)).find((each) => each.partition === position.partition);
        const start = must(bounds).start;
        if (position.offset >= start) continue;
        logger.error('samples were deleted by the log before they were read', { ...position, start });
        reader.seek({ ...position, offset: start });
      }
      return [];
    }
  }

  #resumeHeld(reader: LogReader): void {
    const { schemas, metrics } = this.#parts;
    for (const [key, held] of this.#held) {
      if (schemas.lookUp(held.schemaId) === undefined) continue;
      this.#held.delete(key);
      reader.resume([held]);
    }
    metrics.held.set(this.#held.size);
  }

  /** Takes records up to one that must wait, or until it has enough. Returns the next offset. */
  #take({ topic, partition, records, nextOffset }: FetchedRecords): number {
    const { metrics } = this.#parts;
    const key = keyOf({ topic, partition });
    const position = this.#positions.get(key) ?? 0;
    for (const record of records) {
      if (record.offset < position) {
        metrics.redelivered.add();
        continue;
      }
      if (this.#collector.isFull) return record.offset;
      const schemaId = this.#one(record, { topic, partition, offset: record.offset });
      if (schemaId !== undefined) {
        this.#held.set(key, { topic, partition, schemaId });
        return record.offset;
      }
      metrics.records.with(topic).add();
    }
    return Math.max(nextOffset, position);
  }

  /** One record, into a batch, a counter or the dead letters. Returns the id of a schema that it has to wait for. */
  #one(record: LogRecord, from: RecordMetadata): number | undefined {
    const { schemas, metrics } = this.#parts;
    try {
      const schemaId = schemaIdOf(record.value);
      const known = schemas.lookUp(schemaId);
      if (known === undefined) return schemaId;
      if ('reason' in known) {
        this.#bury(record, from, known.reason, known.message);
        return undefined;
      }
      const tenant = tenantOf(must(this.#topics.get(from.topic)), record.headers);
      const refusal = this.#collector.add(tenant, record.value as Uint8Array, known);
      if (refusal !== undefined) metrics.refused.with(refusal).add();
    } catch (error) {
      if (!isTidemarkError(error) || !/^(SAMPLE|SCHEMA|TENANT)_/.test(error.code)) throw error;
      this.#bury(record, from, error.code.toLowerCase(), error.message);
    }
    return undefined;
  }

  #bury(record: LogRecord, from: RecordMetadata, reason: string, message: string): void {
    const { deadLetterTopic, clock, metrics, logger } = this.#parts;
    metrics.deadLetters.with(reason).add();
    logger.debug('a record cannot be read', { ...from, reason, message });
    this.#letters.push(deadLetter(deadLetterTopic, record, from, { reason, message, nowMs: clock.nowMs() }));
  }

  async #deliver(): Promise<void> {
    const { metrics } = this.#parts;
    for (const batch of this.#collector.take()) {
      await this.#handOn(batch);
      metrics.samples.add(batch.values.length);
    }
    const letters = this.#letters;
    this.#letters = [];
    if (letters.length > 0) await this.#post(letters);
  }

  /** Until the sink has it. What it refuses sample by sample it has counted. */
  async #handOn(batch: SampleBatch): Promise<AppendOutcome | undefined> {
    const { sink, clock, options, metrics, logger } = this.#parts;
    const { signal } = this.#abort;
    let pauseMs = options.retryMs;
    for (;;) {
      try {
        return await sink.append(batch, signal);
      } catch (error) {
        if (isTidemarkError(error, 'INGEST_TENANT_LIMIT')) {
          metrics.refused.with('tenant_limit').add(batch.values.length);
          return undefined;
        }
        if (!isTidemarkError(error) || !RETRIED.has(error.code)) throw error;
        const { retryAfterMs } = error.details;
        const waitMs = Math.min(
          Math.max(typeof retryAfterMs === 'number' ? retryAfterMs : 0, pauseMs),
          options.retryMaxMs,
        );
        logger.debug('samples wait for admission', { tenant: batch.tenant, waitMs, error: messageOf(error) });
        await clock.sleep(waitMs, signal);
        pauseMs = Math.min(pauseMs * 2, options.retryMaxMs);
      }
    }
  }

  async #post(letters: readonly OutgoingRecord[]): Promise<void> {
    const { log, options } = this.#parts;
    try {
      await log.append(letters);
      return;
    } catch (error) {
      if (!isTidemarkError(error, 'LOG_RECORD_TOO_LARGE')) throw error;
    }
    for (const letter of letters) {
      try {
        await log.append([letter]);
      } catch (error) {
        if (!isTidemarkError(error, 'LOG_RECORD_TOO_LARGE')) throw error;
        await log.append([cutDeadLetter(letter, options.cutLetterBytes)]);
      }
    }
  }

  async #observe(reader: LogReader): Promise<void> {
    const { clock, log, metrics } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#lagObservedMs + LAG_INTERVAL_MS) return;
    this.#lagObservedMs = nowMs;
    this.#lagIsOld = false;
    const positions = new Map(reader.positions().map((position) => [keyOf(position), position.offset]));
    for (const topic of this.#topics.keys()) {
      for (const { partition, end } of await log.bounds(topic, 'committed')) {
        const position = positions.get(keyOf({ topic, partition }));
        if (position !== undefined) metrics.lag.with(topic, `${partition}`).set(Math.max(0, end - position));
      }
    }
  }
}

const RETRIED = new Set(['INGEST_OVERLOADED', 'INGEST_RATE_LIMITED', 'INGEST_UNAVAILABLE']);

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
