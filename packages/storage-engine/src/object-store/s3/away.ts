import type { Clock, Random } from '@tidemark/base';

// A store that does not answer is left alone for a while: whoever asks is told at once instead of waiting out its deadline, so
// a seal or a query costs one attempt in half a minute and not one for each of a hundred objects.
//
//                  an operation gave up
//   here ────────────────────────────────────────▶ away, nobody asks ◀────┐
//    ▲                                                  │ pause over      │ no answer: twice the pause
//    └──────────────── any answer ──────────────── one asks, once ────────┘

export interface AwayOptions {
  readonly awayMs: number;
  readonly awayMaxMs: number;
}

export class Away {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: AwayOptions;
  #sinceMs: number | undefined;
  #pauseMs = 0;
  #askAtMs = 0;
  #asking = false;
  #why = '';

  constructor(clock: Clock, random: Random, options: AwayOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** `ask`: as usual. `once`: on behalf of all, a single time. Else why not to ask. */
  enter(): 'ask' | 'once' | { readonly why: string; readonly awayMs: number; readonly againMs: number } {
    if (this.#sinceMs === undefined) return 'ask';
    const nowMs = this.#clock.monotonicMs();
    if (!this.#asking && nowMs >= this.#askAtMs) {
      this.#asking = true;
      return 'once';
    }
    return { why: this.#why, awayMs: nowMs - this.#sinceMs, againMs: Math.max(0, this.#askAtMs - nowMs) };
  }

  answered(): void {
    this.#sinceMs = undefined;
    this.#pauseMs = 0;
    this.#asking = false;
  }

  /** An operation gave up. */
  silent(why: string): void {
    const nowMs = this.#clock.monotonicMs();
    const { awayMs, awayMaxMs } = this.#options;
    this.#sinceMs ??= nowMs;
    this.#why = why;
    this.#pauseMs = Math.min(awayMaxMs, this.#pauseMs === 0 ? awayMs : this.#pauseMs * 2);
    this.#askAtMs = nowMs + this.#pauseMs * (0.5 + this.#random.next() / 2);
    this.#asking = false;
  }
}
