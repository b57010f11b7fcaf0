import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// Two ways in which a checkpoint that failed, in a process that went on, once lost samples:
//
//   frozen in memory   the windows it froze were sealed by the next seal without what it had failed to write
//   unknown outcome    its file was renamed but the folder's sync failed; the next checkpoint rolled the windows back to the
//                      one before, and a crash then found the file whose generation was gone

const TP = { topic: 'tidemark.raw', partition: 0 };

function batch(from: number, to: number) {
  const builder = new BatchBuilder('default');
  for (let i = from; i < to; i++) builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 1000, i);
  return builder.build(START_MS);
}

async function stored(world: World): Promise<{ count: number; warnings: readonly string[] }> {
  const { series, warnings } = await world.engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'up')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 10, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  return { count: series.reduce((sum, { values }) => sum + values.length, 0), warnings };
}

test('a window whose freezing failed is sealed whole', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: batch(0, 300) });
  await world.engine.checkpoint();
  world.engine.applySamples({ ...TP, offset: 1, batch: batch(300, 600) });
  await world.clock.advance(6 * 3_600_000);
  world.levels.writeFailures = 1;
  expect((await world.engine.seal()).failures.length).toBe(1);
  expect((await world.engine.seal()).windows.map(({ samples }) => samples)).toEqual([600]);
  expect(await stored(world)).toEqual({ count: 600, warnings: [] });
});

test('a checkpoint of unknown outcome takes nothing with it', async () => {
  const world = new World();
  let killed = false;
  world.options = {
    at: (point) => {
      if (killed && point === 'checkpoint:windows') throw new Error('killed');
    },
  };
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: batch(0, 300) });
  await world.engine.checkpoint();
  world.engine.applySamples({ ...TP, offset: 1, batch: batch(300, 600) });
  world.disk.failNext('syncFolder');
  await expect(world.engine.checkpoint()).rejects.toThrow();
  killed = true;
  await expect(world.engine.checkpoint()).rejects.toThrow('killed');
  world.crash(1, 'written');
  killed = false;
  await world.open();
  expect(world.engine.position(TP)).toBe(1);
  world.engine.applySamples({ ...TP, offset: 1, batch: batch(300, 600) });
  expect(await stored(world)).toEqual({ count: 600, warnings: [] });
});

test('checkpoints that fail on a full disk leave nothing half written, and the next one succeeds', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: batch(0, 300) });
  await world.engine.checkpoint();
  const { capacityBytes } = world.disk;
  world.engine.applySamples({ ...TP, offset: 1, batch: batch(300, 600) });
  for (let attempt = 0; attempt < 3; attempt++) {
    world.disk.capacityBytes = world.disk.usedBytes + 100;
    await expect(world.engine.checkpoint()).rejects.toThrow('full');
    const left = await world.disk.list('shards/tidemark.raw/0');
    expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  }
  world.disk.capacityBytes = capacityBytes;
  await world.engine.checkpoint();
  world.crash(1);
  await world.open();
  expect(await stored(world)).toEqual({ count: 600, warnings: [] });
});
