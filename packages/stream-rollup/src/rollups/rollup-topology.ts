import {
  decodeSampleBatch,
  encodeRowBatch,
  RESOLUTION_MS,
  type RowBatch,
  type SampleBatch,
  type TopicRole,
} from '@tidemark/model';
import { admissionClockStore } from '../state/admission-clock.ts';
import { hourRowStore } from '../state/hour-store.ts';
import { windowPointStore } from '../state/window-store.ts';
import type { Serializer, SinkOptions } from '../topology/node.ts';
import { Topology } from '../topology/topology.ts';
import { type RollupMetrics, rollupMetrics } from './metrics.ts';
import { OneMinuteRollup } from './one-minute.ts';
import { DEFAULT_ROLLUP_OPTIONS, type RollupOptions } from './options.ts';

// The rollup topology, as an operator may read it:
//
//   tidemark.raw --> (raw) --> [rollup] --+--> (minutes) --> tidemark.1m, same partition
//                                 |       +--> (hours)   --> tidemark.1h, same partition
//                     {open-windows, open-hours, clock}
//
// Minutes and hours are one processor: an hour's row is made of minutes whose points lie in the same store under the same
// numbers, so nothing is encoded, decoded or looked up by name between them, and one checkpoint holds both.

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
export const OPEN_HOURS = 'open-hours';
export const CLOCK = 'clock';
const PROCESSOR = 'rollup';
const MINUTES = 'minutes';
const HOURS = 'hours';

export function createRollupTopology(rollup: RollupTopology): Topology {
  const limits = { ...DEFAULT_ROLLUP_OPTIONS, ...rollup.options };
  const metrics = rollup.metrics ?? rollupMetrics();
  const decode = rollup.decode ?? decodeSampleBatch;
  const encode: Serializer<RowBatch> = rollup.encode ?? ((batch) => encodeRowBatch(batch));
  const { generation } = rollup;
  const sink = (role: TopicRole): SinkOptions<null, RowBatch> => ({
    topic: { role },
    serializer: encode,
    partitioner: (_record, { taskPartition }) => taskPartition,
  });
  const supply = () =>
    new OneMinuteRollup({
      windowStore: OPEN_WINDOWS,
      hourStore: OPEN_HOURS,
      clockStore: CLOCK,
      minuteSink: MINUTES,
      hourSink: HOURS,
      generation,
      metrics,
      limits,
    });
  return new Topology()
    .addSource<Uint8Array | null, SampleBatch>('raw', {
      topics: [{ role: 'raw' }],
      deserializer: (bytes) => decode(bytes),
      timestampOf: (batch, from) => Math.min(batch.admittedAtMs, from.timestampMs + limits.clockSlackMs),
    })
    .addProcessor(PROCESSOR, supply, ['raw'])
    .addStateStore(windowPointStore(OPEN_WINDOWS, { windowMs: RESOLUTION_MS['1m'], seriesMax: limits.seriesMax }), [
      PROCESSOR,
    ])
    .addStateStore(hourRowStore(OPEN_HOURS), [PROCESSOR])
    .addStateStore(admissionClockStore(CLOCK, { behindMs: limits.clockBehindMs, settleMs: limits.clockSettleMs }), [
      PROCESSOR,
    ])
    .addSink<null, RowBatch>(MINUTES, sink('1m'), [PROCESSOR])
    .addSink<null, RowBatch>(HOURS, sink('1h'), [PROCESSOR]);
}
