import { BatchBuilder, labelsOf, type MetricMetadata, type SampleBatch } from '@tidemark/model';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

const said = (metric: string, help: string): MetricMetadata => ({ metric, type: 'counter', unit: 's', help });

function batch(metadata: readonly MetricMetadata[]): SampleBatch {
  const builder = new BatchBuilder('t');
  builder.addLabels(labelsOf({ __name__: 'a_total' }), START_MS, 1);
  return { ...builder.build(START_MS), metadata };
}

const known = (world: World) => [...world.engine.metadata({ tenant: 't' })].map(({ metric }) => metric).sort();

test('what a checkpoint has is there after a crash; the log brings the rest again', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples({ topic: 'raw', partition: 0, offset: 0, batch: batch([said('a', 'A.')]) });
  await world.engine.checkpoint();
  const second = { topic: 'raw', partition: 0, offset: 1, batch: batch([said('b', 'B.')]) };
  world.engine.applySamples(second);
  expect(known(world)).toEqual(['a', 'b']);
  world.crash(1);
  await world.open();
  expect(known(world)).toEqual(['a']);
  expect(world.engine.position(second)).toBe(1);
  world.engine.applySamples(second);
  expect([...world.engine.metadata({ tenant: 't', metrics: ['b', 'c', 'b'] })]).toMatchObject([
    { metric: 'b', entries: [{ type: 'counter', unit: 's', help: 'B.' }] },
  ]);
  await world.engine.close();
});

test('a damaged file is kept aside, and its copy is taken; where both are, everything else goes on', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples({ topic: 'raw', partition: 0, offset: 0, batch: batch([said('a', 'A.')]) });
  await world.engine.close();
  const bytes = await world.disk.read('metadata');
  bytes[12] = (bytes[12] as number) ^ 1;
  await world.disk.writeAtomic('metadata', bytes);
  await world.open();
  expect(known(world)).toEqual(['a']);
  await world.engine.close();
  expect(await world.disk.list('quarantine')).toEqual(['metadata-metadata']);
  for (const file of ['metadata', 'metadata-copy']) await world.disk.writeAtomic(file, bytes);
  await world.open();
  expect(known(world)).toEqual([]);
  expect(world.engine.position({ topic: 'raw', partition: 0 })).toBe(1);
  await world.engine.close();
});

test('what nobody repeats stays as long as the options say', async () => {
  const world = new World();
  world.options = { metadataRetentionMs: 3_600_000 };
  await world.open();
  world.engine.applySamples({ topic: 'raw', partition: 0, offset: 0, batch: batch([said('a', 'A.')]) });
  await world.clock.advance(3_600_000);
  await world.engine.checkpoint();
  expect(known(world)).toEqual(['a']);
  await world.clock.advance(1);
  await world.engine.checkpoint();
  expect(known(world)).toEqual([]);
  await world.engine.close();
});
