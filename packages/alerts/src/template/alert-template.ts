import { messageOf } from '@tidemark/base';
import { parseDuration } from '@tidemark/model';
import { Interruption } from './limits.ts';
import { prometheusFunctions, type QuerySample } from './prometheus-functions.ts';
import { TemplateSet } from './template-set.ts';
import { type FunctionMap, GoNamed } from './value.ts';

// The texts of a rule's labels and annotations, as Prometheus fills them in:
//
//   {{ $labels.instance }}  {{ $value | humanize }}  {{ range query "up" }}{{ .Labels.job }}{{ end }}  {{ $externalURL }}
//
// A text that Go would refuse is refused when the rule is read. One that fails when the alert fires says so in its place.

export interface AlertFacts {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly externalUrl: string;
}

/** A template asks something that nobody has asked yet: answer it, and expand again. */
export class QueryWanted extends Interruption {
  readonly expression: string;

  constructor(expression: string) {
    super(`the query ${expression} was not asked yet`);
    this.expression = expression;
  }
}

/** Answers by expression; an Error is what asking failed with. */
export type QueryAnswers = ReadonlyMap<string, readonly QuerySample[] | Error>;

/** The functions of one evaluation: made once, used by every template. `answers` may grow meanwhile. */
export function alertFunctions(externalUrl: string, atMs: number, answers: QueryAnswers): FunctionMap {
  return prometheusFunctions({
    externalUrl,
    nowMs: atMs,
    parseDuration,
    query(expression) {
      const answer = answers.get(expression);
      if (answer === undefined) throw new QueryWanted(expression);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
}

export interface Expanded {
  readonly text: string;
  /** Whether the text says that it could not be made. */
  readonly failed: boolean;
}

const DEFINITIONS =
  '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}';
const TEMPLATES = new TemplateSet([], { functions: alertFunctions('', 0, new Map()) });

export class AlertTemplate {
  readonly #name: string;
  readonly #text: string;
  readonly isPlain: boolean;

  /** Throws `TEMPLATE_INVALID`. */
  constructor(alertName: string, text: string) {
    this.#name = `__alert_${alertName}`;
    this.#text = DEFINITIONS + text;
    this.isPlain = !text.includes('{{');
    if (!this.isPlain) TEMPLATES.check(this.#text, this.#name);
  }

  /** Throws `QueryWanted`, nothing else. */
  expand(facts: AlertFacts, functions: FunctionMap): Expanded {
    if (this.isPlain) return { text: this.#text.slice(DEFINITIONS.length), failed: false };
    const data = new GoNamed('struct', {
      fields: {
        Labels: facts.labels,
        ExternalLabels: facts.externalLabels,
        ExternalURL: facts.externalUrl,
        Value: facts.value,
      },
    });
    try {
      return { text: TEMPLATES.text(this.#text, data, { name: this.#name, functions }), failed: false };
    } catch (error) {
      if (error instanceof QueryWanted) throw error;
      const why = `error executing template ${this.#name}: ${messageOf(error)}`;
      return { text: `<error expanding template: ${why}>`, failed: true };
    }
  }
}
