import { decodeSampleBatch, encodeRowBatch, RESOLUTION_MS, type RowBatch, type SampleBatch } from '@tidemark/model';
import { windowPointStore } from '../state/window-store.ts';
import type { Serializer } from '../topology/node.ts';
import { Topology } from '../topology/topology.ts';
import { type RollupMetrics, rollupMetrics } from './metrics.ts';
import { OneMinuteRollup } from './one-minute.ts';
import { DEFAULT_ROLLUP_OPTIONS, type RollupOptions } from './options.ts';

// The rollup topology, as an operator may read it:
//
//   tidemark.raw --> (raw) --> [one-minute] --> (rows) --> tidemark.1m, same partition
//                                  |
//                              {open-windows}

export interface RollupTopology {
  /** Raised by repairs and by changes of partitioning; rows of a higher generation win. */
  readonly generation: number;
  readonly metrics?: RollupMetrics;
  readonly options?: Partial<RollupOptions>;
  /** By default the batches' own codec, which decodes nothing that this process encoded. */
  readonly decode?: (bytes: Uint8Array) => SampleBatch;
  readonly encode?: Serializer<RowBatch>;
}

export const OPEN_WINDOWS = 'open-windows';

export function createRollupTopology(rollup: RollupTopology): Topology {
  const limits = { ...DEFAULT_ROLLUP_OPTIONS, ...rollup.options };
  const metrics = rollup.metrics ?? rollupMetrics();
  const decode = rollup.decode ?? decodeSampleBatch;
  const { generation } = rollup;
  return new Topology()
    .addSource<Uint8Array | null, SampleBatch>('raw', {
      topics: [{ role: 'raw' }],
      deserializer: (bytes) => decode(bytes),
      timestampOf: (batch, from) => Math.min(batch.admittedAtMs, from.timestampMs + limits.clockSlackMs),
    })
    .addProcessor('one-minute', () => new OneMinuteRollup({ storeName: OPEN_WINDOWS, generation, metrics, limits }), [
      'raw',
    ])
    .addStateStore(windowPointStore(OPEN_WINDOWS, { windowMs: RESOLUTION_MS['1m'], seriesMax: limits.seriesMax }), [
      'one-minute',
    ])
    .addSink<null, RowBatch>(
      'rows',
      {
        topic: { role: '1m' },
        serializer: rollup.encode ?? ((batch) => encodeRowBatch(batch)),
        partitioner: (_record, { taskPartition }) => taskPartition,
      },
      ['one-minute'],
    );
}
