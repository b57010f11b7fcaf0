import { must, type TidemarkError } from '@tidemark/base';
import type { OutgoingRecord } from '../log.ts';
import { Kind } from './format.ts';
import type { Submission } from './group-commit.ts';
import type { Partition } from './partition.ts';
import type { FrameAt } from './partition-index.ts';
import { encodeRecords } from './records-body.ts';

interface Run {
  readonly partition: Partition;
  readonly records: OutgoingRecord[];
  firstOffset: number;
}

/** One append call on its way to disk. Offsets are given when its turn has come, and void if the group fails. */
export class PendingAppend implements Submission {
  readonly kind = Kind.records;
  readonly bytes: number;
  readonly offsets: Promise<readonly number[]>;
  readonly count: number;
  timestampMs = 0;
  readonly #runs: readonly Run[];
  /** For each record, its run. */
  readonly #runOf: readonly Run[];
  readonly #nowMs: () => number;
  readonly #onWritten: (append: PendingAppend, at: FrameAt) => void;
  readonly #settle = Promise.withResolvers<readonly number[]>();

  constructor(
    records: readonly OutgoingRecord[],
    partitions: readonly Partition[],
    bytes: number,
    nowMs: () => number,
    onWritten: (append: PendingAppend, at: FrameAt) => void,
  ) {
    this.bytes = bytes;
    this.count = records.length;
    this.offsets = this.#settle.promise;
    this.#nowMs = nowMs;
    this.#onWritten = onWritten;
    const runs = new Map<Partition, Run>();
    this.#runOf = records.map((record, i) => {
      const partition = must(partitions[i]);
      let run = runs.get(partition);
      if (!run) {
        run = { partition, records: [], firstOffset: 0 };
        runs.set(partition, run);
      }
      run.records.push(record);
      return run;
    });
    this.#runs = [...runs.values()];
  }

  get partitions(): Partition[] {
    return this.#runs.map(({ partition }) => partition);
  }

  encode(): readonly Uint8Array[] {
    this.timestampMs = this.#nowMs();
    for (const run of this.#runs) {
      run.firstOffset = run.partition.assigned;
      run.partition.assigned += run.records.length;
    }
    const sections = this.#runs.map(({ partition, records, firstOffset }) => ({
      topicId: partition.topicId,
      partition: partition.partition,
      firstOffset,
      records,
    }));
    return encodeRecords(this.timestampMs, sections);
  }

  written(at: FrameAt): void {
    for (const { partition, records, firstOffset } of this.#runs) {
      partition.took(firstOffset, records, this.timestampMs, at);
    }
    this.#onWritten(this, at);
    const next = new Map(this.#runs.map((run) => [run, run.firstOffset]));
    this.#settle.resolve(
      this.#runOf.map((run) => {
        const offset = must(next.get(run));
        next.set(run, offset + 1);
        return offset;
      }),
    );
  }

  failed(error: TidemarkError): void {
    for (const { partition } of this.#runs) partition.assigned = partition.end;
    this.#settle.reject(error);
  }
}
