import { type Clock, type Counter, isTidemarkError, must, type SelfMetrics, TidemarkError } from '@tidemark/base';
import type { ReadKind, WireRequest } from '@tidemark/model';
import { type Attempt, attempt, type DataPart } from './attempt.ts';
import { type Cover, cover } from './cover.ts';
import { tooManySamples } from './limits.ts';
import type { StoreWatch } from './store-watch.ts';

// One question to as many stores as it takes.
//
//   cover ─┬─ store a: 0, 2 ── answer ─────────────────────────────────────────────┐
//          └─ store b: 1, 3 ── fails, or is cut ── cover(1, 3 without b) ── store c ─┴─ answers of all partitions, or an error
//                          └── takes long ── asked of c too: the first whole answer counts, the other is let go
//
// An answer that is not whole is never used in part. What nobody can answer is an error, or where the asker says so a warning.

export interface FanOutOptions {
  readonly watch: StoreWatch;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
  /** Stores of this zone are asked first. */
  readonly zone: string;
  /** A store that has not answered by then has company; 0: never. */
  readonly hedgeAfterMs: number;
}

export interface FanOutAnswer {
  readonly attempts: readonly Attempt[];
  readonly warnings: readonly string[];
}

export interface Question {
  readonly kind: ReadKind;
  readonly request: WireRequest;
  readonly signal: AbortSignal;
  /** Samples or rows of all stores together; absent: as many as there are. */
  readonly samplesMax?: number;
}

// Stores that are asked a second time for the same at any moment: a slow zone must not double the load of the other.
const HEDGES_MAX = 8;
// The question's own fault, or its size: the same at every store.
const OF_THE_QUESTION = new Set([
  'SELECT_TOO_MANY_SERIES',
  'SELECT_TOO_MANY_SAMPLES',
  'MATCHER_REGEX_INVALID',
  'TENANT_INVALID',
  'READ_REQUEST_MALFORMED',
]);
// It answers, only not this.
const STILL_ANSWERS = new Set(['STORE_BEHIND', 'STORE_OVERLOADED', 'STORE_NOT_OWNER']);

export class FanOut {
  readonly #options: FanOutOptions;
  readonly #retries: Counter;
  readonly #hedges: Counter;
  readonly #missing: Counter;
  #hedging = 0;

  constructor(options: FanOutOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#retries = metrics.counter(
      'tidemark_query_store_retries_total',
      'Parts of questions that went to another store.',
    );
    this.#hedges = metrics.counter('tidemark_query_store_hedges_total', 'Parts of questions that went to two stores.');
    this.#missing = metrics.counter(
      'tidemark_query_store_missing_total',
      'Questions that nobody could answer in full.',
    );
  }

  /**
   * Answers of all partitions that the request names, or of all there are. Throws `STORES_UNAVAILABLE` when some have nobody
   * (unless `partial` is asked for), what is wrong with the question, the signal's reason.
   */
  async ask(question: Question): Promise<FanOutAnswer> {
    const { watch } = this.#options;
    if (watch.partitions === undefined) await orAborted(watch.looked, question.signal);
    const all = Array.from({ length: watch.partitions ?? 0 }, (_, partition) => partition);
    const { partitions = all, partial = false } = question.request;
    const run = new Run(this, this.#options, question);
    if (watch.partitions === undefined) run.missing.push('no store has said yet what it has', watch.whyMissing([0]));
    try {
      const attempts = await run.answers(partitions, new Map());
      if (run.missing.length === 0) return { attempts, warnings: warningsOf(attempts) };
      this.#missing.add();
      const what = [...new Set(run.missing)].join('; ');
      if (partial) return { attempts, warnings: [...warningsOf(attempts), `the answer is not whole: ${what}`] };
      throw new TidemarkError('STORES_UNAVAILABLE', what);
    } finally {
      run.close();
    }
  }

  countRetry(): void {
    this.#retries.add();
  }

  /** False: there are enough. Call what it returns when the second answer is no longer wanted. */
  beginHedge(): (() => void) | undefined {
    if (this.#hedging >= HEDGES_MAX) return undefined;
    this.#hedging++;
    this.#hedges.add();
    return () => void this.#hedging--;
  }
}

type Tried = ReadonlyMap<number, ReadonlySet<string>>;

/** One question under way. */
class Run {
  readonly missing: string[] = [];
  readonly #owner: FanOut;
  readonly #options: FanOutOptions;
  readonly #question: Question;
  readonly #stop = new AbortController();
  /** Samples that each place in the answer holds by now: of two attempts at it the larger. */
  readonly #held = new Map<object, number>();
  /** The last that each store failed with. */
  readonly #failures = new Map<string, string>();

  constructor(owner: FanOut, options: FanOutOptions, question: Question) {
    this.#owner = owner;
    this.#options = options;
    this.#question = question;
  }

  close(): void {
    this.#stop.abort(new DOMException('the question is answered', 'AbortError'));
  }

  async answers(partitions: readonly number[], tried: Tried): Promise<Attempt[]> {
    const { asks, missing } = this.#cover(partitions, tried);
    if (missing.length > 0) this.#note(missing, tried);
    const found = await Promise.all([...asks].map(([address, own]) => this.#orAnother(address, own, tried)));
    return found.flat();
  }

  #cover(partitions: readonly number[], tried: Tried): Cover {
    const { watch, zone } = this.#options;
    return cover(partitions, watch.views, zone, tried);
  }

  #note(missing: readonly number[], tried: Tried): void {
    const failed = missing.flatMap((partition) => [...(tried.get(partition) ?? [])]);
    const why = this.#failures.get(failed.at(-1) ?? '');
    const named = missing.length === 1 ? `partition ${missing[0]}` : `partitions ${missing.join(', ')}`;
    this.missing.push(
      why === undefined ? this.#options.watch.whyMissing(missing) : `nobody answers for ${named}: ${why}`,
    );
  }

  async #orAnother(address: string, partitions: readonly number[], tried: Tried): Promise<Attempt[]> {
    try {
      return await this.#hedged(address, partitions, tried);
    } catch (error) {
      if (this.#isFinal(error)) throw error;
      this.#owner.countRetry();
      return this.answers(partitions, without(tried, partitions, address));
    }
  }

  /** The first whole answer of this store or, when it takes long, of others. */
  async #hedged(address: string, partitions: readonly number[], tried: Tried): Promise<Attempt[]> {
    const { clock, hedgeAfterMs } = this.#options;
    const stop = new AbortController();
    const first = Promise.withResolvers<Attempt[]>();
    let running = 0;
    const race = (asked: Promise<Attempt[]>) => {
      running++;
      asked.then(first.resolve, (error: unknown) => {
        if (--running === 0 || this.#isFinal(error)) first.reject(error);
      });
    };
    const place = {};
    race(this.#one(address, partitions, stop.signal, place).then((one) => [one]));
    let endHedge: (() => void) | undefined;
    const cancel = clock.after(hedgeAfterMs === 0 ? Number.POSITIVE_INFINITY : hedgeAfterMs, () => {
      const { asks, missing } = this.#cover(partitions, without(tried, partitions, address));
      if (missing.length > 0) return;
      endHedge = this.#owner.beginHedge();
      if (endHedge) race(Promise.all([...asks].map(([other, own]) => this.#one(other, own, stop.signal, place))));
    });
    try {
      return await first.promise;
    } finally {
      cancel();
      endHedge?.();
      stop.abort(new DOMException('another store was faster', 'AbortError'));
    }
  }

  async #one(address: string, partitions: readonly number[], stop: AbortSignal, place: object): Promise<Attempt> {
    const { kind, request, signal } = this.#question;
    const { watch } = this.#options;
    const before = this.#held.get(place) ?? 0;
    let held = 0;
    const onPart = (part: DataPart) => {
      held += samplesOf(part);
      this.#hold(place, Math.max(held, before));
    };
    try {
      return await attempt({
        client: must(watch.client(address)),
        kind,
        request: { ...request, partitions },
        signal: AbortSignal.any([signal, stop, this.#stop.signal]),
        onPart,
      });
    } catch (error) {
      if (stop.aborted || this.#isFinal(error)) throw error;
      this.#failures.set(address, error instanceof Error ? error.message : String(error));
      if (!isTidemarkError(error) || !STILL_ANSWERS.has(error.code)) watch.failed(address, error);
      throw error;
    }
  }

  #hold(place: object, samples: number): void {
    this.#held.set(place, samples);
    const { samplesMax } = this.#question;
    if (samplesMax === undefined) return;
    let all = 0;
    for (const one of this.#held.values()) all += one;
    if (all > samplesMax) throw tooManySamples(all, samplesMax);
  }

  #isFinal(error: unknown): boolean {
    if (this.#question.signal.aborted || this.#stop.signal.aborted) return true;
    return isTidemarkError(error) && OF_THE_QUESTION.has(error.code);
  }
}

function samplesOf(part: DataPart): number {
  if (part.kind === 'samples') return part.series.reduce((sum, { values }) => sum + values.length, 0);
  if (part.kind === 'rows') return part.series.reduce((sum, { rows }) => sum + rows.length, 0);
  return 0;
}

function without(tried: Tried, partitions: readonly number[], address: string): Tried {
  const more = new Map(tried);
  for (const partition of partitions) more.set(partition, new Set([...(tried.get(partition) ?? []), address]));
  return more;
}

function warningsOf(attempts: readonly Attempt[]): string[] {
  return [...new Set(attempts.flatMap(({ warnings }) => warnings))];
}

function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
