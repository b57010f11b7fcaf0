import { type Clock, type Logger, messageOf, TaskGroup, TidemarkError } from '@tidemark/base';
import type { QueryPort } from '@tidemark/model';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import type { AlertChanges, AlertPublisher } from '../event/publisher.ts';
import { ActiveRule } from './active-rule.ts';
import type { ExternalFacts } from './alerting.ts';
import { groupKey, type RuleGroupSpec } from './rule.ts';
import type { RuleMetrics } from './rule-metrics.ts';
import { everySlot, slotOffset } from './scheduler.ts';
import type { GroupStatus } from './status.ts';

// A group: its rules are evaluated one after the other, for the same time, and what they changed is written in one go. A rule
// that fails costs only itself; a write that fails is made up for at the next evaluation.

export interface GroupSurroundings {
  readonly tenant: string;
  readonly defaultIntervalMs: number;
  readonly query: QueryPort;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RuleMetrics;
  readonly publisher: AlertPublisher;
  readonly external: ExternalFacts;
  readonly generatorUrl: (expression: string) => string;
  readonly queryTimeoutMs: number;
  readonly resendDelayMs: number;
  /** For groups without a limit of their own. */
  readonly alertsPerRuleMax: number;
}

export class RuleGroup {
  readonly spec: RuleGroupSpec;
  readonly rules: readonly ActiveRule[];
  readonly #around: GroupSurroundings;
  readonly #intervalMs: number;
  readonly #tasks: TaskGroup;
  #evaluationSeconds = 0;
  #lastEvaluationMs: number | undefined;

  constructor(spec: RuleGroupSpec, around: GroupSurroundings) {
    this.spec = spec;
    this.#around = around;
    this.#intervalMs = spec.intervalMs ?? around.defaultIntervalMs;
    this.rules = spec.rules.map((rule) => {
      if (rule.kind === 'recording') {
        throw new TidemarkError('RULES_INVALID', `recording rules are not supported yet: ${rule.name}`, {
          rule: rule.name,
        });
      }
      return new ActiveRule(rule, {
        ...around,
        file: spec.file,
        group: spec.name,
        intervalMs: this.#intervalMs,
        queryOffsetMs: spec.queryOffsetMs,
        templateFailed: (count) => around.metrics.templateFailures.add(count),
        limit: spec.limit > 0 ? spec.limit : around.alertsPerRuleMax,
      });
    });
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

  restore(record: AlertStateRecord): boolean {
    const rule = this.rules.find((candidate) => candidate.rule.identity === record.ruleIdentity);
    rule?.restore(record);
    return rule !== undefined;
  }

  /** Takes over the alerts of the same group as it was before a reload. Returns what the log has of rules that are gone. */
  adopt(from: RuleGroup): AlertChanges['gone'] {
    const left = new Map(from.rules.map((rule) => [rule.rule.identity, rule]));
    for (const rule of this.rules) {
      const before = left.get(rule.rule.identity);
      if (before) rule.adopt(before);
      left.delete(rule.rule.identity);
    }
    this.#evaluationSeconds = from.#evaluationSeconds;
    this.#lastEvaluationMs = from.#lastEvaluationMs;
    return [...left.values()].flatMap((rule) => rule.keys());
  }

  async evaluate(atMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#around;
    const startMs = clock.monotonicMs();
    this.#lastEvaluationMs = clock.nowMs();
    for (const rule of this.rules) {
      if (signal.aborted) return;
      await this.#evaluateRule(rule, atMs, signal);
    }
    await this.#publish(atMs);
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
    };
  }

  async #evaluateRule(rule: ActiveRule, atMs: number, signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#around;
    const key = groupKey(this.spec);
    const startMs = clock.monotonicMs();
    const outcome = await rule.evaluate(atMs, signal);
    if (outcome === 'aborted') return;
    metrics.seconds.observe((clock.monotonicMs() - startMs) / 1000);
    metrics.evaluations.with(key).add();
    if (outcome === 'failed') metrics.failures.with(key).add();
    else if (!rule.fresh) metrics.notFresh.with(key).add();
  }

  async #publish(atMs: number): Promise<void> {
    const { publisher, metrics, logger } = this.#around;
    const perRule = this.rules.map((rule) => rule.changes(atMs));
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
    this.rules.forEach((rule, i) => {
      rule.written(perRule[i] as AlertChanges, atMs);
    });
    for (const event of all.events) metrics.events.with(event.status).add();
  }
}
