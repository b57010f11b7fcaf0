import { type Clock, type Logger, messageOf } from '@tidemark/base';
import type { QueryPort } from '@tidemark/model';
import type { AlertEvent } from '../event/alert-event.ts';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import type { AlertChanges } from '../event/publisher.ts';
import { type Alert, newAlert } from './alert.ts';
import { CandidateMaker, type ExternalFacts } from './alerting.ts';
import type { AlertingRuleSpec } from './rule.ts';
import { advanceAlerts, needsSending } from './state.ts';
import type { RuleHealth, RuleStatus } from './status.ts';

// One alerting rule at work: asks, moves its alerts, says what of it belongs on the log, and remembers what got there.

export interface RuleSurroundings {
  readonly tenant: string;
  readonly file: string;
  readonly group: string;
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly limit: number;
  readonly query: QueryPort;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly external: ExternalFacts;
  /** Called with how many texts of an evaluation could not be made. */
  readonly templateFailed: (count: number) => void;
  readonly generatorUrl: (expression: string) => string;
  readonly queryTimeoutMs: number;
  readonly resendDelayMs: number;
}

// A state on the log is rewritten at least this often while the alert is active, so that a restart knows how long nobody
// evaluated. As often as events are repeated by default.
const STATE_AGE_MS_MAX = 60_000;
// Prometheus' own: an event counts for four intervals, so that two evaluations or deliveries may fail.
const VALID_INTERVALS = 4;
// A restart shorter than this is no outage: the state on the log may be as old as that anyway.
const OUTAGE_MS_MIN = 2 * STATE_AGE_MS_MAX;
// After more than this nothing is known of a pending alert (Prometheus' outage tolerance).
const OUTAGE_MS_MAX = 3_600_000;

export type EvaluationOutcome = 'ok' | 'failed' | 'aborted';

export class ActiveRule {
  readonly rule: AlertingRuleSpec & { readonly identity: string };
  readonly #around: RuleSurroundings;
  readonly #maker: CandidateMaker;
  #alerts = new Map<string, Alert>();
  /** Gone, but the log still has their state. */
  readonly #unburied = new Set<string>();
  /** Evaluations that restored alerts were saved at; cleared by the first evaluation. */
  #restoredAt = new Map<string, number>();
  #health: RuleHealth = 'unknown';
  #lastError = '';
  #fresh = true;
  #evaluationSeconds = 0;
  #lastEvaluationMs: number | undefined;

  constructor(rule: AlertingRuleSpec & { readonly identity: string }, around: RuleSurroundings) {
    this.rule = rule;
    this.#around = around;
    this.#maker = new CandidateMaker(rule, around.external, around.templateFailed);
  }

  get fresh(): boolean {
    return this.#fresh;
  }

  get alerts(): Iterable<Readonly<Alert>> {
    return this.#alerts.values();
  }

  /** Before the first evaluation: what the log says of an alert. */
  restore(record: AlertStateRecord): void {
    this.#alerts.set(record.fingerprint, {
      ...newAlert(record, record.activeAt),
      phase: record.state,
      firedAtMs: record.firedAt ?? undefined,
      resolvedAtMs: record.resolvedAt ?? undefined,
      keepFiringSinceMs: record.keepFiringSince ?? undefined,
      validUntilMs: record.validUntil,
      revision: record.revision,
      savedAtMs: record.evaluatedAt,
    });
    this.#restoredAt.set(record.fingerprint, record.evaluatedAt);
  }

  /** Takes over the alerts of the same rule as it was before a reload. */
  adopt(from: ActiveRule): void {
    this.#alerts = from.#alerts;
    this.#restoredAt = from.#restoredAt;
    for (const fingerprint of from.#unburied) this.#unburied.add(fingerprint);
    // Its state on the log may speak of another expression or other annotations.
    for (const alert of this.#alerts.values()) alert.savedAtMs = undefined;
  }

  /** One evaluation for the time `atMs`. Never throws; what went wrong is in the status. */
  async evaluate(atMs: number, signal: AbortSignal): Promise<EvaluationOutcome> {
    const { clock, query, tenant, queryOffsetMs, queryTimeoutMs, limit } = this.#around;
    const ask = (expression: string, consistency: 'strong' | 'latest') =>
      query.evaluate({
        tenant,
        expression,
        atMs: atMs - queryOffsetMs,
        consistency,
        timeoutMs: queryTimeoutMs,
        signal,
      });
    const startMs = clock.monotonicMs();
    this.#lastEvaluationMs = clock.nowMs();
    try {
      const answer = await ask(this.rule.expression, 'strong');
      signal.throwIfAborted();
      // The rule's own question waited for the data; those of its templates see at least as much.
      const candidates = await this.#maker.candidates(answer, atMs, (expression) => ask(expression, 'latest'));
      signal.throwIfAborted();
      this.#reckonOutage(atMs);
      this.#fresh = answer.fresh;
      this.#advance(candidates, atMs, limit);
      this.#health = 'ok';
      this.#lastError = '';
      return 'ok';
    } catch (error) {
      if (signal.aborted) return 'aborted';
      this.fail(error);
      return 'failed';
    } finally {
      this.#evaluationSeconds = (clock.monotonicMs() - startMs) / 1000;
    }
  }

  fail(error: unknown): void {
    const message = messageOf(error);
    if (message !== this.#lastError)
      this.#around.logger.warn('evaluating a rule failed', { rule: this.rule.name, reason: message });
    this.#health = 'err';
    this.#lastError = message;
  }

  /** What the evaluation at `atMs` left to be written. Call `written` with it when it is on the log. */
  changes(atMs: number): AlertChanges {
    const states: AlertStateRecord[] = [];
    const events: AlertEvent[] = [];
    for (const alert of this.#alerts.values()) {
      // A failed evaluation says nothing of its alerts, and does not make their state younger.
      const isKnown = this.#health === 'ok';
      const isSent = isKnown && needsSending(alert, atMs, this.#around.resendDelayMs);
      const isOld = isKnown && alert.phase !== 'resolved' && atMs - (alert.savedAtMs ?? 0) >= STATE_AGE_MS_MAX;
      if (isSent) events.push(this.#event(alert, atMs));
      if (isSent || isOld || alert.savedAtMs === undefined) states.push(this.#state(alert, atMs, isSent));
    }
    return { states, events, gone: [...this.#unburied].map((fingerprint) => this.#key(fingerprint)) };
  }

  written(changes: AlertChanges, atMs: number): void {
    for (const { fingerprint } of changes.gone) this.#unburied.delete(fingerprint);
    for (const state of changes.states) {
      const alert = this.#alerts.get(state.fingerprint);
      if (alert) alert.savedAtMs = atMs;
    }
    for (const event of changes.events) {
      const alert = this.#alerts.get(event.fingerprint);
      if (!alert) continue;
      alert.lastSentMs = atMs;
      alert.revision = event.revision;
      alert.validUntilMs = this.#validUntil(atMs);
    }
  }

  /** The keys of everything the log has of this rule: to be buried when the rule is gone. */
  keys(): AlertChanges['gone'] {
    return [...new Set([...this.#alerts.keys(), ...this.#unburied])].map((fingerprint) => this.#key(fingerprint));
  }

  status(): RuleStatus {
    return {
      rule: this.rule,
      health: this.#health,
      lastError: this.#lastError,
      fresh: this.#fresh,
      evaluationSeconds: this.#evaluationSeconds,
      lastEvaluationMs: this.#lastEvaluationMs,
      alerts: [...this.#alerts.values()].map((alert) => ({ ...alert })),
    };
  }

  #advance(candidates: Parameters<typeof advanceAlerts>[1], atMs: number, limit: number): void {
    const before = [...this.#alerts.keys()];
    try {
      const gone = advanceAlerts(this.#alerts, candidates, { ...this.rule, limit, isFresh: this.#fresh }, atMs);
      for (const fingerprint of gone) this.#unburied.add(fingerprint);
    } finally {
      // Above the limit everything is forgotten.
      if (this.#alerts.size === 0) for (const fingerprint of before) this.#unburied.add(fingerprint);
      for (const fingerprint of this.#alerts.keys()) this.#unburied.delete(fingerprint);
    }
  }

  /** Time in which nobody evaluated does not count towards `for`; after a long one nothing is known. */
  #reckonOutage(atMs: number): void {
    const restoredAt = this.#restoredAt;
    if (restoredAt.size === 0) return;
    this.#restoredAt = new Map();
    const tolerated = Math.max(OUTAGE_MS_MIN, 2 * this.#around.intervalMs);
    for (const [fingerprint, evaluatedAtMs] of restoredAt) {
      const alert = this.#alerts.get(fingerprint);
      const outageMs = atMs - evaluatedAtMs;
      if (alert?.phase !== 'pending' || outageMs <= tolerated) continue;
      if (outageMs > OUTAGE_MS_MAX) {
        this.#alerts.delete(fingerprint);
        this.#unburied.add(fingerprint);
      } else {
        alert.activeAtMs += outageMs;
        alert.savedAtMs = undefined;
      }
    }
  }

  #event(alert: Alert, atMs: number): AlertEvent {
    return {
      ...this.#key(alert.fingerprint),
      rule: this.rule.name,
      status: alert.phase === 'resolved' ? 'resolved' : 'firing',
      labels: alert.labels,
      annotations: alert.annotations,
      expression: this.rule.expression,
      value: alert.value,
      activeAt: alert.activeAtMs,
      startsAt: alert.firedAtMs ?? alert.activeAtMs,
      endsAt: alert.resolvedAtMs ?? this.#validUntil(atMs),
      evaluatedAt: atMs,
      fresh: this.#fresh,
      generatorURL: this.#around.generatorUrl(this.rule.expression),
      revision: alert.revision + 1,
    };
  }

  #state(alert: Alert, atMs: number, isSent: boolean): AlertStateRecord {
    return {
      ...this.#key(alert.fingerprint),
      rule: this.rule.name,
      state: alert.phase,
      labels: alert.labels,
      annotations: alert.annotations,
      expression: this.rule.expression,
      value: alert.value,
      activeAt: alert.activeAtMs,
      firedAt: alert.firedAtMs ?? null,
      resolvedAt: alert.resolvedAtMs ?? null,
      keepFiringSince: alert.keepFiringSinceMs ?? null,
      validUntil: alert.phase !== 'firing' ? 0 : isSent ? this.#validUntil(atMs) : alert.validUntilMs,
      evaluatedAt: atMs,
      generatorURL: this.#around.generatorUrl(this.rule.expression),
      revision: alert.revision + (isSent ? 1 : 0),
    };
  }

  #validUntil(atMs: number): number {
    return atMs + VALID_INTERVALS * Math.max(this.#around.intervalMs, this.#around.resendDelayMs);
  }

  #key(fingerprint: string): AlertChanges['gone'][number] {
    const { tenant, file, group } = this.#around;
    return { tenant, file, group, ruleIdentity: this.rule.identity, fingerprint };
  }
}
