import type { AlertEvent } from '../event/alert-event.ts';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import type { AlertChanges } from '../event/publisher.ts';
import { type Alert, newAlert } from './alert.ts';
import { ALERT_SERIES_NAMES, AlertSeries } from './alert-series.ts';
import { CandidateMaker } from './alerting.ts';
import { type Reads, readsOf, shownExpression } from './reads.ts';
import type { AlertingRuleSpec } from './rule.ts';
import type { RuleSurroundings, RuleTick } from './rule-at-work.ts';
import { type EvaluationOutcome, RuleVitals } from './rule-vitals.ts';
import { advanceAlerts, needsSending } from './state.ts';
import type { RuleStatus } from './status.ts';
import { WrittenSeries } from './written-series.ts';

// One alerting rule at work: asks, moves its alerts, says what of it belongs on the log, and remembers what got there.

// A state on the log is rewritten at least this often while the alert is active, so that a restart knows how long nobody
// evaluated. As often as events are repeated by default.
const STATE_AGE_MS_MAX = 60_000;
// Prometheus' own: an event counts for four intervals, so that two evaluations or deliveries may fail.
const VALID_INTERVALS = 4;
// A restart shorter than this is no outage: the state on the log may be as old as that anyway.
const OUTAGE_MS_MIN = 2 * STATE_AGE_MS_MAX;
// After more than this nothing is known of a pending alert (Prometheus' outage tolerance).
const OUTAGE_MS_MAX = 3_600_000;

export class ActiveRule {
  readonly kind = 'alerting';
  readonly rule: AlertingRuleSpec & { readonly identity: string };
  readonly reads: Reads;
  /** The expression as people are shown it. */
  readonly query: string;
  readonly vitals: RuleVitals;
  series = new WrittenSeries();
  readonly #around: RuleSurroundings;
  readonly #maker: CandidateMaker;
  readonly #alertSeries = new AlertSeries();
  #alerts = new Map<string, Alert>();
  /** Gone, but the log still has their state. */
  readonly #unburied = new Set<string>();
  /** Evaluations that restored alerts were saved at; cleared by the first evaluation. */
  #restoredAt = new Map<string, number>();

  constructor(rule: AlertingRuleSpec & { readonly identity: string }, around: RuleSurroundings) {
    this.rule = rule;
    this.reads = asksMore(rule) ? () => true : readsOf(rule.expression);
    this.query = shownExpression(rule.expression);
    this.vitals = new RuleVitals(rule.name, around.clock, around.logger);
    this.#around = around;
    this.#maker = new CandidateMaker(rule, around.external, around.templateFailed);
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
    this.series = from.series;
    this.vitals.adopt(from.vitals);
    this.#alerts = from.#alerts;
    this.#restoredAt = from.#restoredAt;
    for (const fingerprint of from.#unburied) this.#unburied.add(fingerprint);
    // Its state on the log may speak of another expression or other annotations.
    for (const alert of this.#alerts.values()) alert.savedAtMs = undefined;
  }

  evaluate(tick: RuleTick): Promise<EvaluationOutcome> {
    const { atMs, signal, reader } = tick;
    return this.vitals.during(async () => {
      const answer = await reader.ask(this.rule.expression);
      const candidates = await this.#maker.candidates(answer, atMs, (expression) => reader.ask(expression));
      signal.throwIfAborted();
      this.#reckonOutage(atMs);
      this.vitals.fresh = answer.fresh;
      this.#advance(candidates, atMs);
      const samples = this.#alertSeries.of(this.#alerts.values());
      // Alerts that an answer may only lack stay as they are, so their series are all known.
      tick.writer.add({
        names: ALERT_SERIES_NAMES,
        series: this.series,
        samples,
        isFresh: true,
        failed: tick.failed(this.vitals),
      });
    }, signal);
  }

  /** What the evaluation at `atMs` left to be written. Call `written` with it when it is on the log. */
  changes(atMs: number): AlertChanges {
    const states: AlertStateRecord[] = [];
    const events: AlertEvent[] = [];
    for (const alert of this.#alerts.values()) {
      // A failed evaluation says nothing of its alerts, and does not make their state younger.
      const isKnown = this.vitals.health === 'ok';
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
    const { health, lastError, fresh, evaluationSeconds, lastEvaluationMs } = this.vitals;
    return {
      rule: this.rule,
      query: this.query,
      health,
      lastError,
      fresh,
      evaluationSeconds,
      lastEvaluationMs,
      alerts: [...this.#alerts.values()].map((alert) => ({ ...alert })),
    };
  }

  #advance(candidates: Parameters<typeof advanceAlerts>[1], atMs: number): void {
    const before = [...this.#alerts.keys()];
    try {
      const gone = advanceAlerts(
        this.#alerts,
        candidates,
        { ...this.rule, limit: this.#around.alertsPerRuleMax, isFresh: this.vitals.fresh },
        atMs,
      );
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
      expression: this.query,
      value: alert.value,
      activeAt: alert.activeAtMs,
      startsAt: alert.firedAtMs ?? alert.activeAtMs,
      endsAt: alert.resolvedAtMs ?? this.#validUntil(atMs),
      evaluatedAt: atMs,
      fresh: this.vitals.fresh,
      generatorURL: this.#around.generatorUrl(this.query),
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
      expression: this.query,
      value: alert.value,
      activeAt: alert.activeAtMs,
      firedAt: alert.firedAtMs ?? null,
      resolvedAt: alert.resolvedAtMs ?? null,
      keepFiringSince: alert.keepFiringSinceMs ?? null,
      validUntil: alert.phase !== 'firing' ? 0 : isSent ? this.#validUntil(atMs) : alert.validUntilMs,
      evaluatedAt: atMs,
      generatorURL: this.#around.generatorUrl(this.query),
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

/** Templates may ask for anything. */
function asksMore({ labels, annotations }: AlertingRuleSpec): boolean {
  return [...labels, ...annotations].some(({ value }) => /\{\{[\s\S]*\bquery\b/.test(value));
}
