import {
  decodeSampleBatch,
  encodeRowBatch,
  type RawRole,
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
//   tidemark.raw          --> (raw) --> [rollup] --+--> (minutes) --> tidemark.1m, same partition
//                                          |       +--> (hours)   --> tidemark.1h, same partition
//                              {open-windows, open-hours, clock}
//   tidemark.raw-critical --> (raw-critical) --> [rollup-critical] --+--> the same two topics
//                                          |
//                              {open-windows-critical, open-hours-critical, clock-critical}
//
// Minutes and hours are one processor: an hour's row is made of minutes whose points lie in the same store under the same
// numbers, so nothing is encoded, decoded or looked up by name between them, and one checkpoint holds both.
//
// The two topics are two tasks with a reader and a clock each: neither waits for the other, and one that ran ahead closes no
// window of the other. All samples of a metric and hour travel by one of them (ingest decides by event time), so no row is
// made of both.

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
/** Behind the name of every node and store on the way of critical samples. */
const CRITICAL = '-critical';

export function createRollupTopology(rollup: RollupTopology): Topology {
  const topology = new Topology();
  addWay(topology, rollup, 'raw', '');
  addWay(topology, rollup, 'raw-critical', CRITICAL);
  return topology;
}

/** From one topic of samples to rows. */
function addWay(topology: Topology, rollup: RollupTopology, source: RawRole, suffix: string): void {
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
  const windowStore = `${OPEN_WINDOWS}${suffix}`;
  const hourStore = `${OPEN_HOURS}${suffix}`;
  const clockStore = `${CLOCK}${suffix}`;
  const minuteSink = `minutes${suffix}`;
  const hourSink = `hours${suffix}`;
  const processor = `rollup${suffix}`;
  const names = { windowStore, hourStore, clockStore, minuteSink, hourSink };
  topology
    .addSource<Uint8Array | null, SampleBatch>(source, {
      topics: [{ role: source }],
      deserializer: (bytes) => decode(bytes),
      timestampOf: (batch, from) => Math.min(batch.admittedAtMs, from.timestampMs + limits.clockSlackMs),
    })
    .addProcessor(processor, () => new OneMinuteRollup({ ...names, source, generation, metrics, limits }), [source])
    .addStateStore(windowPointStore(windowStore, { windowMs: RESOLUTION_MS['1m'], seriesMax: limits.seriesMax }), [
      processor,
    ])
    .addStateStore(hourRowStore(hourStore), [processor])
    .addStateStore(
      admissionClockStore(clockStore, { behindMs: limits.clockBehindMs, settleMs: limits.clockSettleMs }),
      [processor],
    )
    .addSink<null, RowBatch>(minuteSink, sink('1m'), [processor])
    .addSink<null, RowBatch>(hourSink, sink('1h'), [processor]);
}
