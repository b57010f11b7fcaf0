import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, SelfMetrics, systemClock } from '@tidemark/base';
import { BatchBuilder, labelsOf, type SampleBatch } from '@tidemark/model';
import { openFileObjectStore } from '../object-store/file.ts';
import { openJournaledEngine } from './journaled-engine.ts';

// What a journal costs an embedder, on the disk where the folder lies: appends one after another, and many at once.
//
//   node -C source packages/storage-engine/src/journal/journal.bench.ts [samples] [folder]
//
// On paper: a batch is encoded once (some 0.1 CPU-s per million samples where labels repeat), checksummed twice at 1 to 5 GB/s, copied by
// the system; the rest is the engine's own append. One at a time, each waits for its sync.

const samplesMax = Number(process.argv[2] ?? 500_000);
const print = (line: string) => process.stdout.write(`${line}\n`);
const root = await mkdtemp(join(process.argv[3] ?? tmpdir(), 'tidemark-journal-bench-'));

function batchOf(series: number, atMs: number): SampleBatch {
  const builder = new BatchBuilder('default');
  for (let i = 0; i < series; i++)
    builder.addLabels(
      labelsOf({ __name__: 'bench', instance: `host-${i % 100}`, cpu: String(i) }),
      atMs,
      i + (atMs % 97),
    );
  return builder.build(atMs);
}

async function measure(series: number, atOnce: number): Promise<void> {
  const folder = await mkdtemp(join(root, 'run-'));
  const metrics = new SelfMetrics();
  const engine = await openJournaledEngine({
    disk: nodeDisk(folder),
    objectStore: await openFileObjectStore(`${folder}/objects`),
    clock: systemClock,
    installationKey: new Uint8Array(32),
    metrics,
  });
  const count = Math.min(5000, Math.ceil(samplesMax / series));
  const startedMs = systemClock.nowMs();
  const batches = Array.from({ length: count }, (_, i) => batchOf(series, startedMs + i * 1000));
  const tookMs: number[] = [];
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const batch = batches[next++] as SampleBatch;
      const beganMs = performance.now();
      await engine.append(batch);
      tookMs.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  tookMs.sort((a, b) => a - b);
  const page = metrics.expose();
  const number = (name: string) => Number(new RegExp(`^tidemark_storage_journal_${name} (.*)$`, 'm').exec(page)?.[1]);
  const samples = count * series;
  print(
    `${String(series).padStart(6)} samples a batch, ${String(atOnce).padStart(3)} at once: ` +
      `${Math.round(count / seconds)} batches/s, median ${(tookMs[count >> 1] as number).toFixed(1)} ms, ` +
      `${(count / number('write_seconds_count')).toFixed(1)} a sync, ${(number('bytes_total') / samples).toFixed(1)} B a sample, ` +
      `${((user + system) / samples).toFixed(2)} CPU-s per million samples`,
  );
  await engine.close();
}

try {
  // Warm.
  await measure(1000, 1);
  for (const [series, atOnce] of [
    [1, 1],
    [1, 64],
    [1000, 1],
    [1000, 16],
    [20_000, 4],
  ] as const)
    await measure(series, atOnce);
} finally {
  await rm(root, { recursive: true, force: true });
}
