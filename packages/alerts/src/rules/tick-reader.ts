import type { InstantAnswer, QueryPort } from '@tidemark/model';

// What the rules of a group ask during one evaluation: all at the same time, each question once. The first waits until storage
// has read everything acknowledged before it; so have the ones after it, until the group writes something.

export interface TickReaderOptions {
  readonly query: QueryPort;
  readonly tenant: string;
  /** The time to ask about, the group's offset taken off. */
  readonly atMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export class TickReader {
  readonly #options: TickReaderOptions;
  readonly #answers = new Map<string, Promise<InstantAnswer>>();
  /** Undefined: the next question has to wait for what was written. */
  #isFresh: boolean | undefined;

  constructor(options: TickReaderOptions) {
    this.#options = options;
  }

  /** Throws as the query port does. */
  ask(expression: string): Promise<InstantAnswer> {
    const known = this.#answers.get(expression);
    if (known) return known;
    const answer = this.#ask(expression);
    this.#answers.set(expression, answer);
    return answer;
  }

  /** What was written until now is to be seen from now on. */
  forget(): void {
    this.#answers.clear();
    this.#isFresh = undefined;
  }

  async #ask(expression: string): Promise<InstantAnswer> {
    const { query, signal, ...rest } = this.#options;
    const known = this.#isFresh;
    const consistency = known === undefined ? 'strong' : 'latest';
    const answer = await query.evaluate({ ...rest, expression, consistency, signal });
    if (known === undefined) this.#isFresh = answer.fresh;
    return known === undefined ? answer : { ...answer, fresh: known && answer.fresh };
  }
}
