import { type Clock, type Logger, messageOf } from '@tidemark/base';
import type { RuleHealth } from './status.ts';

// How a rule fares: what its status shows beside what it does.

export class RuleVitals {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  health: RuleHealth = 'unknown';
  lastError = '';
  /** Whether the last evaluation saw all that was acknowledged before it. */
  fresh = true;
  evaluationSeconds = 0;
  lastEvaluationMs: number | undefined;

  constructor(name: string, clock: Clock, logger: Logger) {
    this.#name = name;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Runs one evaluation. Never throws; what went wrong is told here. */
  async during(evaluation: () => Promise<void>, signal: AbortSignal): Promise<EvaluationOutcome> {
    const startMs = this.#clock.monotonicMs();
    this.lastEvaluationMs = this.#clock.nowMs();
    try {
      await evaluation();
      this.health = 'ok';
      this.lastError = '';
      return 'ok';
    } catch (error) {
      if (signal.aborted) return 'aborted';
      this.fail(error);
      return 'failed';
    } finally {
      this.evaluationSeconds = (this.#clock.monotonicMs() - startMs) / 1000;
    }
  }

  fail(error: unknown): void {
    const message = messageOf(error);
    // Said once, until it works or fails otherwise.
    if (message !== this.lastError) {
      this.#logger.warn('evaluating a rule failed', { rule: this.#name, reason: message });
    }
    this.health = 'err';
    this.lastError = message;
  }

  adopt(from: RuleVitals): void {
    this.health = from.health;
    this.lastError = from.lastError;
    this.fresh = from.fresh;
    this.evaluationSeconds = from.evaluationSeconds;
    this.lastEvaluationMs = from.lastEvaluationMs;
  }
}

export type EvaluationOutcome = 'ok' | 'failed' | 'aborted';
