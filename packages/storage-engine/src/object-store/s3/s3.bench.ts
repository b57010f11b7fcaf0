import { SelfMetrics, silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { startS3 } from '@tidemark/testkit/real';
import type { ObjectStore } from '../object-store.ts';
import { makeS3Metrics } from './metrics.ts';
import { openS3ObjectStore } from './open.ts';

// What objects in a bucket cost this process, beside a real server on the same machine (or the one S3_ENDPOINT names).
//
//   node -C source packages/storage-engine/src/object-store/s3/s3.bench.ts [megabytes]
//
// On paper: a byte that goes out is checksummed twice, CRC-32C here (some 5 GB/s a core) and SHA-256 for its signature (about
// 0.5 GB/s without instructions for it, 1.5 with), and copied by the system: 2 to 4 CPU-s per GB. One that comes in: once, if whole.

const MIB = 1024 * 1024;
const totalBytes = Number(process.argv[2] ?? 256) * MIB;
const print = (line: string) => process.stdout.write(`${line}\n`);

interface Run {
  readonly what: string;
  readonly bytes: number;
  readonly count: number;
  readonly atOnce: number;
  readonly work: (index: number) => Promise<unknown>;
}

async function measure({ what, bytes, count, atOnce, work }: Run): Promise<void> {
  const tookMs: number[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      const startMs = performance.now();
      await work(index);
      tookMs.push(performance.now() - startMs);
    }
  };
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const cpuSeconds = (user + system) / 1e6;
  tookMs.sort((a, b) => a - b);
  const median = tookMs[tookMs.length >> 1] as number;
  const sum = count * bytes;
  print(
    `${what.padEnd(34)} ${String(count).padStart(5)} x ${(bytes / 1024).toFixed(0).padStart(6)} KiB, ${atOnce} at once: ` +
      `${(sum / 1e6 / seconds).toFixed(0).padStart(4)} MB/s, median ${median.toFixed(1)} ms, ` +
      `${((cpuSeconds / count) * 1000).toFixed(2)} CPU-ms each, ${((cpuSeconds / sum) * 1e9).toFixed(1)} CPU-s/GB`,
  );
}

const rssBefore = process.memoryUsage().rss;
const cpuBefore = process.cpuUsage();
const s3 = await startS3();
const cpuOfStart = process.cpuUsage(cpuBefore);
const { bucket, endpoint, region, accessKeyId, secretAccessKey, prefix } = s3;
const cpuOfLoad = process.cpuUsage();
const store: ObjectStore & { close(): void } = await openS3ObjectStore({
  location: { bucket, prefix, endpoint, region, pathStyle: true, credentials: { accessKeyId, secretAccessKey } },
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  metrics: makeS3Metrics(new SelfMetrics()),
});
await store.putIfAbsent('first', Buffer.from('first'));
const load = process.cpuUsage(cpuOfLoad);
print(
  `client loaded and a first object put: ${((load.user + load.system) / 1e6).toFixed(2)} CPU-s, ` +
    `${((process.memoryUsage().rss - rssBefore) / MIB).toFixed(0)} MiB (starting the server ${((cpuOfStart.user + cpuOfStart.system) / 1e6).toFixed(2)})`,
);
try {
  const content = systemRandom.bytes(32 * MIB);
  for (const [what, bytes, atOnce] of [
    ['put', 4096, 4],
    ['put', 64 * 1024, 4],
    ['put', MIB, 4],
    ['put in parts of 8 MiB', 32 * MIB, 1],
  ] as const) {
    const count = Math.max(2, Math.min(1000, Math.ceil(totalBytes / bytes)));
    const body = content.subarray(0, bytes);
    await measure({ what, bytes, count, atOnce, work: (i) => store.putIfAbsent(`${bytes}/${i}`, body) });
    await measure({ what: 'get whole', bytes, count, atOnce, work: (i) => store.get(`${bytes}/${i}`) });
  }
  const RANGE = 64 * 1024;
  const count = Math.min(2000, Math.ceil(totalBytes / RANGE));
  const name = `${32 * MIB}/0`;
  for (const atOnce of [1, 8]) {
    const work = (i: number) => store.getRange(name, (i % 500) * RANGE, RANGE);
    await measure({ what: 'get a range', bytes: RANGE, count, atOnce, work });
  }
} finally {
  store.close();
  await s3.stop();
}
