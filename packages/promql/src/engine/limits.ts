import { type Clock, TidemarkError } from '@tidemark/base';

// What one query may use, and how it shares the process with everybody else.
//
// Samples are counted where memory is taken: every sample selected and every slot of a result on the way (a series over 240
// steps is 240 slots). `pulse` is called with the work done since; when 20 ms have gone by it answers with a promise that
// lets the event loop turn and then looks whether the query was cancelled.

export interface EngineLimits {
  /** Samples held in memory at one time, of the source and of results together. */
  readonly maxSamples: number;
  /** Series one selector may select. */
  readonly maxSeries: number;
  /** Steps of a range query. */
  readonly maxSteps: number;
  /** Steps of one subquery: its grid covers range and query together. */
  readonly maxSubquerySteps: number;
}

export const DEFAULT_LIMITS: EngineLimits = {
  maxSamples: 50_000_000, // Prometheus' default; 16 B each as time and value: 800 MB at the very worst
  maxSeries: 500_000,
  maxSteps: 11_000, // Prometheus' cap on points per series
  maxSubquerySteps: 1_000_000, // 8 MB a series; a year at 30 s
};

const YIELD_AFTER_MS = 20;
// Looking at the clock costs about 50 ns; 50 thousand units of work (a sample looked at) take some 100 us.
const WORK_PER_LOOK = 50_000;

export class Meter {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  #held = 0;
  #peak = 0;
  #work = 0;
  #turnMs: number;

  constructor(limit: number, clock: Clock, signal: AbortSignal | undefined) {
    this.#limit = limit;
    this.#clock = clock;
    this.#signal = signal;
    this.#turnMs = clock.monotonicMs();
  }

  get peakSamples(): number {
    return this.#peak;
  }

  /** Throws `PROMQL_LIMIT`. */
  take(samples: number): void {
    this.#held += samples;
    if (this.#held > this.#peak) this.#peak = this.#held;
    if (this.#held > this.#limit) throw this.#tooMany(this.#held);
  }

  /** Asks for room before it is taken, so that a refusal comes before the memory is gone. Throws `PROMQL_LIMIT`. */
  need(samples: number): void {
    if (this.#held + samples > this.#limit) throw this.#tooMany(this.#held + samples);
  }

  release(samples: number): void {
    this.#held -= samples;
  }

  /** Await what it returns, if anything. Throws the signal's reason when the query was cancelled. */
  pulse(work: number): Promise<void> | undefined {
    this.#work += work;
    if (this.#work < WORK_PER_LOOK) return undefined;
    this.#work = 0;
    this.#signal?.throwIfAborted();
    if (this.#clock.monotonicMs() - this.#turnMs < YIELD_AFTER_MS) return undefined;
    return this.breathe();
  }

  #tooMany(actual: number): TidemarkError {
    return new TidemarkError(
      'PROMQL_LIMIT',
      `query processing would load too many samples into memory in query execution: ${actual}, more than ${this.#limit}`,
      { limit: this.#limit, actual },
    );
  }

  /** Lets the event loop turn. Throws the signal's reason when the query was cancelled. */
  async breathe(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#turnMs = this.#clock.monotonicMs();
    this.#signal?.throwIfAborted();
  }
}
