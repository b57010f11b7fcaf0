import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SelfMetrics, seededRandom, silentLogger, systemClock } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { SimLog } from '@tidemark/log/sim';
import {
  BatchBuilder,
  encodeLabels,
  encodeRowBatch,
  encodeSampleBatch,
  type Labels,
  labelsOf,
  labelValue,
  METRIC_NAME,
  type MetricMetadata,
  makeRowColumns,
  partitionOf,
  tenantHash,
} from '@tidemark/model';
import {
  Admission,
  FanOut,
  httpStore,
  type RemoteReads,
  remoteReads,
  StoreWatch,
  UnreadAnswers,
} from '@tidemark/query';
import { openStorageEngine, type StorageEngine } from '@tidemark/storage-engine';
import { MemoryLevelStores, SimObjectStore } from '@tidemark/storage-engine/sim';
import express from 'express';
import { ownedPartitions } from '../src/roles/ordinal.ts';
import type { Reads } from '../src/roles/reads.ts';
import { type StoreIdentity, storerGroup } from '../src/roles/store-identity.ts';
import { Storer } from '../src/roles/storer.ts';
import { StoreReader } from '../src/store-api/store-reader.ts';
import { storeRouter } from '../src/store-api/store-router.ts';

// Stores that read one log, each with an engine and a listener of its own, and one who asks them all.
//
//   log ─┬─ store 0 of 2, zone a ── http ─┐
//        ├─ store 1 of 2, zone a ── http ─┼─ remote reads
//        ├─ store 0 of 1, zone b ── http ─┘
//        └─ one store that has everything: what the answers have to be

export const PARTITIONS = 5;
export const TENANT = 't';
const RAW = 'raw';
const ROWS = '1m';

export interface RunningStore {
  readonly address: string;
  readonly engine: StorageEngine;
  readonly storer: Storer;
  readonly owned: readonly number[];
  readonly reads: Reads;
  readonly questions: () => number;
  /** Questions being answered. */
  readonly running: () => number;
  /** Its process dies: connections are cut, nothing answers. */
  kill(): Promise<void>;
  /** The same once it has written so much of an answer. */
  killAfterBytes(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export async function openLog(): Promise<SimLog> {
  const log = new SimLog({ clock: systemClock });
  const topic = { partitions: PARTITIONS, compacted: false, retentionMs: 3_600_000 };
  await log.ensureTopics([
    { name: RAW, ...topic },
    { name: ROWS, ...topic },
  ]);
  return log;
}

export async function startStore(log: SimLog, identity: StoreIdentity, delayMs = () => 0): Promise<RunningStore> {
  const clock = systemClock;
  const engine = await openStorageEngine({
    disk: new SimDisk(),
    levelStores: new MemoryLevelStores(),
    objectStore: new SimObjectStore(seededRandom(1)),
    clock,
    installationKey: new Uint8Array(32).fill(7),
  });
  const metrics = new SelfMetrics();
  const owned = ownedPartitions(identity, PARTITIONS);
  const storer = new Storer({
    log,
    engine,
    clock,
    logger: silentLogger,
    metrics,
    sampleTopics: [RAW],
    rowTopics: [ROWS],
    partitions: owned,
    group: storerGroup(identity),
    onFailure: (what, error) => {
      throw new Error(`${what}: ${error}`);
    },
  });
  await storer.start();
  const reads: Reads = {
    source: engine.source(),
    metadata: async (request) => engine.metadata(request),
    cardinality: (request) => engine.cardinality(request),
    exemplars: (request) => engine.exemplars(request),
    freshness: storer,
  };
  const reader = new StoreReader({
    zone: identity.zone,
    partitions: PARTITIONS,
    owned,
    reads,
    progress: storer.progress,
    before: { caughtUp: async () => true },
    unread: new UnreadAnswers(1e9),
    clock,
    limits: { seriesMax: 1e6, samplesMax: 1e8 },
  });
  let questions = 0;
  let onWritten: (bytes: number) => void = () => undefined;
  const admission = new Admission(20, 100);
  const app = express();
  app.use(async (request, response, next) => {
    if (request.method === 'POST') {
      questions++;
      await clock.sleep(delayMs());
      const write = response.write.bind(response);
      let written = 0;
      response.write = ((piece: Uint8Array) => {
        written += piece.length;
        const room = write(piece);
        onWritten(written);
        return room;
      }) as typeof response.write;
    }
    next();
  });
  app.use(storeRouter({ reader, admission: new Admission(20, 100), timeoutMs: 60_000, logger: silentLogger, metrics }));
  const { url, server, close: kill } = await listen(app);
  return {
    address: url,
    engine,
    storer,
    owned,
    reads,
    questions: () => questions,
    running: () => admission.running,
    kill,
    killAfterBytes: (bytes) =>
      new Promise((resolve) => {
        onWritten = (written) => {
          if (written >= bytes) void kill().then(resolve);
        };
      }),
    async close() {
      if (server.listening) await kill();
      await storer.close();
      await engine.close();
    },
  };
}

export async function listen(app: express.Express) {
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, close };
}

export interface Asker extends RemoteReads {
  readonly watch: StoreWatch;
  readonly metrics: SelfMetrics;
}

export async function askOf(stores: readonly RunningStore[], zone: string, hedgeAfterMs = 0): Promise<Asker> {
  const metrics = new SelfMetrics();
  const clock = systemClock;
  const clients = stores.map(({ address }) => httpStore(address));
  const watch = new StoreWatch({ clients, clock, logger: silentLogger, metrics });
  watch.start();
  await watch.looked;
  const fanOut = new FanOut({ watch, clock, metrics, zone, hedgeAfterMs });
  return { ...remoteReads(fanOut, () => watch.partitions), watch, metrics };
}

/** Waits until the store has what the log has of its partitions, rows too. */
export async function readsAll(log: SimLog, { storer, owned }: RunningStore): Promise<void> {
  for (const topic of [RAW, ROWS]) {
    const ends = (await log.bounds(topic)).filter(({ partition }) => owned.includes(partition));
    const reached = await storer.progress.reached(
      ends.map(({ partition, end }) => ({ topic, partition, offset: end })),
      30_000,
    );
    if (!reached) throw new Error(`${topic} was not read`);
  }
}

export interface Sample {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly value: number;
}

function partitionOfMetric(name: string): number {
  const bytes = Buffer.from(name, 'utf8');
  return partitionOf(tenantHash(TENANT), bytes, 0, bytes.length, PARTITIONS);
}

function byPartition<T>(list: readonly T[], nameOf: (one: T) => string): ReadonlyMap<number, readonly T[]> {
  return Map.groupBy(list, (one) => partitionOfMetric(nameOf(one)));
}

const nameOf = ({ labels }: Sample) => labelValue(labels, METRIC_NAME);

/** To the log, each sample where its metric belongs; what sources say of metrics goes along. */
/** A sample and an exemplar each, of one trace. */
export async function appendExemplars(log: SimLog, samples: readonly Sample[], trace: string): Promise<void> {
  for (const [partition, some] of byPartition(samples, nameOf)) {
    const builder = new BatchBuilder(TENANT);
    for (const { labels, timestampMs, value } of some) {
      const bytes = encodeLabels(labels);
      const series = builder.seriesOf(bytes, 0, bytes.length);
      builder.add(series, timestampMs, value);
      builder.addExemplar(series, timestampMs, value, encodeLabels(labelsOf({ trace })));
    }
    const value = encodeSampleBatch(builder.build(systemClock.nowMs()));
    await log.append([{ topic: RAW, partition, key: null, value }]);
  }
}

export async function appendSamples(
  log: SimLog,
  samples: readonly Sample[],
  metadata: readonly MetricMetadata[] = [],
): Promise<void> {
  const about = byPartition(metadata, ({ metric }) => metric);
  for (const [partition, some] of byPartition(samples, nameOf)) {
    const builder = new BatchBuilder(TENANT);
    for (const { labels, timestampMs, value } of some) builder.addLabels(labels, timestampMs, value);
    const batch = { ...builder.build(systemClock.nowMs()), metadata: about.get(partition) };
    await log.append([{ topic: RAW, partition, key: null, value: encodeSampleBatch(batch) }]);
  }
}

/** A row of one sample each, at the end of the minute after the sample's. */
export async function appendRows(log: SimLog, samples: readonly Sample[]): Promise<void> {
  for (const [partition, some] of byPartition(samples, nameOf)) {
    const builder = new BatchBuilder(TENANT);
    for (const { labels, timestampMs, value } of some) builder.addLabels(labels, timestampMs, value);
    const { series, sampleSeries } = builder.build(systemClock.nowMs());
    const rows = makeRowColumns(some.length);
    for (const [i, { timestampMs, value }] of some.entries()) {
      rows.series[i] = sampleSeries[i] as number;
      rows.endMs[i] = Math.ceil(timestampMs / 60_000) * 60_000;
      for (const name of ['sum', 'min', 'max', 'first', 'last'] as const) rows[name][i] = value;
      rows.count[i] = 1;
      rows.firstMs[i] = timestampMs;
      rows.lastMs[i] = timestampMs;
      rows.generation[i] = 1;
      rows.offset[i] = i;
    }
    const batch = { tenant: TENANT, resolution: '1m' as const, admittedAtMs: systemClock.nowMs(), series, rows };
    await log.append([{ topic: ROWS, partition, key: null, value: encodeRowBatch(batch) }]);
  }
}
