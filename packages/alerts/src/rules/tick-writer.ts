import { TidemarkError } from '@tidemark/base';
import { BatchBuilder, type Labels, type SampleSink, writeStale } from '@tidemark/model';
import { SectionMemory } from './section-memory.ts';
import type { RuleSample, WrittenSeries } from './written-series.ts';

// What the rules of a group write during one evaluation: gathered, and given to the sink in one go when the group is through,
// or before a rule that may read it.
//
//   rule a --samples--> waiting ──┐                 a stale marker for what a rule wrote last time and not now, unless
//   rule b --samples--> waiting ──┴--flush--> sink   another rule of the group wrote that series in this evaluation

export interface RuleWriting {
  /** Metric names of its series. */
  readonly names: readonly string[];
  readonly series: WrittenSeries;
  readonly samples: ReadonlyMap<string, RuleSample>;
  readonly isFresh: boolean;
  /** What could not be written. */
  readonly failed: (error: unknown) => void;
}

export interface TickWriterOptions {
  readonly sink: SampleSink;
  readonly tenant: string;
  /** Of the samples. */
  readonly atMs: number;
  readonly signal: AbortSignal;
}

export class TickWriter {
  readonly #options: TickWriterOptions;
  readonly #written: ReadonlyMap<string, RuleSample>[] = [];
  readonly #sections: SectionMemory[];
  #flushes = 0;
  #waiting: RuleWriting[] = [];
  #ended: ReadonlyMap<string, Labels>;
  #names = new Set<string>();
  #samples = 0;

  /**
   * `sections`: what the group remembers of the evaluation before, one for each flush. `ended`: series of rules that are gone;
   * told of once, at the end.
   */
  constructor(options: TickWriterOptions, sections: SectionMemory[], ended: ReadonlyMap<string, Labels> = new Map()) {
    this.#options = options;
    this.#sections = sections;
    this.#ended = ended;
  }

  /** Samples written so far, stale markers not counted. */
  get samples(): number {
    return this.#samples;
  }

  add(writing: RuleWriting): void {
    const isSomething = writing.samples.size + writing.series.all().size > 0;
    if (isSomething) for (const name of writing.names) this.#names.add(name);
    this.#waiting.push(writing);
  }

  /** Whether something that waits has a metric name that `reads` says yes to. */
  isWaitedFor(reads: (metricName: string) => boolean): boolean {
    for (const name of this.#names) if (reads(name)) return true;
    return false;
  }

  /** Resolves to whether there was anything to write. Never throws: each rule is told what became of its samples. */
  async flush(): Promise<boolean> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#names = new Set();
    if (waiting.length === 0) return false;
    for (const { samples } of waiting) this.#written.push(samples);
    const at = this.#flushes++;
    this.#sections[at] ??= new SectionMemory();
    const refused = await this.#append(waiting, this.#sections[at]);
    // Whose samples were refused is not said: each rule's are written again by themselves, which repeats harmlessly.
    if (refused && waiting.length > 1) for (const one of waiting) await this.#append([one], new SectionMemory());
    return true;
  }

  /** At the end of the evaluation: what is left, and the markers of series whose rules are gone. Resolves to whether these got there. */
  async finish(): Promise<boolean> {
    await this.flush();
    const ended = [...this.#ended].filter(([key]) => !this.#isWritten(key));
    if (ended.length === 0) return true;
    this.#ended = new Map();
    return endSeries(
      this.#options,
      ended.map(([, labels]) => labels),
    );
  }

  /** In this evaluation, by any rule. */
  #isWritten(key: string): boolean {
    return this.#written.some((samples) => samples.has(key));
  }

  /** Whether some were refused. */
  async #append(waiting: readonly RuleWriting[], section: SectionMemory): Promise<boolean> {
    const { sink, tenant, atMs, signal } = this.#options;
    const all = waiting.flatMap(({ samples }) => [...samples.values()]);
    const live = all.length;
    const ended = new Map<string, Labels>();
    for (const { series, samples, isFresh } of waiting) {
      if (isFresh)
        for (const [key, labels] of series.endedBy(samples)) if (!this.#isWritten(key)) ended.set(key, labels);
    }
    for (const [key, labels] of ended) all.push({ key, labels, value: Number.NaN });
    if (all.length === 0) return this.#settle(waiting);
    try {
      const built = section.batch(tenant, all, atMs);
      // The markers are the last of the numbers.
      for (let i = 1; i <= ended.size; i++) writeStale(built.values, built.values.length - i);
      const { refused } = await sink.append(built, signal);
      if (refused.length > 0 && waiting.length > 1) return true;
      this.#samples += live;
      this.#settle(waiting);
      const [refusal] = refused;
      if (refusal) waiting[0]?.failed(new TidemarkError('RULE_SAMPLES_REFUSED', refusal.example, { ...refusal }));
    } catch (error) {
      if (!signal.aborted) for (const { failed } of waiting) failed(error);
    }
    return false;
  }

  #settle(waiting: readonly RuleWriting[]): false {
    for (const { series, samples, isFresh } of waiting) series.written(samples, isFresh);
    return false;
  }
}

/** Says of series that they have ended. Resolves to whether that is on the log. */
export async function endSeries(options: TickWriterOptions, ended: Iterable<Labels>): Promise<boolean> {
  const batch = new BatchBuilder(options.tenant);
  for (const labels of ended) batch.addLabels(labels, options.atMs, Number.NaN);
  if (batch.sampleCount === 0) return true;
  const built = batch.build(0);
  for (let i = 0; i < built.values.length; i++) writeStale(built.values, i);
  try {
    await options.sink.append(built, options.signal);
    return true;
  } catch {
    // They end by themselves when nobody writes them any more; whoever calls may try again.
    return false;
  }
}
