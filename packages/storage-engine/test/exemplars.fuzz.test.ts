import type { Random } from '@tidemark/base';
import { BatchBuilder, encodeLabels, labelsOf, labelValue, matcher, type SampleBatch } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { ExemplarOracle, type SaidExemplar, shown } from './oracle/exemplars.ts';
import { START_MS, World } from './world.ts';

// Stories of exemplars through the engine: records that come again, checkpoints, crashes, against Prometheus' rule in a few lines (oracle/exemplars.ts).

function anyPoints(random: Random, nowMs: number): SaidExemplar[] {
  const tenant = `t${random.below(2)}`;
  return Array.from({ length: 1 + random.below(5) }, () => ({
    tenant,
    metric: `m${random.below(3)}`,
    le: `${random.below(4)}`,
    trace: `${'x'.repeat(random.below(2) * random.below(60))}${random.below(3)}`,
    timeMs: nowMs + random.below(40) - 20,
    value: [0, 1, Number.NaN, 2.5][random.below(4)] as number,
    hasNoTime: random.below(3) === 0,
  }));
}

function batchOf(points: readonly SaidExemplar[]): SampleBatch {
  const builder = new BatchBuilder((points[0] as SaidExemplar).tenant);
  for (const { metric, le, trace, timeMs, value, hasNoTime } of points) {
    const labels = encodeLabels(labelsOf({ __name__: metric, le }));
    const series = builder.seriesOf(labels, 0, labels.length);
    builder.add(series, timeMs, 1);
    builder.addExemplar(series, timeMs, value, encodeLabels(labelsOf({ trace })), hasNoTime);
  }
  return builder.build(START_MS);
}

async function selected(world: World, tenant: string, metric: string, startMs: number, endMs: number) {
  const { series, warnings } = await world.engine.exemplars({
    tenant,
    selectors: [[matcher('=', '__name__', metric)], [matcher('=~', '__name__', `${metric}|nobody`)]],
    range: { startMs, endMs },
    limit: 10_000,
    signal: new AbortController().signal,
  });
  expect(warnings).toEqual([]);
  return series
    .flatMap(({ labels, exemplars }) =>
      exemplars.map((one) =>
        shown({
          metric: labelValue(labels, '__name__'),
          le: labelValue(labels, 'le'),
          trace: labelValue(one.labels, 'trace'),
          timeMs: one.timestampMs,
          value: one.value,
        }),
      ),
    )
    .sort();
}

test('answers are what the rule says, whatever comes again and whenever it dies', () =>
  withSeed('exemplars', async (random, seed) => {
    for (let round = 0; round < rounds(10); round++) {
      const world = new World();
      await world.open();
      const oracle = new ExemplarOracle();
      const log: SampleBatch[] = [];
      for (let step = 0; step < 60; step++) {
        const points = anyPoints(random, START_MS + step * 15);
        for (const point of points) oracle.add(point);
        log.push(batchOf(points));
        const again = random.below(4) === 0 ? random.below(log.length) : log.length - 1;
        const applyFrom = (from: number) => {
          for (let offset = from; offset < log.length; offset++) {
            world.engine.applySamples({ topic: 'raw', partition: 0, offset, batch: log[offset] as SampleBatch });
          }
        };
        applyFrom(again);
        const what = random.below(12);
        if (what < 2) await world.engine.checkpoint();
        if (what === 2) {
          world.crash(seed + step);
          await world.open();
          applyFrom(world.engine.position({ topic: 'raw', partition: 0 }));
        }
        const [tenant, metric] = [`t${random.below(2)}`, `m${random.below(3)}`];
        const startMs = START_MS + random.below(600) - 50;
        const endMs = startMs + random.below(600);
        const context = `round ${round} step ${step}`;
        expect(await selected(world, tenant, metric, startMs, endMs), context).toEqual(
          oracle.select(tenant, metric, startMs, endMs),
        );
      }
      const before = world.engine.position({ topic: 'raw', partition: 0 });
      expect(before).toBe(log.length);
      await world.engine.close();
    }
  }));
