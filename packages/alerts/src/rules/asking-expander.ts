import { messageOf } from '@tidemark/base';
import type { InstantAnswer } from '@tidemark/model';
import { type AlertFacts, type AlertTemplate, alertFunctions, QueryWanted } from '../template/alert-template.ts';
import type { QuerySample } from '../template/prometheus-functions.ts';
import type { FunctionMap } from '../template/value.ts';

// Templates do not wait, questions take time. So a template that asks something new is stopped, the question asked, and the
// template expanded again from the start with the answer at hand. Answers are kept for one evaluation of one rule.

// Most rules ask nothing; one that asks something else of every alert costs its group the interval.
const QUESTIONS_MAX = 100;

export interface AskingExpanderOptions {
  readonly ask: (expression: string) => Promise<InstantAnswer>;
  /** Called with how many texts say that they could not be made. */
  readonly failed: (count: number) => void;
  readonly externalUrl: string;
  readonly atMs: number;
}

export class AskingExpander {
  readonly #ask: (expression: string) => Promise<InstantAnswer>;
  readonly #failed: (count: number) => void;
  readonly #answers = new Map<string, readonly QuerySample[] | Error>();
  readonly #functions: FunctionMap;

  constructor({ ask, failed, externalUrl, atMs }: AskingExpanderOptions) {
    this.#ask = ask;
    this.#failed = failed;
    this.#functions = alertFunctions(externalUrl, atMs, this.#answers);
  }

  /** At once when nothing has to be asked for it. */
  expand(template: AlertTemplate, facts: AlertFacts): string | Promise<string> {
    try {
      return this.#expand(template, facts);
    } catch (error) {
      if (!(error instanceof QueryWanted)) throw error;
      return this.#askFirst(error.expression, template, facts);
    }
  }

  #expand(template: AlertTemplate, facts: AlertFacts): string {
    const { text, failed } = template.expand(facts, this.#functions);
    if (failed) this.#failed(1);
    return text;
  }

  async #askFirst(expression: string, template: AlertTemplate, facts: AlertFacts): Promise<string> {
    await this.#answer(expression);
    for (;;) {
      try {
        return this.#expand(template, facts);
      } catch (error) {
        if (!(error instanceof QueryWanted)) throw error;
        await this.#answer(error.expression);
      }
    }
  }

  async #answer(expression: string): Promise<void> {
    if (this.#answers.size >= QUESTIONS_MAX) {
      this.#answers.set(expression, new Error(`the rule's templates ask more than ${QUESTIONS_MAX} questions`));
      return;
    }
    try {
      const { samples } = await this.#ask(expression);
      this.#answers.set(
        expression,
        samples.map(({ labels, value }) => ({ labels: new Map(labels.map((each) => [each.name, each.value])), value })),
      );
    } catch (error) {
      this.#answers.set(expression, new Error(messageOf(error), { cause: error }));
    }
  }
}
