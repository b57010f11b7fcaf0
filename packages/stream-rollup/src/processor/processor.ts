import type { ProcessorContext } from './context.ts';
import type { StreamRecord } from './record.ts';

/**
 * One step of a topology, with state if it likes. One instance per task; never two calls at a time; never awaited: what
 * has to wait (the log, the disk) is the task's business.
 */
export interface Processor<KIn = unknown, VIn = unknown, KOut = unknown, VOut = unknown> {
  /** Once, before anything else; stores are restored by then. Keep the context here, schedule punctuations here. */
  init?(context: ProcessorContext<KOut, VOut>): void;
  process(record: StreamRecord<KIn, VIn>): void;
  /**
   * Before state and positions are made durable. Forward now what is held back although its input will count as done;
   * what is not forwarded and not in a store is forgotten by a crash.
   */
  flush?(): void;
  /** Once, at the end, after the last flush; not after a crash. */
  close?(): void;
}
