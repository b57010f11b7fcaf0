import { messageOf } from '@tidemark/base';
import type { InstantAnswer } from '@tidemark/model';
import { type AlertFacts, type AlertTemplate, QueryWanted } from '../template/alert-template.ts';
import type { QuerySample } from '../template/prometheus-functions.ts';

// Templates do not wait, questions take time. So a template that asks something new is stopped, the question asked, and the
// template expanded again from the start with the answer at hand. Answers are kept for one evaluation of one rule.

// Most rules ask nothing; one that asks something else of every alert costs its group the interval.
const QUESTIONS_MAX = 100;

export class AskingExpander {
  readonly #ask: (expression: string) => Promise<InstantAnswer>;
  readonly #failed: (count: number) => void;
  readonly #answers = new Map<string, readonly QuerySample[] | Error>();

  constructor(ask: (expression: string) => Promise<InstantAnswer>, failed: (count: number) => void) {
    this.#ask = ask;
    this.#failed = failed;
  }

  async expand(template: AlertTemplate, facts: AlertFacts): Promise<string> {
    for (;;) {
      try {
        const { text, failed } = template.expand(facts, this.#answers);
        if (failed) this.#failed(1);
        return text;
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
