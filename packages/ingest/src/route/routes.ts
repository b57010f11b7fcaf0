import { assert } from '@tidemark/base';
import { partitionOf } from '@tidemark/model';
import { type CriticalMetrics, NOTHING_CRITICAL } from './critical.ts';

// Where a series goes, found once when its labels are first seen and kept as one number, its way:
//
//   way  0 .. P-1      P .. 2P-1        2P .. 3P-1
//        raw           raw-critical     by the time of each sample: the metric's mask is kept beside
//
// P partitions; way modulo P is the partition, in either topic.

export class Routes {
  readonly partitions: number;
  #critical: CriticalMetrics = NOTHING_CRITICAL;

  constructor(partitions: number) {
    assert(partitions >= 1 && partitions * 3 <= 0xffff, 'ways fit 16 bits');
    this.partitions = partitions;
  }

  /** Ways found before mean nothing from now on. */
  setCritical(critical: CriticalMetrics): void {
    this.#critical = critical;
  }

  /** The way of the series whose metric's name is `bytes[start, end)`; its mask goes into `masks` where time decides. */
  wayOf(
    tenantHash: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    ref: number,
    masks: Map<number, number>,
  ): number {
    const partition = partitionOf(tenantHash, bytes, start, end, this.partitions);
    if (this.#critical.isEmpty) return partition;
    const mask = this.#critical.maskOf(
      Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'),
    );
    if (mask === 0) return partition;
    if (this.#critical.isAlways(mask)) return partition + this.partitions;
    masks.set(ref, mask);
    return partition + this.partitions * 2;
  }

  /** Of a way by time: what it comes to for a sample. */
  wayAt(way: number, mask: number, timestampMs: number): number {
    const partition = way - this.partitions * 2;
    return this.#critical.isCriticalAt(mask, timestampMs) ? partition + this.partitions : partition;
  }
}
