import type { Alert } from './alert.ts';
import type { AlertingRuleSpec, RecordingRuleSpec } from './rule.ts';

// What rules look like from outside, at one moment. Copies: nothing here changes later.

export interface GroupStatus {
  readonly file: string;
  readonly name: string;
  readonly intervalMs: number;
  readonly limit: number;
  readonly rules: readonly RuleStatus[];
  /** Of the last evaluation; 0 before the first. */
  readonly evaluationSeconds: number;
  /** Wall ms; undefined before the first. */
  readonly lastEvaluationMs: number | undefined;
  /** Samples that the last evaluation wrote. */
  readonly lastSamples: number;
}

export type RuleHealth = 'unknown' | 'ok' | 'err';

export interface RuleStatus {
  readonly rule: AlertingRuleSpec | RecordingRuleSpec;
  /** The expression as people are shown it. */
  readonly query: string;
  readonly health: RuleHealth;
  /** Why the last evaluation failed; '' when it didn't. */
  readonly lastError: string;
  /** Whether the last evaluation saw all that was acknowledged before it. */
  readonly fresh: boolean;
  readonly evaluationSeconds: number;
  readonly lastEvaluationMs: number | undefined;
  /** Pending, firing, and resolved not long ago. */
  readonly alerts: readonly Readonly<Alert>[];
}
