import type { Allowance } from './value.ts';

// What one execution of a template may spend. A template comes from a file that someone wrote in a hurry, and meets data that
// nobody saw before: it may be wrong, it may not be the end of the process.

export interface TemplateLimits {
  /** Characters of the result, and of any text on the way to it. */
  readonly outputCharsMax: number;
  /** Nodes evaluated, items ranged over. */
  readonly stepsMax: number;
  /** Templates within templates. */
  readonly depthMax: number;
}

export const TEMPLATE_LIMITS: TemplateLimits = {
  // The largest mail a template makes of a thousand alerts is some 500 kB.
  outputCharsMax: 4 * 1024 * 1024,
  // A million steps take about 100 ms.
  stepsMax: 1_000_000,
  // Deeper is a template that calls itself without end; the interpreter needs some ten stack frames for each.
  depthMax: 100,
};

/** Thrown past everything that says where in a template an error happened. */
export class Interruption extends Error {}

export class LimitExceeded extends Interruption {}

export class Budget implements Allowance {
  readonly limits: TemplateLimits;
  #steps = 0;

  constructor(limits: TemplateLimits) {
    this.limits = limits;
  }

  get textMax(): number {
    return this.limits.outputCharsMax;
  }

  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > this.limits.stepsMax) {
      throw new LimitExceeded(`the template takes more than ${this.limits.stepsMax} steps`);
    }
  }

  text(length: number): void {
    if (length > this.limits.outputCharsMax) {
      throw new LimitExceeded(`the template makes more than ${this.limits.outputCharsMax} characters`);
    }
  }
}
