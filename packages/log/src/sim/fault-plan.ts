// What a simulated log does wrong, to order. A plain object: set a field, and the log obeys from the next call on.

export interface AppendFault {
  /** `before`: nothing was taken. `after`: it was taken, and the answer was lost on the way. */
  readonly when: 'before' | 'after';
  /** LOG_IO unless said otherwise. */
  readonly code?: string;
}

export interface CommitFault {
  /** `before`: nothing was taken. `after`: it was taken, and the answer was lost on the way. */
  readonly when: 'before' | 'after';
  /**
   * LOG_IO unless said otherwise: the producer reports LOG_OUTCOME_UNKNOWN. LOG_FENCED: as if another had taken the id over.
   * LOG_FULL: aborted for certain; only `before`.
   */
  readonly code?: string;
}

export class FaultPlan {
  /** How long an append takes on the clock; 0 is a microtask. */
  appendDelayMs = 0;
  /** How long a fetch from the past takes on the clock. */
  readDelayMs = 0;
  /** How long the commit of a transaction takes on the clock; whoever opens the producer anew waits for it. */
  commitDelayMs = 0;
  /** Every commit leaves a record of its own in each partition it wrote to, as Kafka does: offsets have gaps. */
  controlRecords = false;
  readonly #appendFaults: AppendFault[] = [];
  readonly #commitFaults: CommitFault[] = [];

  /** The next append that is not spoken for fails so. */
  failNextAppend(fault: AppendFault): void {
    this.#appendFaults.push(fault);
  }

  /** The next commit of a transaction that is not spoken for fails so. */
  failNextCommit(fault: CommitFault): void {
    this.#commitFaults.push(fault);
  }

  takeCommitFault(): CommitFault | undefined {
    return this.#commitFaults.shift();
  }

  takeAppendFault(): AppendFault | undefined {
    return this.#appendFaults.shift();
  }
}
