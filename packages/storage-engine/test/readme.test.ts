import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, systemClock } from '@tidemark/base';
import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { openFileObjectStore, openJournaledEngine } from '../src/index.ts';

// The README's example, run: its text is the body of `example` below, but for indentation and where its comments stand.

const installationKey = new Uint8Array(32).fill(7);
const nowMs = systemClock.nowMs();

async function example(folder: string): Promise<void> {
  // README
  const engine = await openJournaledEngine({
    disk: nodeDisk(folder),
    objectStore: await openFileObjectStore(`${folder}/objects`),
    clock: systemClock,
    installationKey,
  });

  const batch = new BatchBuilder('default');
  batch.addLabels(labelsOf({ __name__: 'up', job: 'door' }), nowMs, 1);
  await engine.append(batch.build(nowMs)); // on disk, and in every answer from now on

  if (engine.checkpointDue()) await engine.checkpoint(); // after every few appends: the journal lets go what two of them have
  await engine.seal(); // every minute or so
  await engine.compact();
  await engine.close();
  // README ends
}

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '');

test('the journaled example is what runs here', () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const said = /```ts journaled\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const runs =
    /\/\/ README\n([\s\S]*?)\n *\/\/ README ends/.exec(readFileSync(import.meta.filename, 'utf8'))?.[1] ?? '';
  expect(lines(said)).toEqual(lines(runs));
});

test('what it appended is there when the folder is opened again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-readme-'));
  try {
    await example(folder);
    const engine = await openJournaledEngine({
      disk: nodeDisk(folder),
      objectStore: await openFileObjectStore(`${folder}/objects`),
      clock: systemClock,
      installationKey,
    });
    const { series, warnings } = await engine.source().select({
      tenant: 'default',
      matchers: [matcher('=', 'job', 'door')],
      range: { startMs: 0, endMs: nowMs * 2 },
      limits: { seriesMax: 10, samplesMax: 10 },
      signal: new AbortController().signal,
    });
    expect([series.flatMap(({ values }) => [...values]), warnings]).toEqual([[1], []]);
    await engine.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
