import { type Clock, type Logger, messageOf, TaskGroup } from '@tidemark/base';
import type { Labels, QueryPort, SampleSink } from '@tidemark/model';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import type { AlertChanges, AlertPublisher } from '../event/publisher.ts';
import { ActiveRule } from './active-rule.ts';
import type { ExternalFacts } from './alerting.ts';
import { RecordingRule } from './recording-rule.ts';
import { groupKey, type RuleGroupSpec } from './rule.ts';
import type { RuleSurroundings, RuleTick } from './rule-at-work.ts';
import type { RuleMetrics } from './rule-metrics.ts';
import type { RuleVitals } from './rule-vitals.ts';
import { everySlot, slotOffset } from './scheduler.ts';
import type { SectionMemory } from './section-memory.ts';
import type { GroupStatus } from './status.ts';
import { TickReader } from './tick-reader.ts';
import { endSeries, TickWriter } from './tick-writer.ts';

// A group: its rules are evaluated one after the other, for the same time.
//
//   rule ─ask─> reader        a rule that may read what one before it computed waits until that is written and visible;
//        ─samples─> writer    everything else is written in one go when all are through, and so are alerts' states and events
//        ─alerts─> publisher
//
// A rule that fails costs only itself; a write of alerts that fails is made up for at the next evaluation.

export interface GroupSurroundings {
  readonly tenant: string;
  readonly defaultIntervalMs: number;
  readonly query: QueryPort;
  /** Where recorded series go, and those that speak of alerts. */
  readonly sink: SampleSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RuleMetrics;
  readonly publisher: Pick<AlertPublisher, 'publish'>;
  readonly external: ExternalFacts;
  readonly generatorUrl: (expression: string) => string;
  readonly queryTimeoutMs: number;
  readonly resendDelayMs: number;
  /** For groups without a limit of their own. */
  readonly alertsPerRuleMax: number;
}

type RuleAtWork = ActiveRule | RecordingRule;

export class RuleGroup {
  readonly spec: RuleGroupSpec;
  readonly rules: readonly RuleAtWork[];
  readonly #around: GroupSurroundings;
  readonly #intervalMs: number;
  readonly #tasks: TaskGroup;
  readonly #sections: SectionMemory[] = [];
  /** Series of rules that are gone, to be told of as ended. */
  #ended: ReadonlyMap<string, Labels> = new Map();
  #evaluationSeconds = 0;
  #lastEvaluationMs: number | undefined;
  #lastSamples = 0;

  constructor(spec: RuleGroupSpec, around: GroupSurroundings) {
    this.spec = spec;
    this.#around = around;
    this.#intervalMs = spec.intervalMs ?? around.defaultIntervalMs;
    const surroundings: RuleSurroundings = {
      ...around,
      file: spec.file,
      group: spec.name,
      intervalMs: this.#intervalMs,
      templateFailed: (count) => around.metrics.templateFailures.add(count),
      alertsPerRuleMax: spec.limit > 0 ? spec.limit : around.alertsPerRuleMax,
      seriesPerRuleMax: spec.limit,
    };
    this.rules = spec.rules.map((rule) =>
      rule.kind === 'recording' ? new RecordingRule(rule, surroundings) : new ActiveRule(rule, surroundings),
    );
    this.#tasks = new TaskGroup((_, error) =>
      around.logger.error('a rule group ended', { group: groupKey(spec), reason: messageOf(error) }),
    );
  }

  start(): void {
    const { clock, metrics, tenant } = this.#around;
    const key = groupKey(this.spec);
    this.#tasks.spawn(key, (signal) =>
      everySlot(
        {
          clock,
          intervalMs: this.#intervalMs,
          offsetMs: slotOffset(`${tenant};${key}`, this.#intervalMs),
          tick: (atMs) => this.evaluate(atMs, signal),
          missed: (ticks) => metrics.missed.with(key).add(ticks),
        },
        signal,
      ),
    );
  }

  /** Waits for the evaluation under way. Twice is fine. */
  stop(): Promise<void> {
    return this.#tasks.close();
  }

  get alertingRules(): readonly ActiveRule[] {
    return this.rules.filter((rule) => rule.kind === 'alerting');
  }

  restore(record: AlertStateRecord): boolean {
    const rule = this.alertingRules.find((candidate) => candidate.rule.identity === record.ruleIdentity);
    rule?.restore(record);
    return rule !== undefined;
  }

  /** Takes over the state of the same group as it was before a reload. Returns what the log has of rules that are gone. */
  adopt(from: RuleGroup): AlertChanges['gone'] {
    const left = new Map(from.rules.map((rule) => [`${rule.kind} ${rule.rule.identity}`, rule]));
    for (const rule of this.rules) {
      const key = `${rule.kind} ${rule.rule.identity}`;
      const before = left.get(key);
      if (before?.kind === 'alerting' && rule.kind === 'alerting') rule.adopt(before);
      if (before?.kind === 'recording' && rule.kind === 'recording') rule.adopt(before);
      left.delete(key);
    }
    this.#evaluationSeconds = from.#evaluationSeconds;
    this.#lastEvaluationMs = from.#lastEvaluationMs;
    this.#lastSamples = from.#lastSamples;
    this.#ended = new Map([...from.#ended, ...[...left.values()].flatMap((rule) => [...rule.series.all()])]);
    return [...left.values()].flatMap((rule) => (rule.kind === 'alerting' ? rule.keys() : []));
  }

  /** The group is gone: so are its series. Requires: stopped. */
  async endSeries(signal: AbortSignal): Promise<void> {
    const { sink, tenant, clock } = this.#around;
    const series = new Map([...this.#ended, ...this.rules.flatMap((rule) => [...rule.series.all()])]);
    await endSeries({ sink, tenant, atMs: clock.nowMs(), signal }, series.values());
  }

  async evaluate(atMs: number, signal: AbortSignal): Promise<void> {
    const { clock, query, sink, tenant, queryTimeoutMs } = this.#around;
    const startMs = clock.monotonicMs();
    this.#lastEvaluationMs = clock.nowMs();
    const dataAtMs = atMs - this.spec.queryOffsetMs;
    const reader = new TickReader({ query, tenant, atMs: dataAtMs, timeoutMs: queryTimeoutMs, signal });
    const writer = new TickWriter({ sink, tenant, atMs: dataAtMs, signal }, this.#sections, this.#ended);
    const tick = { atMs, signal, reader, writer, failed: (vitals: RuleVitals) => this.#writeFailed(vitals) };
    for (const rule of this.rules) {
      if (signal.aborted) return;
      if (writer.isWaitedFor(rule.reads) && (await writer.flush())) reader.forget();
      await this.#evaluateRule(rule, tick);
    }
    const [isEnded] = await Promise.all([writer.finish(), this.#publish(atMs)]);
    if (isEnded) this.#ended = new Map();
    this.#lastSamples = writer.samples;
    this.#evaluationSeconds = (clock.monotonicMs() - startMs) / 1000;
  }

  status(): GroupStatus {
    return {
      file: this.spec.file,
      name: this.spec.name,
      intervalMs: this.#intervalMs,
      limit: this.spec.limit,
      rules: this.rules.map((rule) => rule.status()),
      evaluationSeconds: this.#evaluationSeconds,
      lastEvaluationMs: this.#lastEvaluationMs,
      lastSamples: this.#lastSamples,
    };
  }

  async #evaluateRule(rule: RuleAtWork, tick: RuleTick): Promise<void> {
    const { metrics } = this.#around;
    const key = groupKey(this.spec);
    const outcome = await rule.evaluate(tick);
    if (outcome === 'aborted') return;
    metrics.seconds.observe(rule.vitals.evaluationSeconds);
    metrics.evaluations.with(key).add();
    if (outcome === 'failed') metrics.failures.with(key).add();
    else if (!rule.vitals.fresh) metrics.notFresh.with(key).add();
  }

  #writeFailed(vitals: RuleVitals): (error: unknown) => void {
    return (error) => {
      vitals.fail(error);
      this.#around.metrics.failures.with(groupKey(this.spec)).add();
    };
  }

  async #publish(atMs: number): Promise<void> {
    const { publisher, metrics, logger } = this.#around;
    const rules = this.alertingRules;
    const perRule = rules.map((rule) => rule.changes(atMs));
    const all: AlertChanges = {
      states: perRule.flatMap((changes) => changes.states),
      gone: perRule.flatMap((changes) => changes.gone),
      events: perRule.flatMap((changes) => changes.events),
    };
    if (all.states.length + all.gone.length + all.events.length === 0) return;
    try {
      await publisher.publish(all);
    } catch (error) {
      metrics.publishFailures.add();
      logger.warn('alert events cannot be written now; they are repeated at the next evaluation', {
        group: groupKey(this.spec),
        reason: messageOf(error),
      });
      return;
    }
    rules.forEach((rule, i) => {
      rule.written(perRule[i] as AlertChanges, atMs);
    });
    for (const event of all.events) metrics.events.with(event.status).add();
  }
}
