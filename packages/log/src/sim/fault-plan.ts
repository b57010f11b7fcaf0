// What a simulated log does wrong, to order. A plain object: set a field, and the log obeys from the next call on.

export interface AppendFault {
  /** `before`: nothing was taken. `after`: it was taken, and the answer was lost on the way. */
  readonly when: 'before' | 'after';
  /** LOG_IO unless said otherwise. */
  readonly code?: string;
}

export class FaultPlan {
  /** How long an append takes on the clock; 0 is a microtask. */
  appendDelayMs = 0;
  /** How long a fetch from the past takes on the clock. */
  readDelayMs = 0;
  readonly #appendFaults: AppendFault[] = [];

  /** The next append that is not spoken for fails so. */
  failNextAppend(fault: AppendFault): void {
    this.#appendFaults.push(fault);
  }

  takeAppendFault(): AppendFault | undefined {
    return this.#appendFaults.shift();
  }
}
