import { BatchBuilder, encodeLabels, labelsOf, matcher, type SampleBatch } from '@tidemark/model';
import { expect, test } from 'vitest';
import { verifyStore } from '../src/index.ts';
import { START_MS, World } from './world.ts';

const A = encodeLabels(labelsOf({ __name__: 'a' }));

function batch(traces: readonly string[], firstMs = START_MS): SampleBatch {
  const builder = new BatchBuilder('t');
  const series = builder.seriesOf(A, 0, A.length);
  for (const [i, trace] of traces.entries()) {
    builder.add(series, firstMs + i, 1);
    builder.addExemplar(series, firstMs + i, 1, encodeLabels(labelsOf({ trace })));
  }
  return builder.build(START_MS);
}

const answer = (world: World) =>
  world.engine.exemplars({
    tenant: 't',
    selectors: [[matcher('=', '__name__', 'a')]],
    range: { startMs: 0, endMs: 8e15 },
    limit: 1000,
    signal: new AbortController().signal,
  });

async function traces(world: World): Promise<string[]> {
  const { series } = await answer(world);
  return series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels[0]?.value ?? ''));
}

const record = (offset: number, one: SampleBatch) => ({ topic: 'raw', partition: 0, offset, batch: one });

test('a checkpoint has them; what the log brings again after a crash adds nothing', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples(record(0, batch(['p', 'q'])));
  await world.engine.checkpoint();
  world.engine.applySamples(record(1, batch(['r'], START_MS + 10)));
  expect(await traces(world)).toEqual(['p', 'q', 'r']);
  world.crash(1);
  await world.open();
  expect(await traces(world)).toEqual(['p', 'q']);
  expect(world.engine.applySamples(record(0, batch(['p', 'q'])))).toBe(false);
  world.engine.applySamples(record(1, batch(['r'], START_MS + 10)));
  // By another offset, as a sender repeats what it heard no answer to.
  world.engine.applySamples(record(2, batch(['p', 'q', 'r'])));
  expect(await traces(world)).toEqual(['p', 'q', 'r']);
  await world.engine.close();
});

test('a file that is ahead of the checkpoints takes what comes again for what it is', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples(record(0, batch(['p', 'q'])));
  await world.engine.close();
  const ahead = await world.disk.read('exemplars');
  const fresh = new World();
  await fresh.disk.writeAtomic('exemplars', ahead);
  await fresh.open();
  fresh.engine.applySamples(record(0, batch(['p', 'q'])));
  expect(await traces(fresh)).toEqual(['p', 'q']);
  expect(fresh.metrics.expose()).toContain('tidemark_storage_exemplars_total{outcome="duplicate"} 2');
  await fresh.engine.close();
});

test('a damaged file is kept aside, said, and replaced from its copy; where both are, answers say what is lost', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples(record(0, batch(['p'])));
  await world.engine.close();
  const verdict = async () => {
    for await (const { file, verdict: said } of verifyStore({
      disk: world.disk,
      levelStores: world.levels,
      objectStore: world.objects,
      nowMs: world.clock.nowMs(),
    })) {
      if (file === 'exemplars') return said;
    }
    return 'not there';
  };
  expect(await verdict()).toBe('ok');
  const bytes = await world.disk.read('exemplars');
  bytes[20] = (bytes[20] as number) ^ 1;
  await world.disk.writeAtomic('exemplars', bytes);
  expect(await verdict()).toBe('damaged');
  await world.open();
  expect(await traces(world)).toEqual(['p']);
  expect(world.engine.position({ topic: 'raw', partition: 0 })).toBe(1);
  expect(world.metrics.expose()).toContain('tidemark_storage_quarantined_total{what="exemplars"} 1');
  await world.engine.close();
  expect(await world.disk.list('quarantine')).toEqual(['exemplars-exemplars']);
  expect(await verdict()).toBe('ok');
  for (const file of ['exemplars', 'exemplars-copy']) await world.disk.writeAtomic(file, bytes);
  await world.open();
  expect(world.metrics.expose()).toContain('tidemark_storage_quarantined_total{what="exemplars"} 2');
  expect(await answer(world)).toEqual({ series: [], warnings: [expect.stringContaining('are lost')] });
  await world.engine.close();
  await world.open();
  expect(world.metrics.expose()).not.toContain('tidemark_storage_quarantined_total{what="exemplars"} 1');
  await world.engine.close();
});

test('a disk that cannot write them now is asked again by the next checkpoint', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples(record(0, batch(['p'])));
  const { writeAtomic } = world.disk;
  world.disk.writeAtomic = async (path, content) => {
    if (path === 'exemplars') throw new Error('not now');
    return writeAtomic.call(world.disk, path, content);
  };
  await expect(world.engine.checkpoint()).rejects.toThrow('not now');
  world.disk.writeAtomic = writeAtomic;
  await world.engine.checkpoint();
  world.crash(1);
  await world.open();
  expect(await traces(world)).toEqual(['p']);
  await world.engine.close();
});
