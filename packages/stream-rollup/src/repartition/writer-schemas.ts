import { type Clock, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import { planOf, type SamplePlan, type SchemaSource } from '@tidemark/model';
import type { RepartitionMetrics } from './metrics.ts';
import type { SchemaPatience } from './options.ts';

// The schemas of those who write samples, by id. Asked for once; what is known stays known, whatever the registry says or does
// later.
//
//             +-- answered ------------------------> plan: for good
//   asked ----+-- no such id, no schema of a sample > refused: dead letters; asked again after refusalMs
//             +-- unreachable ----- waiting: the partition is held, asked again with growing pauses
//                                      +-- patienceMs over > refused: dead letters; still asked again, and taken when it comes
//
// Nothing of a record is kept here: whoever must wait reads its record again later.

export interface SchemaRefusal {
  /** As on the dead-letter topic. */
  readonly reason: string;
  readonly message: string;
}

type Entry = { plan: SamplePlan } | Waiting;

interface Waiting {
  plan: undefined;
  /** Set once it is known that nothing comes for now. */
  refusal: SchemaRefusal | undefined;
  readonly sinceMs: number;
  nextTryMs: number;
  pauseMs: number;
  asking: boolean;
}

export class WriterSchemas {
  readonly #source: SchemaSource;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: RepartitionMetrics;
  readonly #patience: SchemaPatience;
  readonly #entries = new Map<number, Entry>();
  readonly #abort = new AbortController();
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    parts: { source: SchemaSource; clock: Clock; logger: Logger; metrics: RepartitionMetrics },
    patience: SchemaPatience,
  ) {
    this.#source = parts.source;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#patience = patience;
  }

  /** The plan of a schema, why there is none, or undefined: ask again in a moment. Never waits. */
  lookUp(id: number): SamplePlan | SchemaRefusal | undefined {
    const nowMs = this.#clock.monotonicMs();
    const entry = this.#entries.get(id) ?? this.#expect(id, nowMs);
    if (entry.plan !== undefined) return entry.plan;
    if (!entry.asking && nowMs >= entry.nextTryMs) void this.#ask(id, entry);
    if (entry.refusal === undefined && nowMs - entry.sinceMs >= this.#patience.patienceMs) {
      const minutes = Math.round(this.#patience.patienceMs / 60_000);
      const message = `schema ${id} could not be asked for in ${minutes} min; the record is as it was written, and can be sent again`;
      entry.refusal = { reason: 'registry_unreachable', message };
      this.#logger.error('a schema stayed out of reach: its records go to the dead letters', { schemaId: id });
    }
    return entry.refusal;
  }

  /** Gives up what is being asked. */
  close(): void {
    this.#abort.abort(new DOMException('stopping', 'AbortError'));
  }

  #expect(id: number, nowMs: number): Waiting {
    if (this.#entries.size >= this.#patience.schemasMax) this.#forgetOne();
    const entry: Waiting = {
      plan: undefined,
      refusal: undefined,
      sinceMs: nowMs,
      nextTryMs: nowMs,
      pauseMs: this.#patience.retryMs,
      asking: false,
    };
    this.#entries.set(id, entry);
    return entry;
  }

  /** Ids made up by whoever sends must not push out schemas in use. */
  #forgetOne(): void {
    let oldest: number | undefined;
    for (const [id, entry] of this.#entries) {
      oldest ??= id;
      if (entry.plan !== undefined) continue;
      oldest = id;
      break;
    }
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  async #ask(id: number, entry: Waiting): Promise<void> {
    entry.asking = true;
    try {
      const plan = planOf(await this.#answer(id));
      this.#metrics.lookups.with('found').add();
      // Behind all others: those known longest go first.
      this.#entries.delete(id);
      this.#entries.set(id, { plan });
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#failed(id, entry, error);
    } finally {
      entry.asking = false;
    }
  }

  /** A source that does not answer at all is one that is away. */
  async #answer(id: number): Promise<string> {
    const { timeoutMs } = this.#patience;
    const late = new AbortController();
    const { promise: never, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.after(timeoutMs, () => {
      const reason = new DOMException(`no answer in ${timeoutMs} ms`, 'TimeoutError');
      late.abort(reason);
      reject(reason);
    });
    try {
      return await Promise.race([this.#source.byId(id, AbortSignal.any([late.signal, this.#abort.signal])), never]);
    } finally {
      cancel();
    }
  }

  #failed(id: number, entry: Waiting, error: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    const code = isTidemarkError(error) ? error.code : '';
    if (code === 'SCHEMA_UNKNOWN' || code === 'SCHEMA_MALFORMED' || code === 'SCHEMA_INCOMPATIBLE') {
      this.#metrics.lookups.with(code.slice('SCHEMA_'.length).toLowerCase()).add();
      entry.refusal = { reason: code.toLowerCase(), message: `schema ${id}: ${messageOf(error)}` };
      entry.nextTryMs = nowMs + this.#patience.refusalMs;
      return;
    }
    this.#metrics.lookups.with('unreachable').add();
    entry.nextTryMs = nowMs + entry.pauseMs;
    entry.pauseMs = Math.min(entry.pauseMs * 2, this.#patience.retryMaxMs);
    if (nowMs - this.#saidAtMs < SAY_EVERY_MS) return;
    this.#saidAtMs = nowMs;
    this.#logger.warn('the schema registry does not answer; partitions with records of schemas not known yet wait', {
      schemaId: id,
      error: messageOf(error),
      waitingMs: nowMs - entry.sinceMs,
    });
  }
}

const SAY_EVERY_MS = 60_000;
