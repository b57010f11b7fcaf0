import type { RecordMetadata } from '../processor/record.ts';

/** A record that cannot be processed: its bytes mean nothing to the deserializer, or its time is no time. */
export interface RecordProblem extends RecordMetadata {
  readonly source: string;
  /** Stable, for counting: the error's code where it has one. */
  readonly reason: string;
  readonly message: string;
  readonly error: unknown;
}

/**
 * `skip`: counted, and on with the next. `fail`: the task stops here and stays stopped. `dead-letter`: appended as it is to
 * the dead-letter topic, with where it came from in its headers, and counted.
 */
export type ErrorDecision = 'skip' | 'fail' | 'dead-letter';

/** A bad record is not an exception but a decision. */
export interface ErrorPolicy {
  onRecord(problem: RecordProblem): ErrorDecision;
}

export function always(decision: ErrorDecision): ErrorPolicy {
  return { onRecord: () => decision };
}
