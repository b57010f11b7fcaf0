import { seededRandom } from '@tidemark/base';
import { BatchBuilder, compareUtf8, type Label, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// Counts over shards, tenants and tiers against counting plain lists of labels.

const SEED = Number(process.env['SEED'] ?? 3);
const signal = new AbortController().signal;

function counted(series: readonly (readonly Label[])[], limit: number) {
  const metrics = new Map<string, number>();
  const pairs = new Map<string, number>();
  const values = new Map<string, Set<string>>();
  const bytes = new Map<string, number>();
  const add = (map: Map<string, number>, key: string, n: number) => map.set(key, (map.get(key) ?? 0) + n);
  for (const labels of series) {
    for (const { name, value } of labels) {
      if (name === '__name__') add(metrics, value, 1);
      add(pairs, `${name}=${value}`, 1);
      add(bytes, name, new TextEncoder().encode(value).length);
      values.set(name, (values.get(name) ?? new Set()).add(value));
    }
  }
  const top = (map: Map<string, number>) =>
    [...map]
      .map(([name, value]) => ({ name, value }))
      .sort((a, b) => b.value - a.value || compareUtf8(a.name, b.name))
      .slice(0, limit);
  return {
    series: series.length,
    labelPairs: pairs.size,
    seriesByMetric: top(metrics),
    valuesByLabel: top(new Map([...values].map(([name, set]) => [name, set.size]))),
    bytesByLabel: top(bytes),
    seriesByPair: top(pairs),
  };
}

test(`counts agree with a recount (SEED=${SEED} npx vitest run packages/storage-engine/test/cardinality.test.ts)`, async () => {
  const random = seededRandom(SEED);
  const world = new World(random);
  const engine = await world.open();
  const all = new Map<string, Map<string, readonly Label[]>>();
  for (let i = 0; i < 400; i++) {
    const tenant = ['a', 'b'][random.below(2)] as string;
    const partition = random.below(3);
    // A metric lives in one partition.
    const labels = labelsOf({
      __name__: `m${partition}_${random.below(4)}`,
      zone: `zöne-${random.below(5)}`,
      ...(random.below(2) === 0 ? { id: String(random.below(1000)) } : {}),
    });
    const builder = new BatchBuilder(tenant);
    builder.addLabels(labels, START_MS + i * 1000, i);
    engine.applySamples({ topic: 'raw', partition, offset: i, batch: builder.build(START_MS) });
    const own = all.get(tenant) ?? new Map<string, readonly Label[]>();
    all.set(tenant, own.set(JSON.stringify(labels), labels));
  }
  for (const limit of [0, 3, 10_000]) {
    for (const tenant of ['a', 'b', 'nobody']) {
      const { chunks, range, ...counts } = await engine.cardinality({ tenant, limit, signal });
      expect(counts).toEqual(counted([...(all.get(tenant)?.values() ?? [])], limit));
      expect([chunks > 0, range === undefined]).toEqual(tenant === 'nobody' ? [false, true] : [true, false]);
    }
  }
  await engine.close();
});

test('chunks and times of what is not sealed: head, pending and written', async () => {
  const world = new World();
  const engine = await world.open();
  const builder = new BatchBuilder('t');
  const samples = 300;
  for (let i = 0; i < samples; i++) builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 1000, i);
  engine.applySamples({ topic: 'raw', partition: 0, offset: 0, batch: builder.build(START_MS) });
  // 16 (the first is cut early), 128 and 128 samples are chunks, 28 are still a run of the head.
  const wanted = { chunks: 4, range: { oldestMs: START_MS, newestMs: START_MS + (samples - 1) * 1000 } };
  expect(await engine.cardinality({ tenant: 't', limit: 1, signal })).toMatchObject(wanted);
  await engine.checkpoint();
  expect(await engine.cardinality({ tenant: 't', limit: 1, signal })).toMatchObject(wanted);
  await engine.close();
});

test('whoever stopped waiting is not counted for', async () => {
  const world = new World();
  const engine = await world.open();
  const builder = new BatchBuilder('t');
  for (let i = 0; i < 2000; i++) builder.addLabels(labelsOf({ __name__: 'up', i: String(i) }), START_MS, i);
  engine.applySamples({ topic: 'raw', partition: 0, offset: 0, batch: builder.build(START_MS) });
  const gone = AbortSignal.abort(new Error('went away'));
  await expect(engine.cardinality({ tenant: 't', limit: 10, signal: gone })).rejects.toThrow('went away');
  await engine.close();
});
