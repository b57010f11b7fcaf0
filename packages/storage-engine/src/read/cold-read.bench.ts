import { SelfMetrics, SimClock, silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { startS3 } from '@tidemark/testkit/real';
import { openStorageEngine } from '../database.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { makeS3Metrics } from '../object-store/s3/metrics.ts';
import { openS3ObjectStore } from '../object-store/s3/open.ts';
import { MemoryLevelStores } from '../partition/memory-level-store.ts';

// A first look at what lies in a bucket, nothing of it in any cache: sealed windows of a real S3 server on this machine, each range
// later by what a network takes.
//
//   node -C source packages/storage-engine/src/read/cold-read.bench.ts [series] [windows] [latency ms]
//
// On paper: an index is two requests a segment (its end, then itself), eight segments at a time; blocks of 64 KiB come sixteen a
// request where they lie side by side, and a request is 1.5 CPU-ms and the latency.

const [series = 2000, windows = 12, latencyMs = 20] = process.argv.slice(2).map(Number);
const METRICS = 4;
const SAMPLES_A_WINDOW = 240;
const WINDOW_MS = 7_200_000;
const START_MS = Math.ceil(1_700_000_000_000 / WINDOW_MS) * WINDOW_MS;
const print = (line: string) => process.stdout.write(`${line}\n`);

await using s3 = await startS3();
const { bucket, endpoint, region, accessKeyId, secretAccessKey, prefix } = s3;
const inBucket = await openS3ObjectStore({
  location: { bucket, prefix, endpoint, region, pathStyle: true, credentials: { accessKeyId, secretAccessKey } },
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  metrics: makeS3Metrics(new SelfMetrics()),
});
let requests = 0;
let bytes = 0;
const store: ObjectStore = {
  putIfAbsent: (name, content) => inBucket.putIfAbsent(name, content),
  putIfMatches: (name, content, etag) => inBucket.putIfMatches(name, content, etag),
  get: (name) => inBucket.get(name),
  async getRange(name, start, length) {
    requests++;
    bytes += length;
    await systemClock.sleep(latencyMs);
    return inBucket.getRange(name, start, length);
  },
  head: (name) => inBucket.head(name),
  list: (below) => inBucket.list(below),
  delete: (name) => inBucket.delete(name),
  deleteAll: (names) => inBucket.deleteAll(names),
  removeUnfinished: () => inBucket.removeUnfinished(),
};

const clock = new SimClock(START_MS);
const open = () =>
  openStorageEngine({
    disk: new SimDisk(),
    levelStores: new MemoryLevelStores(),
    objectStore: store,
    clock,
    installationKey: new Uint8Array(32),
  });

const writer = await open();
const STEP_MS = WINDOW_MS / SAMPLES_A_WINDOW;
for (let i = 0, offset = 0; i < windows * SAMPLES_A_WINDOW; i++, offset++) {
  const builder = new BatchBuilder('default');
  for (let s = 0; s < series; s++) {
    const labels = labelsOf({ __name__: `metric_${s % METRICS}`, instance: `host-${s}` });
    builder.addLabels(labels, START_MS + i * STEP_MS, gaugeAt(s, i));
  }
  writer.applySamples({ topic: 'tidemark.raw', partition: 0, offset, batch: builder.build(clock.nowMs()) });
  await clock.advance(STEP_MS);
  if (writer.checkpointDue()) await writer.checkpoint();
}
await clock.advance(WINDOW_MS);
const { failures } = await writer.seal();
if (failures.length > 0) throw new Error(failures.join('; '));
await writer.close();

for (const [what, matchers] of [
  ['one series', [matcher('=', '__name__', 'metric_1'), matcher('=', 'instance', 'host-1')]],
  ['one metric of four', [matcher('=', '__name__', 'metric_1')]],
] as const) {
  const engine = await open();
  requests = 0;
  bytes = 0;
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  let samples = 0;
  const { warnings } = await engine.source().select({
    tenant: 'default',
    matchers,
    range: { startMs: START_MS, endMs: START_MS + windows * WINDOW_MS },
    limits: { seriesMax: 1e6, samplesMax: 1e9 },
    signal: new AbortController().signal,
    each: ({ values }) => {
      samples += values.length;
      return undefined;
    },
  });
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await engine.close();
  if (warnings.length > 0) throw new Error(warnings.join('; '));
  print(
    `${what.padEnd(20)} ${samples} samples of ${windows} windows: ${requests} requests, ${(bytes / 1024).toFixed(0)} KiB, ` +
      `${seconds.toFixed(2)} s, ${((user + system) / 1e6).toFixed(2)} CPU-s`,
  );
}
inBucket.close();

/** Two decimals, and nothing that one could tell the next by: a byte and a half a sample. */
function gaugeAt(s: number, i: number): number {
  return (((s + 1) * 7919 + i * i * 31 + (s ^ i) * 104_729) % 10_007) / 100;
}
