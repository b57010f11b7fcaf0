import { TidemarkError } from '@tidemark/base';
import { type InstantAnswer, type Labels, labelsOf, METRIC_NAME } from '@tidemark/model';
import { fingerprintOf } from '../event/fingerprint.ts';
import { parseTemplate, type Template, type TemplateData } from '../template/template.ts';
import type { AlertCandidate } from './alert.ts';
import type { AlertingRuleSpec } from './rule.ts';

// From what a query answered to the alerts it speaks of: labels of the sample without its metric name, over them the rule's
// own with templates filled in, over them the alert's name.

export const ALERT_NAME = 'alertname';

export interface ExternalFacts {
  readonly labels: ReadonlyMap<string, string>;
  readonly url: string;
}

export class CandidateMaker {
  readonly #name: string;
  readonly #labels: readonly (readonly [name: string, template: Template])[];
  readonly #annotations: readonly (readonly [name: string, template: Template])[];
  readonly #external: ExternalFacts;

  /** Throws `TEMPLATE_*`: a rule that was loaded doesn't. */
  constructor(rule: AlertingRuleSpec, external: ExternalFacts) {
    this.#name = rule.name;
    this.#labels = rule.labels.map(({ name, value }) => [name, parseTemplate(value)]);
    this.#annotations = rule.annotations.map(({ name, value }) => [name, parseTemplate(value)]);
    this.#external = external;
  }

  /** By fingerprint. Throws `RULE_DUPLICATE_LABELS`. */
  candidates(answer: InstantAnswer): ReadonlyMap<string, AlertCandidate> {
    const candidates = new Map<string, AlertCandidate>();
    for (const { labels, value } of answer.samples) {
      const candidate = this.#candidate(labels, value);
      if (candidates.has(candidate.fingerprint)) {
        throw new TidemarkError(
          'RULE_DUPLICATE_LABELS',
          'vector contains metrics with the same labelset after applying alert labels',
          { fingerprint: candidate.fingerprint },
        );
      }
      candidates.set(candidate.fingerprint, candidate);
    }
    return candidates;
  }

  #candidate(labels: Labels, value: number): AlertCandidate {
    const own = new Map(labels.map((label) => [label.name, label.value]));
    const data: TemplateData = {
      labels: new Map(own),
      value,
      externalLabels: this.#external.labels,
      externalUrl: this.#external.url,
    };
    own.delete(METRIC_NAME);
    for (const [name, template] of this.#labels) own.set(name, template(data));
    own.set(ALERT_NAME, this.#name);
    const named = labelsOf([...own].map(([name, text]) => ({ name, value: text })));
    return {
      fingerprint: fingerprintOf(named),
      labels: named,
      annotations: this.#annotations.map(([name, template]) => ({ name, value: template(data) })),
      value,
    };
  }
}
