import { createInterface } from 'node:readline';
import { nodeDisk, systemClock } from '@tidemark/base';
import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { openFileObjectStore, openStorageEngine } from '@tidemark/storage-engine';

// The process whose limits are tightened: `child.ts <folder>` opens a store there and does what it is told, a line each, and answers with
// one: `append <offset>` (300 samples), `checkpoint`, `count`, `idle` (windows are closed by then).

const TP = { topic: 'tidemark.raw', partition: 0 };
const START_MS = Math.floor(Date.parse('2026-11-22T12:00:00Z') / 7_200_000) * 7_200_000;
const [, , folder = ''] = process.argv;

const engine = await openStorageEngine({
  disk: nodeDisk(folder),
  folder,
  objectStore: await openFileObjectStore(`${folder}/objects`),
  clock: { ...systemClock, nowMs: () => START_MS + 3_600_000, after: systemClock.after.bind(systemClock) },
  installationKey: new Uint8Array(32).fill(7),
  options: { closeWindowsAfterMs: 100 },
});

for await (const line of createInterface({ input: process.stdin })) {
  const [what, value] = line.split(' ');
  try {
    process.stdout.write(`${await answer(what as string, Number(value))}\n`);
  } catch (error) {
    process.stdout.write(`refused ${(error as { code?: string }).code}: ${String(error).split('\n')[0]}\n`);
  }
}
await engine.close();

async function answer(what: string, offset: number): Promise<string> {
  if (what === 'checkpoint') return JSON.stringify(await engine.checkpoint());
  if (what === 'idle') return new Promise((resolve) => setTimeout(() => resolve('idle'), 400));
  if (what === 'append') {
    const builder = new BatchBuilder('default');
    for (let i = offset * 300; i < offset * 300 + 300; i++) {
      // Of many digits: a few bytes each in the window.
      builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 1000, Math.sin(i) * 1e9);
    }
    return String(engine.applySamples({ ...TP, offset, batch: builder.build(START_MS) }));
  }
  const { series, warnings } = await engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'up')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 10, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  return `${series.reduce((sum, { values }) => sum + values.length, 0)} ${JSON.stringify(warnings)}`;
}
