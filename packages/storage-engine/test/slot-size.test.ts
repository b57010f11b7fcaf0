import { BatchBuilder, labelsOf, makeRowColumns, matcher, type RowBatch } from '@tidemark/model';
import { afterEach, expect, test } from 'vitest';
import type { Tier } from '../src/head/resolve.ts';
import { SLOT_SIZE } from '../src/options.ts';
import { START_MS, World } from './world.ts';

// A checkpoint that was written with slots of another size, as earlier versions had them, opens, and loses nothing.

const RAW = { topic: 'tidemark.raw', partition: 0 };
const ROWS = { topic: 'tidemark.1m', partition: 0 };
const sizes = SLOT_SIZE as Record<Tier, number>;
const today = { ...SLOT_SIZE };

afterEach(() => void Object.assign(sizes, today));

function sampleBatch(from: number, to: number) {
  const builder = new BatchBuilder('default');
  for (let i = from; i < to; i++) builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 10_000, i);
  return builder.build(START_MS);
}

function rowBatch(from: number, to: number): RowBatch {
  const builder = new BatchBuilder('default');
  builder.addLabels(labelsOf({ __name__: 'up' }), 0, 0);
  const rows = makeRowColumns(to - from);
  for (let i = 0; i < to - from; i++) {
    const endMs = Math.floor(START_MS / 60_000) * 60_000 + (from + i) * 60_000;
    rows.endMs[i] = endMs;
    rows.firstMs[i] = endMs - 50_000;
    rows.lastMs[i] = endMs;
    rows.count[i] = 6;
    rows.sum[i] = from + i;
    rows.offset[i] = from + i;
  }
  return { tenant: 'default', resolution: '1m', admittedAtMs: START_MS, series: builder.build(0).series, rows };
}

const question = {
  tenant: 'default',
  matchers: [matcher('=', '__name__', 'up')],
  range: { startMs: START_MS - 3_600_000, endMs: START_MS + 36_000_000 },
  limits: { seriesMax: 10, samplesMax: 100_000 },
  signal: new AbortController().signal,
};

test.each([
  { raw: 8, rows: 4 },
  { raw: 32, rows: 1 },
])('slots of $raw samples and $rows rows', async ({ raw, rows }) => {
  const world = new World();
  Object.assign(sizes, { raw, '1m': rows });
  await world.open();
  world.engine.applySamples({ ...RAW, offset: 0, batch: sampleBatch(0, 45) });
  world.engine.applyRows({ ...ROWS, offset: 0, batch: rowBatch(0, 11) });
  await world.engine.checkpoint();
  world.crash(1);
  Object.assign(sizes, today);
  await world.open();
  world.engine.applySamples({ ...RAW, offset: 1, batch: sampleBatch(45, 90) });
  world.engine.applyRows({ ...ROWS, offset: 1, batch: rowBatch(11, 20) });
  // As it is, after a checkpoint of its own, and after a crash that goes back to that.
  for (const step of ['opened', 'checkpointed', 'crashed'] as const) {
    if (step !== 'opened') await world.engine.checkpoint();
    if (step === 'crashed') {
      world.crash(2);
      await world.open();
    }
    const samples = await world.engine.source().select(question);
    expect([...(samples.series[0]?.values ?? [])], step).toEqual(Array.from({ length: 90 }, (_, i) => i));
    const answer = await world.engine.source().selectRows({ ...question, resolution: '1m' });
    expect([...(answer.series[0]?.rows.sum ?? [])], step).toEqual(Array.from({ length: 20 }, (_, i) => i));
  }
});
