import { readdir } from 'node:fs/promises';
import { type Clock, nodeDisk } from '@tidemark/base';
import { BatchBuilder, labelsOf, labelValue, matcher } from '@tidemark/model';
import { type KillPoint, openFileObjectStore, openStorageEngine, type StorageEngine } from '@tidemark/storage-engine';
import { STORY_START_MS, storyPoints, storyTime } from '../oracle/kill-story.ts';

// The process that is killed. `child.ts run <folder> <until> [kill point] [nth time]` stores the story and dies at the point
// named, or whenever the parent likes; `child.ts dump <folder> <until>` prints what is there, one line a point.

const [, , mode, folder = '', until = '0', killPoint = '', nth = '1'] = process.argv;
const TP = { topic: 'tidemark.raw', partition: 0 };
let nowMs = STORY_START_MS;
let passes = 0;

const clock: Clock = {
  nowMs: () => nowMs,
  monotonicMs: () => performance.now(),
  sleep: () => Promise.resolve(),
  after: () => () => undefined,
};

const engine = await open();
if (mode === 'run') await run();
else await dump();

async function run(): Promise<void> {
  for (let offset = engine.position(TP); offset < Number(until); offset++) {
    nowMs = storyTime(offset);
    const builder = new BatchBuilder('default');
    for (const { series, atMs, value } of storyPoints(offset)) {
      builder.addLabels(labelsOf({ __name__: 'story', series: String(series) }), atMs, value);
    }
    engine.applySamples({ ...TP, offset, batch: builder.build(nowMs) });
    if (offset % 10 === 9) {
      const [position] = await engine.checkpoint();
      process.stdout.write(`durable ${position?.offset}\n`);
    }
    if (offset % 40 === 39) await engine.seal();
    if (offset % 40 === 19) await engine.compact();
  }
  await engine.close();
  process.stdout.write('done\n');
}

async function sweep(): Promise<void> {
  const sweeper = await open();
  await sweeper.compact();
  nowMs += 120_000;
  await sweeper.compact();
  await sweeper.close();
}

/** Replays the rest of the log, as the storer would, and prints. */
async function dump(): Promise<void> {
  await run();
  // What crashes left is nobody's when its lease is over.
  nowMs += 120_000;
  await sweep();
  const reader = await open();
  const { series, warnings } = await reader.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'story')],
    range: { startMs: 0, endMs: STORY_START_MS * 2 },
    limits: { seriesMax: 1000, samplesMax: 10_000_000 },
    signal: new AbortController().signal,
  });
  const lines = warnings.map((warning) => `warning ${warning}`);
  for (const { labels, timestampsMs, values } of series) {
    for (const [i, time] of timestampsMs.entries()) lines.push(`${labelValue(labels, 'series')} ${time} ${values[i]}`);
  }
  lines.push(`segments ${reader.stats().tiers.raw.segments}`);
  lines.push(`objects ${(await readdir(`${folder}/objects/segments/tidemark.raw/0/raw`)).length}`);
  process.stdout.write(`${lines.join('\n')}\n`);
  await reader.close();
}

async function open(): Promise<StorageEngine> {
  return openStorageEngine({
    disk: nodeDisk(folder),
    folder,
    objectStore: await openFileObjectStore(`${folder}/objects`),
    clock,
    installationKey: new Uint8Array(32).fill(3),
    options: {
      supplementAfterMs: 0,
      compactAfterMs: 0,
      objectLeaseMs: 60_000,
      orphanSearchMs: 60_000,
      at: (point: KillPoint) => {
        if (point === killPoint && ++passes === Number(nth)) process.kill(process.pid, 'SIGKILL');
      },
    },
  });
}
