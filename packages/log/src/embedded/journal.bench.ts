import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, silentLogger, systemClock } from '@tidemark/base';
import type { OutgoingRecord } from '../log.ts';
import type { EmbeddedLog } from './embedded-log.ts';
import { openEmbeddedLog } from './open.ts';

// How fast the journal takes, hands out and replays.
//
//   node -C source packages/log/src/embedded/journal.bench.ts [megabytes] [folder]
//
// On paper: a byte is checksummed once (CRC-32C, some 5 GB/s a core) and written once from where it is, so about 0.2 CPU-s
// per GB plus the system's copy; the disk syncs 170 to 400 MB/s in megabytes at a time.

const [megabytes = '400', base = tmpdir()] = process.argv.slice(2);
const TOTAL_BYTES = Number(megabytes) * 1024 * 1024;
const TOPIC = { name: 'bench.raw', partitions: 4, compacted: false, retentionMs: 0 };

const print = (line: string) => process.stdout.write(`${line}\n`);

async function withLog(work: (log: EmbeddedLog, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(base, 'tidemark-bench-'));
  try {
    const log = await openEmbeddedLog({ disk: nodeDisk(folder), clock: systemClock, logger: silentLogger });
    await log.ensureTopics([TOPIC]);
    await work(log, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function cost(work: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - startMs) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function line(what: string, bytes: number, { seconds, cpuSeconds }: Cost, more = ''): void {
  const rate = (bytes / 1e6 / seconds).toFixed(0).padStart(5);
  print(`${what.padEnd(44)} ${rate} MB/s  ${(cpuSeconds / (bytes / 1e9)).toFixed(2)} CPU-s/GB  ${more}`);
}

/** One for each partition. */
function recordsOf(recordBytes: number): OutgoingRecord[] {
  return Array.from({ length: 4 }, (_, partition) => {
    const value = new Uint8Array(recordBytes).map((_, i) => (i * 31 + partition) & 0xff);
    return { topic: TOPIC.name, partition, key: null, value };
  });
}

/** `tasks` at once, each one transaction after another of four records and a position. */
async function commitAll(log: EmbeddedLog, recordBytes: number, tasks: number, total: number): Promise<number> {
  const records = recordsOf(recordBytes);
  let left = Math.ceil(total / (4 * recordBytes));
  const transactions = left;
  const task = async (_: unknown, i: number) => {
    const producer = await log.openProducer({ transactionalId: `task ${i}` });
    while (left-- > 0) {
      const transaction = await producer.begin();
      await transaction.append(records);
      await transaction.sendOffsets(`task ${i}`, [{ topic: TOPIC.name, partition: 0, offset: 0 }]);
      await transaction.commit();
    }
  };
  await Promise.all(Array.from({ length: tasks }, task));
  return transactions;
}

/** `writers` at once, each a request of four records. */
async function appendAll(log: EmbeddedLog, recordBytes: number, writers: number, total: number): Promise<number> {
  const records = recordsOf(recordBytes);
  let left = Math.ceil(total / (4 * recordBytes));
  const appends = left;
  const writer = async () => {
    while (left-- > 0) await log.append(records);
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return appends;
}

async function readAll(log: EmbeddedLog): Promise<number> {
  const from = [0, 1, 2, 3].map((partition) => ({ topic: TOPIC.name, partition, offset: 'earliest' as const }));
  const reader = await log.openReader({ group: 'bench', from });
  let bytes = 0;
  for (;;) {
    const fetched = await reader.fetch({ maxBytes: 1 << 20, maxWaitMs: 0 });
    if (fetched.length === 0) break;
    for (const { records } of fetched) for (const { value } of records) bytes += value?.length ?? 0;
  }
  await reader.close();
  return bytes;
}

for (const [recordBytes, writers] of [
  [10_000, 1],
  [10_000, 32],
  [100_000, 16],
  [250_000, 16],
] as const) {
  await withLog(async (log) => {
    const total = writers === 1 ? TOTAL_BYTES / 20 : TOTAL_BYTES;
    let appends = 0;
    const spent = await cost(async () => {
      appends = await appendAll(log, recordBytes, writers, total);
    });
    const perSecond = `${(appends / spent.seconds).toFixed(0)} appends/s`;
    line(`append, 4 x ${recordBytes / 1000} kB, ${writers} at once, synced`, total, spent, perSecond);
    await log.close();
  });
}

await withLog(async (log) => {
  let appends = 0;
  const spent = await cost(async () => {
    appends = await appendAll(log, 25, 64, 4_000_000);
  });
  line('append, 4 x 25 B, 64 at once, synced', 4_000_000, spent, `${(appends / spent.seconds).toFixed(0)} appends/s`);
  await log.close();
});

await withLog(async (log) => {
  let transactions = 0;
  const spent = await cost(async () => {
    transactions = await commitAll(log, 10_000, 32, TOTAL_BYTES);
  });
  const perSecond = `${(transactions / spent.seconds).toFixed(0)} transactions/s`;
  line('transactions, 4 x 10 kB, 32 at once', TOTAL_BYTES, spent, perSecond);
  await log.close();
});

await withLog(async (log, folder) => {
  await appendAll(log, 10_000, 32, TOTAL_BYTES);
  await log.close();
  let reopened: EmbeddedLog | undefined;
  const opening = await cost(async () => {
    reopened = await openEmbeddedLog({ disk: nodeDisk(folder), clock: systemClock, logger: silentLogger });
  });
  line('open and replay', TOTAL_BYTES, opening, `${(opening.seconds * 1000).toFixed(0)} ms`);
  let read = 0;
  const reading = await cost(async () => {
    read = await readAll(reopened as EmbeddedLog);
  });
  line('read back from disk, 4 partitions, 10 kB', read, reading);
  await reopened?.close();
});
