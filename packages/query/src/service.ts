import { type Clock, type Histogram, isTidemarkError, type SelfMetrics, TidemarkError } from '@tidemark/base';
import type {
  ExemplarSource,
  Freshness,
  InstantAnswer,
  InstantQuery,
  Labels,
  LabelsRequest,
  Matcher,
  QueryPort,
  ReadPosition,
  ReadTerms,
  Resolution,
  SelectAnswer,
  SelectedExemplars,
  SelectedRows,
  SelectedSeries,
  SeriesSource,
  TimeRange,
} from '@tidemark/model';
import {
  childrenOf,
  compareLabels,
  type Expr,
  parse,
  parseSelector,
  toNative,
  type VectorSelector,
} from '@tidemark/promql';
import type { Answer, Point } from './answer.ts';
import { Admission } from './execute/admission.ts';
import type { Executor } from './execute/executor.ts';
import { bytesOfSeries, UnreadAnswers } from './execute/unread.ts';
import type { Preference } from './plan/preference.ts';

// The query service: admission, deadline, freshness; then the engine over the series source. HTTP and rules both ask here.
//
//   question -> wait for a place -> strong? wait until storage has read what was acknowledged -> engine -> answer -> written
//               \______________________ one deadline over all of it _______________________/            and as long again
//                                \____________________________ the place is held _________________________________/
//
// Rules have places of their own: readers that take their time do not keep them waiting.

export interface QueryServiceOptions {
  readonly executor: Executor;
  readonly source: SeriesSource;
  /** Absent: there are none. */
  readonly exemplars?: ExemplarSource;
  readonly freshness: Freshness;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
  readonly timeoutMs: number;
  readonly seriesMax: number;
  readonly samplesMax: number;
  readonly concurrency: number;
  /** Bytes of answers that are made and not written yet, all together. */
  readonly unreadBytesMax?: number;
}

interface Question {
  readonly tenant: string;
  readonly signal: AbortSignal;
  readonly strong: boolean;
  /** At most the service's own. */
  readonly timeoutMs?: number;
  /** Whether parts that no store can answer now may be missing, with a warning. */
  readonly partial?: boolean;
}

export interface InstantQuestion extends Question {
  readonly expression: string;
  readonly atMs: number;
  readonly lookbackMs?: number;
  readonly preference?: Preference;
}

export interface RangeQuestion extends Question {
  readonly expression: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly lookbackMs?: number;
  readonly preference?: Preference;
}

/** Several selectors are alternatives: a series that fits one is in. */
export interface SelectionQuestion extends Question {
  readonly selectors: readonly string[];
  readonly range: TimeRange;
  /** 0: all. */
  readonly limit: number;
}

export interface ExemplarQuestion extends Question {
  /** Exemplars of the series that it selects, whatever it makes of them. */
  readonly expression: string;
  readonly range: TimeRange;
}

export interface SeriesRead {
  /** All must hold; at least one must not match the empty text. */
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
}

/** Raw samples of several selections, each answered whole. */
export interface ReadQuestion extends Question {
  readonly reads: readonly SeriesRead[];
}

export interface Listing<V> {
  readonly values: readonly V[];
  readonly warnings: readonly string[];
}

// Queries that may wait for a place: at the default 20 places and 100 ms a query, some 5 s of waiting.
const WAITING_MAX = 1000;
// As many as a Prometheus keeps by default.
const EXEMPLARS_MAX = 100_000;
// 256 MiB: sixteen million values, a hundred times what a screen of panels asks for.
const UNREAD_BYTES_MAX = 256 * 1024 * 1024;

/** Series of each selection, in the order of their labels. The signal says that it took too long. */
export type DeliverRead = (answers: readonly SelectAnswer<SelectedSeries>[], signal: AbortSignal) => Promise<void>;

/** Writes an answer to whoever asked. The signal says that it took too long. */
export type Deliver = (answer: Answer, signal: AbortSignal) => Promise<void>;

export class QueryService implements QueryPort {
  readonly #options: QueryServiceOptions;
  readonly #admission: Admission;
  readonly #ruleAdmission: Admission;
  readonly #unread: UnreadAnswers;
  readonly #seconds: Histogram;
  readonly #countOutcome: (outcome: string) => void;
  readonly #closing = new AbortController();

  constructor(options: QueryServiceOptions) {
    this.#options = options;
    this.#admission = new Admission(options.concurrency, WAITING_MAX);
    this.#ruleAdmission = new Admission(options.concurrency, WAITING_MAX);
    this.#unread = new UnreadAnswers(options.unreadBytesMax ?? UNREAD_BYTES_MAX);
    const { metrics } = options;
    this.#seconds = metrics.histogram('tidemark_query_seconds', 'How long queries took, waiting included.');
    const outcomes = metrics.counters('tidemark_queries_total', 'Queries by outcome.', ['outcome']);
    this.#countOutcome = (outcome) => outcomes.with(outcome).add();
    const admissions = [this.#admission, this.#ruleAdmission];
    const total = (of: (admission: Admission) => number) => admissions.reduce((sum, one) => sum + of(one), 0);
    metrics.gaugeFrom('tidemark_queries_running', 'Queries being evaluated or written.', () => total((a) => a.running));
    metrics.gaugeFrom('tidemark_queries_waiting', 'Queries waiting for a place.', () => total((a) => a.waiting));
    metrics.gaugeFrom('tidemark_query_unread_bytes', 'Bytes of answers not written yet.', () => this.#unread.bytes);
  }

  /** Cancels what runs and what waits; further questions fail. Twice is fine. */
  close(): void {
    this.#closing.abort(new DOMException('stopping', 'AbortError'));
  }

  /** With `deliver`, the question's place and the memory of its answer are held until it is delivered. */
  instant(question: InstantQuestion, deliver?: Deliver): Promise<Answer> {
    return this.#ask(this.#admission, question, deliver, (signal, terms) =>
      this.#options.executor.instant({ ...question, signal, terms }),
    );
  }

  range(question: RangeQuestion, deliver?: Deliver): Promise<Answer> {
    return this.#ask(this.#admission, question, deliver, (signal, terms) =>
      this.#options.executor.range({ ...question, signal, terms }),
    );
  }

  async evaluate(query: InstantQuery): Promise<InstantAnswer> {
    const question = {
      tenant: query.tenant,
      expression: query.expression,
      atMs: query.atMs,
      strong: query.consistency === 'strong',
      timeoutMs: query.timeoutMs,
      signal: query.signal ?? new AbortController().signal,
    };
    const answer = await this.#ask(this.#ruleAdmission, question, undefined, (signal, terms) =>
      this.#options.executor.instant({ ...question, signal, terms }),
    );
    const { result, warnings, fresh } = answer;
    switch (result.kind) {
      case 'vector':
        return { samples: result.points.map(ruleSample), warnings, fresh };
      case 'scalar':
        return { samples: [{ labels: [], value: result.value }], warnings, fresh };
      default:
        throw new TidemarkError(
          'PROMQL_TYPE',
          `a rule needs a vector or a scalar, ${query.expression} is a ${result.kind}`,
        );
    }
  }

  series(question: SelectionQuestion): Promise<Listing<Labels>> {
    const keyOf = (labels: Labels) => JSON.stringify(labels);
    return this.#list(question, keyOf, (request) => this.#options.source.series(request));
  }

  async labelNames(question: SelectionQuestion): Promise<Listing<string>> {
    const listing = await this.#list(
      question,
      (name: string) => name,
      (request) => this.#options.source.labelNames(request),
    );
    return { ...listing, values: sorted(listing.values) };
  }

  async labelValues(question: SelectionQuestion & { readonly name: string }): Promise<Listing<string>> {
    const { name } = question;
    const ask = (request: LabelsRequest) => this.#options.source.labelValues({ ...request, name });
    const listing = await this.#list(question, (value: string) => value, ask);
    return { ...listing, values: sorted(listing.values) };
  }

  /** Raw samples of the range as they are, stale markers included. */
  async samples(question: SelectionQuestion): Promise<Listing<SelectedSeries>> {
    const { source, seriesMax, samplesMax } = this.#options;
    const listing = await this.#list<SelectedSeries>(
      question,
      ({ labels }) => JSON.stringify(labels),
      ({ limit: _, ...request }) => source.select({ ...request, limits: { seriesMax, samplesMax } }),
    );
    return { ...listing, values: byLabels(listing.values) };
  }

  /** As `samples`, by matchers; its place and the memory of what it found are held until it is delivered. */
  async read(question: ReadQuestion, deliver: DeliverRead): Promise<void> {
    const { source, seriesMax, samplesMax, timeoutMs } = this.#options;
    const { tenant, reads, partial = false, strong } = question;
    await this.#guard(
      this.#admission,
      question,
      async (signal) => {
        const { notBefore } = strong ? await this.#catchUp(question, signal) : { notBefore: [] };
        const terms = { partial, ...(notBefore.length > 0 && { notBefore }) };
        const answers: SelectAnswer<SelectedSeries>[] = [];
        let bytes = 0;
        // The limits are of all of them together.
        const limits = { seriesMax, samplesMax };
        for (const { matchers, range } of reads) {
          const { series, warnings } = await source.select({ tenant, matchers, range, limits, signal, ...terms });
          signal.throwIfAborted();
          const samples = series.reduce((sum, { values }) => sum + values.length, 0);
          limits.seriesMax = Math.max(limits.seriesMax - series.length, 0);
          limits.samplesMax = Math.max(limits.samplesMax - samples, 0);
          bytes += bytesOfSeries(series);
          answers.push({ series: byLabels(series), warnings });
        }
        return { answers, release: this.#unread.holdBytes(bytes) };
      },
      async ({ answers, release }) => {
        try {
          await deliver(answers, AbortSignal.timeout(timeoutMs));
        } finally {
          release();
        }
      },
    );
  }

  async rows(question: SelectionQuestion & { readonly resolution: Resolution }): Promise<Listing<SelectedRows>> {
    const { source, seriesMax, samplesMax } = this.#options;
    const listing = await this.#list<SelectedRows>(
      question,
      ({ labels }) => JSON.stringify(labels),
      ({ limit: _, ...request }) =>
        source.selectRows({ ...request, limits: { seriesMax, samplesMax }, resolution: question.resolution }),
    );
    return { ...listing, values: byLabels(listing.values) };
  }

  /** By labels of their series; undefined when the expression selects nothing. */
  async exemplars(question: ExemplarQuestion): Promise<Listing<SelectedExemplars> | undefined> {
    const selectors = selectorsOf(parse(question.expression)).map(({ matchers }) => matchers);
    const { exemplars: source } = this.#options;
    if (selectors.length === 0) return undefined;
    if (source === undefined) return { values: [], warnings: [] };
    const { tenant, range, partial = false, strong } = question;
    return this.#guard(this.#admission, question, async (signal) => {
      const { notBefore } = strong ? await this.#catchUp(question, signal) : { notBefore: [] };
      const terms = { partial, ...(notBefore.length > 0 && { notBefore }) };
      const { series, warnings } = await source({ tenant, selectors, range, limit: EXEMPLARS_MAX, signal, ...terms });
      return { values: byLabels(series), warnings };
    });
  }

  /** Asks for each selector, keeps each value once, in the order found. */
  #list<V>(
    question: SelectionQuestion,
    keyOf: (value: V) => string,
    ask: (request: LabelsRequest) => Promise<SelectAnswer<V>>,
  ): Promise<Listing<V>> {
    const alternatives = question.selectors.length === 0 ? [[]] : question.selectors.map(parseSelector);
    const { tenant, range, limit, partial = false } = question;
    return this.#guard(this.#admission, question, async (signal) => {
      const found = new Map<string, V>();
      const warnings = new Set<string>();
      const { seriesMax } = this.#options;
      const most = limit === 0 ? seriesMax : limit;
      for (const matchers of alternatives) {
        // One more than will be given, to know that there are more.
        const answer = await ask({ tenant, matchers, range, limit: most + 1, signal, partial });
        for (const value of answer.series) found.set(keyOf(value), value);
        for (const warning of answer.warnings) warnings.add(warning);
        // A source with everything in memory never lets go of the thread; the deadline and the client's leaving need it.
        await new Promise<void>((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
      }
      const values = [...found.values()];
      if (values.length <= most) return { values, warnings: [...warnings] };
      const cut = limit === 0 ? `the answer was cut at query.series, ${seriesMax}` : 'results truncated due to limit';
      return { values: values.slice(0, most), warnings: [...warnings, cut] };
    });
  }

  #ask(
    admission: Admission,
    question: Question,
    deliver: Deliver | undefined,
    run: (signal: AbortSignal, terms: ReadTerms) => Promise<Omit<Answer, 'fresh'>>,
  ): Promise<Answer> {
    const answer = async (signal: AbortSignal): Promise<Answer> => {
      const { partial = false, strong } = question;
      const { fresh, notBefore } = strong ? await this.#catchUp(question, signal) : { fresh: true, notBefore: [] };
      const found = await run(signal, { partial, ...(notBefore.length > 0 && { notBefore }) });
      const behind = fresh ? [] : ['storage is behind: the newest samples may be missing'];
      return { ...found, warnings: [...found.warnings, ...behind], fresh };
    };
    if (!deliver) return this.#guard(admission, question, answer);
    return this.#guard(
      admission,
      question,
      async (signal) => {
        const made = await answer(signal);
        return { made, release: this.#unread.hold(made.result) };
      },
      async ({ made, release }) => {
        try {
          await deliver(made, AbortSignal.timeout(this.#options.timeoutMs));
        } finally {
          release();
        }
      },
    ).then(({ made }) => made);
  }

  /** A fifth of the time may go into waiting; then the answer is given on what is there, and says so. */
  async #catchUp(
    { timeoutMs }: Question,
    signal: AbortSignal,
  ): Promise<{ readonly fresh: boolean; readonly notBefore: readonly ReadPosition[] }> {
    const { freshness } = this.#options;
    const waitMs = (timeoutMs ?? this.#options.timeoutMs) / 5;
    if (!freshness.pinned) return { fresh: await freshness.caughtUp(waitMs, signal), notBefore: [] };
    const notBefore = await freshness.pinned(waitMs, signal);
    return { fresh: notBefore !== undefined, notBefore: notBefore ?? [] };
  }

  /** A place, a deadline, a measure. What comes after the work has the place still, and is measured by nobody. */
  async #guard<T>(
    admission: Admission,
    question: Question,
    work: (signal: AbortSignal) => Promise<T>,
    after?: (result: T) => Promise<void>,
  ): Promise<T> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const timeoutMs = Math.min(question.timeoutMs ?? this.#options.timeoutMs, this.#options.timeoutMs);
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([question.signal, timeout, this.#closing.signal]);
    let worked = false;
    const measure = (outcome: string) => {
      this.#countOutcome(outcome);
      this.#seconds.observe((clock.monotonicMs() - startedMs) / 1000);
    };
    try {
      return await admission.run(signal, async () => {
        const result = await work(signal);
        worked = true;
        measure('success');
        await after?.(result);
        return result;
      });
    } catch (error) {
      if (worked) throw error;
      const translated = this.#translate(error, question.signal, timeout, timeoutMs);
      measure(isTidemarkError(translated) ? translated.code.toLowerCase() : 'internal');
      throw translated;
    }
  }

  #translate(error: unknown, asked: AbortSignal, timeout: AbortSignal, timeoutMs: number): unknown {
    const closing = this.#closing.signal.aborted;
    if (isTidemarkError(error) && !asked.aborted && !timeout.aborted && !closing) return error;
    if (closing) return new TidemarkError('QUERY_CLOSED', 'this Tidemark is stopping; ask again', {}, error);
    if (asked.aborted) return new TidemarkError('QUERY_CANCELED', 'the query was canceled', {}, error);
    if (timeout.aborted) {
      return new TidemarkError(
        'QUERY_TIMEOUT',
        `the query took longer than ${timeoutMs / 1000} s`,
        { timeoutMs },
        error,
      );
    }
    return error;
  }
}

function byLabels<S extends { readonly labels: Labels }>(list: readonly S[]): readonly S[] {
  return [...list].sort((a, b) => compareLabels(a.labels, b.labels));
}

function selectorsOf(expr: Expr): readonly VectorSelector[] {
  return expr.kind === 'vectorSelector' ? [expr] : childrenOf(expr).flatMap(selectorsOf);
}

function sorted(values: readonly string[]): string[] {
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A sample as rules know it. */
function ruleSample({ labels, value, histogram }: Point): InstantAnswer['samples'][number] {
  return histogram === undefined ? { labels, value } : { labels, value, histogram: toNative(histogram) };
}
