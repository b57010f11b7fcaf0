import { TidemarkError } from '@tidemark/base';
import { type InstantAnswer, type Label, type Labels, labelsOf, METRIC_NAME } from '@tidemark/model';
import { fingerprintOf } from '../event/fingerprint.ts';
import { type AlertFacts, AlertTemplate } from '../template/alert-template.ts';
import type { AlertCandidate } from './alert.ts';
import { AskingExpander } from './asking-expander.ts';
import type { AlertingRuleSpec } from './rule.ts';

// From what a query answered to the alerts it speaks of: labels of the sample without its metric name, over them the rule's
// own with templates filled in, over them the alert's name.

export const ALERT_NAME = 'alertname';

export interface ExternalFacts {
  /** As they are at the moment. */
  readonly labels: () => ReadonlyMap<string, string>;
  readonly url: string;
}

/** What a template's `query` asks at the time of the evaluation. Rejects as the rule's own expression would. */
export type Ask = (expression: string) => Promise<InstantAnswer>;

type Named = readonly (readonly [name: string, template: AlertTemplate])[];

/** One series of a rule's answer. */
interface Found {
  readonly labels: Labels;
  readonly value: number;
  readonly externalLabels: ReadonlyMap<string, string>;
}

export class CandidateMaker {
  readonly #name: string;
  readonly #labels: Named;
  readonly #annotations: Named;
  readonly #external: ExternalFacts;
  /** Texts that say they could not be made; called with how many. */
  readonly #failed: (count: number) => void;

  /** Throws `TEMPLATE_INVALID`: a rule that was loaded doesn't. */
  constructor(rule: AlertingRuleSpec, external: ExternalFacts, failed: (count: number) => void) {
    const templates = (pairs: AlertingRuleSpec['labels']): Named =>
      pairs.map(({ name, value }) => [name, new AlertTemplate(rule.name, value)]);
    this.#name = rule.name;
    this.#labels = templates(rule.labels);
    this.#annotations = templates(rule.annotations);
    this.#external = external;
    this.#failed = failed;
  }

  /** By fingerprint. Throws `RULE_DUPLICATE_LABELS`. */
  async candidates(answer: InstantAnswer, atMs: number, ask: Ask): Promise<ReadonlyMap<string, AlertCandidate>> {
    const candidates = new Map<string, AlertCandidate>();
    // The same question of several alerts is asked once.
    const texts = new AskingExpander({ ask, failed: this.#failed, externalUrl: this.#external.url, atMs });
    const externalLabels = this.#external.labels();
    for (const { labels, value } of answer.samples) {
      const candidate = await this.#candidate({ labels, value, externalLabels }, texts);
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

  async #candidate({ labels, value, externalLabels }: Found, texts: AskingExpander): Promise<AlertCandidate> {
    const own = new Map(labels.map((label) => [label.name, label.value]));
    const facts: AlertFacts = {
      labels: new Map(own),
      value,
      externalLabels,
      externalUrl: this.#external.url,
    };
    own.delete(METRIC_NAME);
    for (const [name, template] of this.#labels) own.set(name, await texts.expand(template, facts));
    own.set(ALERT_NAME, this.#name);
    const named = labelsOf([...own].map(([name, text]) => ({ name, value: text })));
    const annotations: Label[] = [];
    for (const [name, template] of this.#annotations) {
      annotations.push({ name, value: await texts.expand(template, facts) });
    }
    return { fingerprint: fingerprintOf(named), labels: named, annotations, value };
  }
}
