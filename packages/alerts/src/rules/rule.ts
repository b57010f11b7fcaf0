import type { Label } from '@tidemark/model';

// What a rule file says, parsed. Times are milliseconds; labels and annotations are sorted by name, their values templates.

export interface RuleGroupSpec {
  readonly file: string;
  readonly name: string;
  /** Undefined: the configured default. */
  readonly intervalMs: number | undefined;
  readonly queryOffsetMs: number;
  /** Most alerts a rule may have; 0: no limit. */
  readonly limit: number;
  readonly rules: readonly IdentifiedRule[];
}

export type RuleSpec = AlertingRuleSpec | RecordingRuleSpec;

export interface AlertingRuleSpec {
  readonly kind: 'alerting';
  readonly name: string;
  readonly expression: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** The group's labels included. An empty value takes the label away. */
  readonly labels: readonly Label[];
  readonly annotations: readonly Label[];
}

export interface RecordingRuleSpec {
  readonly kind: 'recording';
  readonly name: string;
  readonly expression: string;
  readonly labels: readonly Label[];
}

/**
 * What tells a rule apart in its group, over restarts and reloads: its name, its labels as written, and how many like it
 * stand before. An alert's state follows this; changing `expr`, `for` or annotations keeps it.
 */
export type IdentifiedRule = RuleSpec & { readonly identity: string };

export function identifyRules(rules: readonly RuleSpec[]): readonly IdentifiedRule[] {
  const seen = new Map<string, number>();
  return rules.map((rule) => {
    const like = JSON.stringify([rule.name, ...rule.labels.map(({ name, value }) => [name, value])]);
    const before = seen.get(like) ?? 0;
    seen.set(like, before + 1);
    return { ...rule, identity: `${like}#${before}` };
  });
}

/** A group's name for metrics and messages, as Prometheus writes it. */
export function groupKey(group: { readonly file: string; readonly name: string }): string {
  return `${group.file};${group.name}`;
}
