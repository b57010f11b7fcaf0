import type { StateStore } from '../state/store.ts';
import type { RecordMetadata, StreamRecord } from './record.ts';

/**
 * `stream-time` moves with the records' timestamps and only forward: on an idle partition it stands still.
 * `wall-clock` moves with the clock the application was given, idle or not.
 */
export type PunctuationType = 'stream-time' | 'wall-clock';

/** Called with the time of its kind. */
export type Punctuator = (timeMs: number) => void;

export interface ProcessorContext<KOut = unknown, VOut = unknown> {
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  readonly partition: number;
  /** To every child, or to the one named, before it returns. Throws `STREAMS_CHILD_UNKNOWN`. */
  forward(record: StreamRecord<KOut, VOut>, childName?: string): void;
  /** Returns the way to cancel. The first call comes one interval from now; intervals missed are called once. */
  schedule(intervalMs: number, type: PunctuationType, punctuator: Punctuator): () => void;
  /** Requires: the store was connected to this processor. The caller knows its class. Throws `STREAMS_STORE_UNKNOWN`. */
  getStateStore<S extends StateStore>(name: string): S;
  /** Undefined outside `process`, in punctuations for instance. */
  recordMetadata(): RecordMetadata | undefined;
  /** Where this task began to read the topic: at its checkpoint, or where the log lets a rebuild begin. */
  startOffset(topic: string): number;
  /** The greatest timestamp of any record this task has taken, this one included; -Infinity before the first. */
  currentStreamTimeMs(): number;
  currentSystemTimeMs(): number;
  /** Whether the last look at the log found nothing: the task is idle, and wall time may stand in for stream time. */
  caughtUp(): boolean;
  /** Counts a record that is left out on purpose: too late for its window, without a key. Reasons are few and never renamed. */
  drop(reason: string): void;
  /** Asks for a checkpoint once what is being processed is done. */
  commit(): void;
}
