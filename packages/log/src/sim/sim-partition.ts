import type { LogRecord, PartitionBounds, TopicPartition } from '../log.ts';
import type { PartitionSource, Slice } from '../reader.ts';

/** One partition of the simulated log: an array, and what its start has moved to. */
export class SimPartition implements PartitionSource {
  readonly at: TopicPartition;
  /** By offset, rising; gaps only where compaction took something. */
  records: LogRecord[] = [];
  start = 0;
  end = 0;
  /** What reading waits for. */
  delay: () => Promise<void> | undefined = () => undefined;
  readonly #watchers = new Set<() => void>();

  constructor(at: TopicPartition) {
    this.at = at;
  }

  copy(): SimPartition {
    const copy = new SimPartition(this.at);
    copy.records = [...this.records];
    copy.start = this.start;
    copy.end = this.end;
    return copy;
  }

  bounds(): PartitionBounds {
    return { ...this.at, start: this.start, end: this.end };
  }

  push(record: Omit<LogRecord, 'offset'>): number {
    const offset = this.end++;
    this.records.push({ offset, ...record });
    return offset;
  }

  wake(): void {
    for (const wake of this.#watchers) wake();
  }

  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => this.#watchers.delete(wake);
  }

  read(position: number, maxBytes: number): Slice | Promise<Slice> {
    const delay = this.delay();
    return delay ? delay.then(() => this.#read(position, maxBytes)) : this.#read(position, maxBytes);
  }

  #read(position: number, maxBytes: number): Slice {
    const records: LogRecord[] = [];
    let left = maxBytes;
    for (let i = this.#indexOf(position); i < this.records.length && (left > 0 || records.length === 0); i++) {
      const record = this.records[i] as LogRecord;
      records.push(record);
      left -= (record.key?.length ?? 0) + (record.value?.length ?? 0);
    }
    const last = records.at(-1);
    const through = last !== undefined && last !== this.records.at(-1);
    return { records, nextOffset: through ? last.offset + 1 : this.end };
  }

  #indexOf(offset: number): number {
    let low = 0;
    let high = this.records.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.records[middle] as LogRecord).offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Drops everything below `offset`. */
  release(offset: number): void {
    if (offset <= this.start) return;
    this.records = this.records.slice(this.#indexOf(offset));
    this.start = Math.min(offset, this.end);
  }

  /** Keeps the last record of each key; tombstones only from this offset on, and while they are younger. */
  compact(keepTombstonesFrom: number, keepTombstonesSinceMs: number): void {
    const last = new Map<string, number>();
    for (const record of this.records) last.set(keyText(record), record.offset);
    this.records = this.records.filter(
      (record) =>
        last.get(keyText(record)) === record.offset &&
        (record.value !== null || (record.offset >= keepTombstonesFrom && record.timestampMs >= keepTombstonesSinceMs)),
    );
  }
}

function keyText(record: LogRecord): string {
  return Buffer.from(record.key as Uint8Array).toString('latin1');
}
