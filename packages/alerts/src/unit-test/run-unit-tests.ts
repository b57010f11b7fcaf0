import { messageOf, SelfMetrics, SimClock, silentLogger } from '@tidemark/base';
import {
  DEFAULT_TENANT,
  formatDuration,
  formatLabels,
  type InstantAnswer,
  type Label,
  type Labels,
  labelsOf,
} from '@tidemark/model';
import { type Point, toNative, withStoredHints } from '@tidemark/promql';
import { ALERT_NAME } from '../rules/alerting.ts';
import { RuleGroup } from '../rules/group.ts';
import type { RuleGroupSpec } from '../rules/rule.ts';
import { ruleMetrics } from '../rules/rule-metrics.ts';
import { MemoryStore } from './memory-store.ts';
import { shownHistogram } from './shown-histogram.ts';
import type { AlertTest, ExpressionTest, UnitTest, UnitTestFile } from './unit-test-file.ts';

// Runs the tests of a file against rules, as `promtool test rules` does: no clock, no log, time goes in steps of the evaluation
// interval from the start to the latest `eval_time`.
//
//   every step: samples up to it ─> store ─> groups in order ─┬─> recorded series, ALERTS ─> store
//                                                             └─> alerts, compared where a test asks for this time
//   at the end: expressions

export interface UnitTestOutcome {
  readonly test: UnitTest;
  /** `file:line: what`; none: it passed. */
  readonly failures: readonly string[];
}

const QUERY_TIMEOUT_MS = 60_000;
// A year in minutes; more is a slip of the pen.
const EVALUATIONS_MAX = 600_000;

/** `groups` as `loadRules` reads those that the file names. Never throws for what is in the file. */
export async function runUnitTests(
  { file, evaluationIntervalMs, groupOrder, isFuzzy, tests }: UnitTestFile,
  groups: readonly RuleGroupSpec[],
  filter: (name: string) => boolean = () => true,
): Promise<readonly UnitTestOutcome[]> {
  const place = (name: string) => Math.max(0, groupOrder.indexOf(name));
  const ordered = groups
    .map((group, i) => ({ group, i }))
    .sort((a, b) => place(a.group.name) - place(b.group.name) || a.i - b.i)
    .map(({ group }) => group);
  const outcomes: UnitTestOutcome[] = [];
  for (const test of tests.filter(({ name }) => filter(name))) {
    const run = new TestRun(file, test, ordered, evaluationIntervalMs, isFuzzy);
    outcomes.push({ test, failures: await run.failures() });
  }
  return outcomes;
}

class TestRun {
  readonly #file: string;
  readonly #test: UnitTest;
  readonly #intervalMs: number;
  readonly #isFuzzy: boolean;
  readonly #clock: SimClock;
  readonly #store: MemoryStore;
  readonly #groups: readonly RuleGroup[];
  readonly #failures: string[] = [];
  /** Histograms as a store says how they follow each other. */
  readonly #series: readonly { readonly labels: Labels; readonly points: readonly Point[] }[];
  /** Points of each series that are in the store. */
  readonly #loaded: number[];

  constructor(file: string, test: UnitTest, groups: readonly RuleGroupSpec[], intervalMs: number, isFuzzy: boolean) {
    this.#file = file;
    this.#test = test;
    this.#intervalMs = intervalMs;
    this.#isFuzzy = isFuzzy;
    this.#clock = new SimClock(test.startMs);
    this.#store = new MemoryStore(this.#clock, { subqueryStepMs: intervalMs });
    this.#series = test.series.map(({ labels, points }) => ({ labels, points: withStoredHints(points) }));
    this.#loaded = test.series.map(() => 0);
    this.#groups = groups.map((group) => new RuleGroup(group, this.#surroundings()));
  }

  async failures(): Promise<readonly string[]> {
    const { startMs, alertTests, expressionTests, line } = this.#test;
    const lastMs = Math.max(0, ...alertTests.map(evalTimeOf), ...expressionTests.map(evalTimeOf));
    if (lastMs / this.#intervalMs > EVALUATIONS_MAX) {
      return [`${this.#file}:${line}: more than ${EVALUATIONS_MAX} evaluations; make evaluation_interval longer`];
    }
    for (let ms = 0; ms <= lastMs; ms += this.#intervalMs) {
      this.#load(startMs + ms);
      if (!(await this.#evaluate(startMs + ms))) return this.#failures;
      const due = alertTests.filter(({ evalTimeMs }) => evalTimeMs >= ms && evalTimeMs < ms + this.#intervalMs);
      for (const test of due) this.#compareAlerts(test);
    }
    for (const test of expressionTests) await this.#compareSamples(test);
    return this.#failures;
  }

  #load(untilMs: number): void {
    const { startMs, intervalMs } = this.#test;
    this.#series.forEach(({ labels, points }, i) => {
      let next = this.#loaded[i] as number;
      for (; next < points.length && startMs + next * intervalMs <= untilMs; next++) {
        const point = points[next];
        const atMs = startMs + next * intervalMs;
        if (point?.kind === 'value') this.#store.add(labels, atMs, point.value);
        else if (point?.kind === 'stale') this.#store.add(labels, atMs, 'stale');
        else if (point?.kind === 'histogram') this.#store.add(labels, atMs, toNative(point.histogram));
      }
      this.#loaded[i] = next;
    });
  }

  /** Whether all rules could be evaluated; a test ends where one could not. */
  async #evaluate(atMs: number): Promise<boolean> {
    await this.#clock.advance(atMs - this.#clock.nowMs());
    let isWhole = true;
    for (const group of this.#groups) {
      await group.evaluate(atMs, new AbortController().signal);
      for (const { rule, lastError } of group.status().rules) {
        if (lastError === '') continue;
        isWhole = false;
        this.#fail(
          this.#test.line,
          `rule: ${rule.name}, time: ${this.#shown(atMs - this.#test.startMs)}, err: ${lastError}`,
        );
      }
    }
    return isWhole;
  }

  #compareAlerts({ line, evalTimeMs, alertName, expected }: AlertTest): void {
    const rules = this.#groups
      .flatMap(({ alertingRules }) => alertingRules)
      .filter(({ rule }) => rule.name === alertName);
    const got = rules.flatMap(({ alerts }) => [...alerts]).filter(({ phase }) => phase === 'firing');
    const wantedTexts = expected.map(({ labels, annotations }) => {
      const own = labels.filter(({ name }) => name !== ALERT_NAME);
      return alertText([...own, { name: ALERT_NAME, value: alertName }], annotations);
    });
    const gotTexts = got.map(({ labels, annotations }) => alertText(labels, annotations));
    if (sameTexts(wantedTexts, gotTexts)) return;
    this.#fail(line, `alertname: ${alertName}, time: ${this.#shown(evalTimeMs)}${difference(wantedTexts, gotTexts)}`);
  }

  async #compareSamples({ line, expression, evalTimeMs, expected }: ExpressionTest): Promise<void> {
    const what = `expr: ${JSON.stringify(expression)}, time: ${this.#shown(evalTimeMs)}`;
    try {
      const atMs = this.#test.startMs + evalTimeMs;
      const { samples } = await this.#store.evaluate({
        tenant: DEFAULT_TENANT,
        expression,
        atMs,
        consistency: 'latest',
        timeoutMs: QUERY_TIMEOUT_MS,
      });
      const left = [...samples];
      const missing = expected.filter(({ labels, value }) => {
        const text = formatLabels(labels);
        const at = left.findIndex((one) => formatLabels(one.labels) === text && this.#isEqual(shownOf(one), value));
        if (at >= 0) left.splice(at, 1);
        return at < 0;
      });
      if (missing.length + left.length === 0) return;
      const texts = (list: typeof expected) => list.map(({ labels, value }) => `${formatLabels(labels)} ${value}`);
      const found = samples.map((one) => ({ labels: one.labels, value: shownOf(one) }));
      this.#fail(line, what + difference(texts(expected), texts(found)));
    } catch (error) {
      this.#fail(line, `${what}, err: ${messageOf(error)}`);
    }
  }

  #isEqual(got: number | string, wanted: number | string): boolean {
    if (typeof got !== 'number' || typeof wanted !== 'number') return got === wanted;
    return Object.is(got, wanted) || got === wanted || (this.#isFuzzy && areNeighbours(got, wanted));
  }

  #fail(line: number, message: string): void {
    const name = this.#test.name === '' ? '' : `name: ${this.#test.name}, `;
    this.#failures.push(`${this.#file}:${line}: ${name}${message}`);
  }

  #shown(ms: number): string {
    return formatDuration(ms);
  }

  #surroundings(): ConstructorParameters<typeof RuleGroup>[1] {
    const { externalLabels, externalUrl } = this.#test;
    return {
      tenant: DEFAULT_TENANT,
      defaultIntervalMs: this.#intervalMs,
      query: this.#store,
      sink: this.#store,
      clock: this.#clock,
      logger: silentLogger,
      metrics: ruleMetrics(new SelfMetrics()),
      publisher: { publish: async () => undefined },
      external: { labels: () => new Map(externalLabels.map(({ name, value }) => [name, value])), url: externalUrl },
      generatorUrl: () => '',
      queryTimeoutMs: QUERY_TIMEOUT_MS,
      resendDelayMs: QUERY_TIMEOUT_MS,
      alertsPerRuleMax: Number.POSITIVE_INFINITY,
    };
  }
}

function evalTimeOf({ evalTimeMs }: { readonly evalTimeMs: number }): number {
  return evalTimeMs;
}

function alertText(labels: readonly Label[], annotations: readonly Label[]): string {
  return `labels ${formatLabels(labelsOf(labels))} annotations ${formatLabels(labelsOf(annotations))}`;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}

function shownOf({ value, histogram }: InstantAnswer['samples'][number]): number | string {
  return histogram === undefined ? value : shownHistogram(histogram);
}

function difference(wanted: readonly string[], got: readonly string[]): string {
  const list = (texts: readonly string[]) =>
    texts.length === 0
      ? ' nothing'
      : [...texts]
          .sort()
          .map((text) => `\n      ${text}`)
          .join('');
  return `\n    exp:${list(wanted)}\n    got:${list(got)}`;
}

/** Whether no float lies between them. */
function areNeighbours(a: number, b: number): boolean {
  if (!Number.isFinite(a) || !Number.isFinite(b) || Math.sign(a) !== Math.sign(b)) return false;
  const bits = (value: number) => new BigInt64Array(Float64Array.of(value).buffer)[0] as bigint;
  const apart = bits(a) - bits(b);
  return apart >= -1n && apart <= 1n;
}
