import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { BatchBuilder, encodeSampleBatch } from '@tidemark/model';
import { startKafka } from '@tidemark/testkit/real';
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs';
import { openEmbeddedLog } from '../embedded/open.ts';
import type { Log, OutgoingRecord } from '../log.ts';
import { openKafkaLog } from './kafka-log.ts';
import { kafkaMetrics } from './metrics.ts';
import type { KafkaLogOptions } from './options.ts';

// What an append and a read cost this process: on the embedded log, on Kafka, and with kafkajs by itself on the same Kafka.
//
//   node -C source packages/log/src/kafka/kafka-log.bench.ts [megabytes] [rounds]
//
// With --max-semi-space-size=4 --initial-old-space-size=256, as `npx tidemark serve` has them, the collector has less to do.
//
// In turn, so many rounds, each on a topic of its own with four partitions, after one round that does not count:
//
//   append   all of it, 8 calls at once, each a record or several for every partition    records per CPU-second of ours
//   paced    100 such calls, one each 20 ms                                              what one takes: p50, p99
//   read     all of it, from the beginning                                               records per CPU-second of ours
//
// Two kinds of record: batches of 2,000 samples as ingest makes them (compressed in themselves), and plain ones of 1 kB. The
// broker is one, on this machine; what it costs itself is read from /proc.
//
// On paper: a byte is written once and checksummed once by us (CRC-32C, some 5 GB/s), as in the journal; so
// large records cost about what they cost there, and small ones what their encoding does.

const [megabytes = '40', roundsAsked = '5'] = process.argv.slice(2);
const TOTAL_BYTES = Number(megabytes) * 1_000_000;
const ROUNDS = Number(roundsAsked);
const PARTITIONS = [0, 1, 2, 3];
const AT_ONCE = 8;
const PACED = { calls: TOTAL_BYTES < 5_000_000 ? 5 : 100, everyMs: 20 };
const SERIES = 2000;
const START_MS = 1_795_000_000_000;

interface Load {
  readonly name: string;
  readonly values: readonly Uint8Array[];
  /** Records of one call for each partition. */
  readonly perPartition: number;
}

interface Side {
  readonly name: string;
  prepare(topic: string): Promise<void>;
  append(topic: string, values: readonly Uint8Array[]): Promise<unknown>;
  /** The CPU-seconds it took to be handed so many records. */
  read(topic: string, records: number): Promise<number>;
  close(): Promise<void>;
}

interface Round {
  readonly appended: number;
  readonly read: number;
  readonly brokerMs: number;
  readonly latencies: readonly number[];
}

/** Of this process, user and system. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function logSide(name: string, log: Log): Promise<Side> {
  const records = (topic: string, values: readonly Uint8Array[]): OutgoingRecord[] =>
    PARTITIONS.flatMap((partition) => values.map((value) => ({ topic, partition, key: null, value })));
  return {
    name,
    prepare: (topic) =>
      log.ensureTopics([{ name: topic, partitions: PARTITIONS.length, compacted: false, retentionMs: 3_600_000 }]),
    append: (topic, values) => log.append(records(topic, values)),
    async read(topic, wanted) {
      const from = PARTITIONS.map((partition) => ({ topic, partition, offset: 'earliest' as const }));
      const reader = await log.openReader({ group: topic, from });
      const before = cpuSeconds();
      for (let read = 0; read < wanted; ) {
        for (const { records: some } of await reader.fetch({ maxBytes: 1 << 20, maxWaitMs: 1000 })) read += some.length;
      }
      const spent = cpuSeconds() - before;
      await reader.close();
      return spent;
    },
    close: () => log.close(),
  };
}

async function kafkaSide(name: string, brokers: readonly string[], compression: KafkaLogOptions['compression']) {
  const parts = { clock: systemClock, random: systemRandom, logger: silentLogger, metrics: kafkaMetrics() };
  return logSide(name, await openKafkaLog({ ...parts, options: { brokers, compression } }));
}

async function bareSide(brokers: readonly string[]): Promise<Side> {
  const kafka = new Kafka({ clientId: 'bare', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer: Producer = kafka.producer({ idempotent: true });
  await Promise.all([admin.connect(), producer.connect()]);
  return {
    name: 'kafkajs by itself',
    async prepare(topic) {
      await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS.length }], waitForLeaders: true });
    },
    append: (topic, values) =>
      producer.send({
        topic,
        messages: PARTITIONS.flatMap((partition) => values.map((value) => ({ partition, value: value as Buffer }))),
      }),
    async read(topic, wanted) {
      const consumer: Consumer = kafka.consumer({ groupId: topic, maxBytes: 4 << 20 });
      const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      let read = 0;
      const all = Promise.withResolvers<void>();
      await consumer.run({
        partitionsConsumedConcurrently: PARTITIONS.length,
        eachBatch: async ({ batch }) => {
          read += batch.messages.length;
          if (read >= wanted) all.resolve();
        },
      });
      await joined;
      const before = cpuSeconds();
      await all.promise;
      const spent = cpuSeconds() - before;
      await consumer.disconnect();
      return spent;
    },
    async close() {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    },
  };
}

async function round(side: Side, load: Load, topic: string, broker: number): Promise<Round> {
  await side.prepare(topic);
  const calls = callsOf(load);
  const brokerBefore = await ticksMs(broker);
  const before = cpuSeconds();
  let next = 0;
  const writer = async () => {
    while (next < calls) await side.append(topic, valuesOf(load, next++));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, writer));
  const appended = cpuSeconds() - before;
  const read = await side.read(topic, calls * load.perPartition * PARTITIONS.length);
  const brokerMs = (await ticksMs(broker)) - brokerBefore;
  const latencies: number[] = [];
  const paced = Array.from({ length: PACED.calls }, async (_, i) => {
    await systemClock.sleep(i * PACED.everyMs);
    const began = performance.now();
    await side.append(topic, valuesOf(load, i));
    latencies.push(performance.now() - began);
  });
  await Promise.all(paced);
  return { appended, read, brokerMs, latencies };
}

const sizeOf = ({ values }: Pick<Load, 'values'>) =>
  values.reduce((sum, { length }) => sum + length, 0) / values.length;

const callsOf = (load: Load) =>
  Math.max(1, Math.round(TOTAL_BYTES / (sizeOf(load) * load.perPartition * PARTITIONS.length)));

function valuesOf({ values, perPartition }: Load, call: number): Uint8Array[] {
  return Array.from({ length: perPartition }, (_, i) => values[(call + i) % values.length] as Uint8Array);
}

/** Of a process, from /proc: 10 ms each. */
async function ticksMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A fleet's rounds: 2,000 series, one sample of each. */
function batches(): Buffer[] {
  return Array.from({ length: 32 }, (_, at) => {
    const builder = new BatchBuilder('default');
    const timeMs = START_MS + at * 15_000;
    for (let i = 0; i < SERIES; i++) {
      const labels = {
        __name__: 'node_cpu_seconds_total',
        cpu: `${i % 16}`,
        instance: `node-${i >> 4}:9100`,
        job: 'node',
      };
      const pairs = Object.entries(labels).map(([name, value]) => ({ name, value }));
      builder.addLabels(pairs, timeMs, i * 1000 + at * (1 + (i % 7)) * 0.25, 'counter');
    }
    return Buffer.from(encodeSampleBatch(builder.build(timeMs)));
  });
}

/** Text as it comes, which compresses to a third or so. */
function plain(): Buffer[] {
  return Array.from({ length: 64 }, (_, at) => {
    const words = Array.from({ length: 64 }, (__, i) => `host-${(at * 31 + i * 17) % 997}=${(at + i) * 7919}`);
    return Buffer.from(words.join().padEnd(1000, '.').slice(0, 1000));
  });
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The median, and the range. */
function spread(values: readonly number[], digits = 0): string {
  const text = (value: number) =>
    value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return `${text(percentile(values, 0.5))} (${text(Math.min(...values))}–${text(Math.max(...values))})`;
}

function table(load: Load, rounds: ReadonlyMap<Side, readonly Round[]>): string {
  const records = callsOf(load) * load.perPartition * PARTITIONS.length;
  const bytes = (records * sizeOf(load)) / 1e9;
  const lines = [...rounds].map(([{ name }, each]) => {
    const latencies = each.flatMap((one) => one.latencies);
    return [
      name,
      spread(each.map(({ appended }) => records / appended)),
      spread(each.map(({ read }) => records / read)),
      spread(
        each.map(({ appended, read }) => (appended + read) / bytes),
        1,
      ),
      spread(
        each.map(({ brokerMs }) => brokerMs / 1000 / bytes),
        1,
      ),
      percentile(latencies, 0.5).toFixed(1),
      percentile(latencies, 0.99).toFixed(1),
    ];
  });
  const head = [
    `${load.name}, ${records.toLocaleString('en-US')} a round`,
    'appended per CPU-s',
    'read per CPU-s',
    'both, CPU-s per GB',
    "the broker's own",
    'append p50 ms',
    'p99 ms',
  ];
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const folder = await mkdtemp(join(tmpdir(), 'tidemark-kafka-bench-'));
const broker = await startKafka({ own: true, config: { 'log.segment.bytes': String(256 << 20) } });
const { bootstrap } = broker;
const embedded = await openEmbeddedLog({ disk: nodeDisk(folder), clock: systemClock, logger: silentLogger });
const sides = [
  await logSide('embedded log', embedded),
  await kafkaSide('Kafka', bootstrap, 'none'),
  await kafkaSide('Kafka, zstd', bootstrap, 'zstd'),
  await bareSide(bootstrap),
];
try {
  const samples = batches();
  const loads: Load[] = [
    {
      name: `batches of 2,000 samples, ${(sizeOf({ values: samples }) / 1000).toFixed(1)} kB`,
      values: samples,
      perPartition: 1,
    },
    { name: 'records of 1 kB', values: plain(), perPartition: 25 },
  ];
  for (const [l, load] of loads.entries()) {
    const rounds = new Map<Side, Round[]>(sides.map((side) => [side, []]));
    for (let r = 0; r <= ROUNDS; r++) {
      for (const [s, side] of sides.entries()) {
        const measured = await round(side, load, `bench.${l}.${r}.${s}`, broker.pid(0));
        if (r > 0) rounds.get(side)?.push(measured);
      }
    }
    process.stdout.write(`\n${table(load, rounds)}\n`);
  }
} finally {
  for (const side of sides) await side.close();
  await broker.stop();
  await rm(folder, { recursive: true });
}
