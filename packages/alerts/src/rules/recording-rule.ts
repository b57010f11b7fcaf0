import { TidemarkError } from '@tidemark/base';
import {
  type HistogramProblem,
  histogramProblem,
  type Label,
  type Labels,
  labelsOf,
  METRIC_NAME,
} from '@tidemark/model';
import { type Reads, readsOf, shownExpression } from './reads.ts';
import type { RecordingRuleSpec } from './rule.ts';
import type { RuleSurroundings, RuleTick } from './rule-at-work.ts';
import { type EvaluationOutcome, RuleVitals } from './rule-vitals.ts';
import type { RuleStatus } from './status.ts';
import { overlaid, type RuleSample, sameLabels, seriesKey, WrittenSeries } from './written-series.ts';

// One recording rule at work: what its expression answers becomes series of the rule's name, its labels laid over theirs.

interface Named {
  /** Of the answer. */
  readonly of: Labels;
  readonly labels: Labels;
  readonly key: string;
}

export class RecordingRule {
  readonly kind = 'recording';
  readonly rule: RecordingRuleSpec & { readonly identity: string };
  readonly reads: Reads;
  /** The expression as people are shown it. */
  readonly query: string;
  readonly vitals: RuleVitals;
  series = new WrittenSeries();
  readonly #around: RuleSurroundings;
  readonly #over: readonly Label[];
  readonly #before: Named[] = [];

  constructor(rule: RecordingRuleSpec & { readonly identity: string }, around: RuleSurroundings) {
    this.rule = rule;
    this.reads = readsOf(rule.expression);
    this.query = shownExpression(rule.expression);
    this.vitals = new RuleVitals(rule.name, around.clock, around.logger);
    this.#around = around;
    const named = [...rule.labels.filter(({ name }) => name !== METRIC_NAME), { name: METRIC_NAME, value: rule.name }];
    // Sorted by name; an empty value takes a label away and so has to stay here.
    const order = labelsOf(named.map(({ name }) => ({ name, value: name })));
    this.#over = order.map(({ name }) => named.find((label) => label.name === name) as Label);
  }

  /** Takes over what the same rule wrote before a reload. */
  adopt(from: RecordingRule): void {
    this.series = from.series;
    this.vitals.adopt(from.vitals);
  }

  evaluate(tick: RuleTick): Promise<EvaluationOutcome> {
    return this.vitals.during(async () => {
      const answer = await tick.reader.ask(this.rule.expression);
      tick.signal.throwIfAborted();
      this.vitals.fresh = answer.fresh;
      const samples = new Map<string, RuleSample>();
      answer.samples.forEach(({ labels, value, histogram }, i) => {
        const problem = histogram && histogramProblem(histogram);
        if (problem !== undefined) throw unwritable(this.rule.name, problem);
        const named = this.#named(labels, i);
        if (samples.has(named.key)) throw duplicate();
        samples.set(named.key, { labels: named.labels, key: named.key, value, histogram });
      });
      this.#before.length = answer.samples.length;
      const { seriesPerRuleMax } = this.#around;
      if (seriesPerRuleMax > 0 && samples.size > seriesPerRuleMax) throw tooMany(seriesPerRuleMax, samples.size);
      tick.writer.add({
        names: [this.rule.name],
        series: this.series,
        samples,
        isFresh: answer.fresh,
        failed: tick.failed(this.vitals),
      });
    }, tick.signal);
  }

  /** Answers come in the same order nearly always: what was made of a series the last time is used again. */
  #named(labels: Labels, place: number): Named {
    const before = this.#before[place];
    if (before && sameLabels(before.of, labels)) return before;
    const own = overlaid(labels, this.#over);
    const named = { of: labels, labels: own, key: seriesKey(own) };
    this.#before[place] = named;
    return named;
  }

  status(): RuleStatus {
    const { health, lastError, fresh, evaluationSeconds, lastEvaluationMs } = this.vitals;
    return {
      rule: this.rule,
      query: this.query,
      health,
      lastError,
      fresh,
      evaluationSeconds,
      lastEvaluationMs,
      alerts: [],
    };
  }
}

/** As where one comes in from outside: buckets below zero, of a difference, are no histogram. */
function unwritable(name: string, problem: HistogramProblem): TidemarkError {
  return new TidemarkError(
    'RULE_HISTOGRAM_INVALID',
    `the expression of ${name} answers with a native histogram that cannot be stored: ${problem}`,
    { problem },
  );
}

function duplicate(): TidemarkError {
  return new TidemarkError(
    'RULE_DUPLICATE_LABELS',
    'vector contains metrics with the same labelset after applying rule labels',
  );
}

function tooMany(limit: number, actual: number): TidemarkError {
  return new TidemarkError('RULE_SERIES_LIMIT', `exceeded limit of ${limit} with ${actual} series`, { limit, actual });
}
