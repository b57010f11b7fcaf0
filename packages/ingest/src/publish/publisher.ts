import type { Log, OutgoingRecord } from '@tidemark/log';
import { encodeSampleBatch, type MetricMetadata, type SampleBatch, type SeriesSection } from '@tidemark/model';
import { ByteBudget } from '../admission/byte-budget.ts';
import { appendFailed, overloaded } from '../errors.ts';
import type { IngestOptions } from '../options.ts';
import type { PartitionRecord } from '../route/partition-records.ts';

// From records to the log: every record of a request in one append, so that they are durable together or the sender hears
// of it. What waits for the log is bounded by bytes; the sender holds the rest.

const NO_SERIES: SeriesSection = {
  count: 0,
  labelBytes: new Uint8Array(0),
  labelEnds: new Uint32Array(0),
  types: new Uint8Array(0),
  units: undefined,
  startTimesMs: undefined,
};

type PublisherOptions = Pick<IngestOptions, 'topic' | 'criticalTopic' | 'pendingBytesMax' | 'retryAfterMs'>;

export class Publisher {
  readonly #log: Log;
  readonly #options: PublisherOptions;
  readonly #pending: ByteBudget;

  constructor(log: Log, options: PublisherOptions) {
    this.#log = log;
    this.#options = options;
    this.#pending = new ByteBudget(options.pendingBytesMax);
  }

  /** The options have changed. */
  takeLimits(): void {
    this.#pending.limit = this.#options.pendingBytesMax;
  }

  get pendingBytes(): number {
    return this.#pending.held;
  }

  /** Throws `INGEST_OVERLOADED` when nothing more may wait: asked before the work of decoding is done. */
  mustHaveRoom(): void {
    if (this.#pending.held < this.#options.pendingBytesMax) return;
    throw this.#overloaded();
  }

  /** The values to append, by record; encodes at once, so that the caller's scratch is free afterwards. */
  encode(
    tenant: string,
    admittedAtMs: number,
    records: readonly PartitionRecord[],
    metadata: readonly (readonly MetricMetadata[] | undefined)[],
  ): readonly OutgoingRecord[] {
    const { topic, criticalTopic } = this.#options;
    const outgoing: OutgoingRecord[] = [];
    const unsent = [...metadata];
    const add = (partition: number, columns: Omit<PartitionRecord, 'partition'>) => {
      const batch: SampleBatch = {
        tenant,
        admittedAtMs,
        series: columns.series,
        sampleSeries: columns.sampleSeries,
        timestampsMs: columns.timestampsMs,
        values: columns.values,
        histograms: columns.histograms,
        exemplars: columns.exemplars,
        metadata: unsent[partition],
      };
      unsent[partition] = undefined;
      outgoing.push({
        topic: columns.isCritical ? criticalTopic : topic,
        partition,
        key: null,
        value: encodeSampleBatch(batch),
      });
    };
    for (const record of records) add(record.partition, record);
    for (let partition = 0; partition < unsent.length; partition++) {
      if (unsent[partition]) add(partition, noSamples());
    }
    return outgoing;
  }

  /** Resolves when the log has them all. Throws `INGEST_OVERLOADED`, `INGEST_UNAVAILABLE`. */
  async append(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return;
    let bytes = 0;
    for (const record of records) bytes += record.value?.length ?? 0;
    if (!this.#pending.tryTake(bytes)) throw this.#overloaded();
    try {
      await this.#log.append(records);
    } catch (cause) {
      throw appendFailed(cause, this.#options.retryAfterMs);
    } finally {
      this.#pending.give(bytes);
    }
  }

  #overloaded() {
    const { pendingBytesMax, retryAfterMs } = this.#options;
    return overloaded(
      `${this.#pending.held} bytes wait for the log, the limit pendingBytesMax is ${pendingBytesMax}`,
      retryAfterMs,
    );
  }
}

function noSamples(): Omit<PartitionRecord, 'partition'> {
  return {
    isCritical: false,
    series: NO_SERIES,
    sampleSeries: new Uint32Array(0),
    timestampsMs: new Float64Array(0),
    values: new Float64Array(0),
    exemplars: undefined,
    histograms: undefined,
  };
}
