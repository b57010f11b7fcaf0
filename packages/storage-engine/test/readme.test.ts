import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, SelfMetrics, systemClock } from '@tidemark/base';
import { BatchBuilder, labelsOf, matcher, type SampleBatch } from '@tidemark/model';
import { expect, test } from 'vitest';
import {
  type EnginePosition,
  openFileObjectStore,
  openJournaledEngine,
  openStorageEngine,
  type StorageEngine,
} from '../src/index.ts';

// The README's examples, run: their texts are the bodies of `logged` and `journaled` below, but for indentation and where comments stand.

const installationKey = new Uint8Array(32).fill(7);
const nowMs = systemClock.nowMs();
const range = { startMs: 0, endMs: nowMs * 2 };
const limits = { seriesMax: 10, samplesMax: 1000 };
const { signal } = new AbortController();

/** Ten records of a series, a second apart; and what was committed of them. */
class Log {
  committed: readonly EnginePosition[] = [];
  readonly asked: number[] = [];

  *from(position: number): Iterable<{ offset: number; batch: SampleBatch }> {
    this.asked.push(position);
    for (let offset = position; offset < 10; offset++) {
      const batch = new BatchBuilder('default');
      batch.addLabels(labelsOf({ __name__: 'up', job: 'door' }), nowMs - 10_000 + offset * 1000, offset);
      yield { offset, batch: batch.build(nowMs) };
    }
  }

  commit(positions: readonly EnginePosition[]): void {
    this.committed = positions;
  }
}

async function logged(folder: string, log: Log): Promise<{ engine: StorageEngine; values: number[] }> {
  const metrics = new SelfMetrics();
  // README: logged
  const engine = await openStorageEngine({
    disk: nodeDisk(folder),
    folder,
    objectStore: await openFileObjectStore(`${folder}/objects`),
    clock: systemClock,
    installationKey,
    metrics,
  });

  const tp = { topic: 'tidemark.raw', partition: 0 };
  for (const { offset, batch } of log.from(engine.position(tp))) {
    engine.applySamples({ ...tp, offset, batch }); // visible at once
    if (engine.checkpointDue()) log.commit(await engine.checkpoint()); // what the log may let go
  }

  const matchers = [matcher('=', 'job', 'door')];
  const { series, warnings } = await engine.source().select({ tenant: 'default', matchers, range, limits, signal });
  // README ends
  expect(warnings).toEqual([]);
  return { engine, values: series.flatMap(({ values }) => [...values]) };
}

async function journaled(folder: string): Promise<void> {
  // README: journaled
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

test.each(['logged', 'journaled'])('the %s example is what runs here', (name) => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const said = new RegExp(`\`\`\`ts ${name}\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1] ?? '';
  const here = readFileSync(import.meta.filename, 'utf8');
  const runs = new RegExp(`// README: ${name}\\n([\\s\\S]*?)\\n *// README ends`).exec(here)?.[1] ?? '';
  expect(lines(said)).toEqual(lines(runs));
  expect(lines(said).length).toBeGreaterThan(9);
});

/** A folder of its own for some work. */
async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-readme-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('what a log brought is answered at once, and a next process goes on where two checkpoints were', () =>
  inFolder(async (folder) => {
    const log = new Log();
    const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const first = await logged(folder, log);
    expect(first.values).toEqual(all);
    for (let i = 0; i < 2; i++) log.commit(await first.engine.checkpoint());
    expect(log.committed).toEqual([{ topic: 'tidemark.raw', partition: 0, offset: 10 }]);
    await first.engine.close();
    const next = await logged(folder, log);
    expect(next.values).toEqual(all);
    expect(log.asked).toEqual([0, 10]);
    await next.engine.close();
  }));

test('what a journal took is there when the folder is opened again', () =>
  inFolder(async (folder) => {
    await journaled(folder);
    const engine = await openJournaledEngine({
      disk: nodeDisk(folder),
      objectStore: await openFileObjectStore(`${folder}/objects`),
      clock: systemClock,
      installationKey,
    });
    const matchers = [matcher('=', 'job', 'door')];
    const { series, warnings } = await engine.source().select({ tenant: 'default', matchers, range, limits, signal });
    expect([series.flatMap(({ values }) => [...values]), warnings]).toEqual([[1], []]);
    await engine.close();
  }));
