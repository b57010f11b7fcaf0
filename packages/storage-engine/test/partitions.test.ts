import { BatchBuilder, labelsOf, labelValue, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// A reader may ask for some partitions of what a store has: several stores then answer a query together, each its part.

const { signal } = new AbortController();
const RANGE = { startMs: START_MS - 3_600_000, endMs: START_MS + 6 * 3_600_000 };

function batch(metric: string) {
  const builder = new BatchBuilder('t');
  for (let i = 0; i < 20; i++) {
    builder.addLabels(labelsOf({ __name__: metric, i: String(i), [metric]: 'yes' }), START_MS + i * 1000, i);
  }
  return builder.build(START_MS);
}

async function ask(world: World, partitions: readonly number[] | undefined) {
  const request = {
    tenant: 't',
    matchers: [matcher('=~', '__name__', '.+')],
    range: RANGE,
    signal,
    ...(partitions && { partitions }),
  };
  const { engine } = world;
  const source = engine.source();
  const selected = await source.select({ ...request, limits: { seriesMax: 1000, samplesMax: 1000 } });
  const listed = { ...request, limit: 1000 };
  const { series } = await source.series(listed);
  const { series: names } = await source.labelNames({ ...listed, matchers: [] });
  const { series: values } = await source.labelValues({ ...listed, matchers: [], name: '__name__' });
  const counted = await engine.cardinality({ tenant: 't', limit: 10, signal, ...(partitions && { partitions }) });
  return {
    selected: [...new Set(selected.series.map(({ labels }) => labelValue(labels, '__name__')))].sort(),
    series: [...new Set(series.map((labels) => labelValue(labels, '__name__')))],
    names,
    values,
    counted: counted.series,
  };
}

test.each([
  ['in memory', false],
  ['sealed', true],
])('only partitions that are asked for answer: %s', async (_, sealed) => {
  const world = new World();
  await world.open();
  for (const [partition, metric] of ['a', 'b', 'c'].entries()) {
    world.engine.applySamples({ topic: 'raw', partition, offset: 0, batch: batch(metric) });
  }
  if (sealed) {
    await world.clock.advance(5 * 3_600_000);
    expect((await world.engine.seal()).windows).toHaveLength(3);
  }
  const found = await ask(world, [0, 2]);
  expect(found).toEqual({
    selected: ['a', 'c'],
    series: ['a', 'c'],
    names: ['__name__', 'a', 'c', 'i'],
    values: ['a', 'c'],
    counted: 40,
  });
  expect(await ask(world, [])).toEqual({ selected: [], series: [], names: [], values: [], counted: 0 });
  expect((await ask(world, undefined)).selected).toEqual(['a', 'b', 'c']);
  await world.engine.close();
});
