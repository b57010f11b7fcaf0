import type { Random } from '@tidemark/base';
import {
  BatchBuilder,
  labelsOf,
  makeRowColumns,
  matcher,
  ROW_FLOAT_COLUMNS,
  type RowBatch,
  type RowColumns,
  type RowFloatColumn,
  wordsOf,
} from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// Rows of which only some columns are asked for: the same rows, the same bits, in head, windows and segments.

const ROWS = { topic: 'tidemark.1m', partition: 0 };
const SERIES = 4;
const MINUTE = 60_000;
const FIRST_MS = Math.ceil(START_MS / MINUTE) * MINUTE;

/** Counters, gauges, constants and numbers that nothing packs; often one column is another's copy. */
function rowsFrom(random: Random, fromMinute: number, minutes: number): RowBatch {
  const builder = new BatchBuilder('default');
  for (let s = 0; s < SERIES; s++) builder.addLabels(labelsOf({ __name__: 'm', series: `${s}` }), 0, 0);
  const rows = makeRowColumns(SERIES * minutes);
  for (let i = 0; i < rows.length; i++) {
    const endMs = FIRST_MS + (fromMinute + (i % minutes)) * MINUTE;
    rows.series[i] = Math.floor(i / minutes);
    rows.endMs[i] = endMs;
    for (const [c, name] of ROW_FLOAT_COLUMNS.entries()) {
      const before = ROW_FLOAT_COLUMNS[random.below(c + 1)] as RowFloatColumn;
      const kinds = [5, i * 3 + c, random.below(1000) / 10, random.next(), rows[before][i] as number];
      rows[name][i] = kinds[(c + (rows.series[i] as number)) % kinds.length] as number;
    }
    rows.count[i] = random.below(8);
    rows.firstMs[i] = endMs - random.below(MINUTE);
    rows.lastMs[i] = random.below(2) === 0 ? endMs : (rows.firstMs[i] as number);
    rows.generation[i] = 1 + random.below(2);
    rows.offset[i] = random.below(1000);
  }
  return { tenant: 'default', resolution: '1m', admittedAtMs: START_MS, series: builder.build(0).series, rows };
}

async function read(world: World, columns?: readonly RowFloatColumn[]): Promise<Map<string, RowColumns>> {
  const { series, warnings } = await world.engine.source().selectRows({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'm')],
    range: { startMs: FIRST_MS + MINUTE, endMs: FIRST_MS + 5000 * MINUTE },
    limits: { seriesMax: 10, samplesMax: 1e6 },
    signal: new AbortController().signal,
    resolution: '1m',
    columns,
  });
  expect(warnings).toEqual([]);
  return new Map(series.map(({ labels, rows }) => [JSON.stringify(labels), rows]));
}

const bits = (column: Float64Array | Uint32Array) =>
  column instanceof Float64Array ? [...wordsOf(column)] : [...column];

async function compare(world: World, random: Random, where: string): Promise<void> {
  const all = await read(world);
  expect(all.size).toBe(SERIES);
  const asked = ROW_FLOAT_COLUMNS.filter(() => random.below(3) === 0);
  const some = await read(world, asked);
  expect([...some.keys()]).toEqual([...all.keys()]);
  for (const [labels, rows] of some) {
    const whole = all.get(labels) as RowColumns;
    expect(rows.length).toBe(whole.length);
    for (const name of ['endMs', 'count', 'generation', 'offset', ...asked] as const) {
      expect(bits(rows[name]), `${name} of ${asked}, ${where}`).toEqual(bits(whole[name]));
    }
    for (const name of ROW_FLOAT_COLUMNS) {
      if (name !== 'count' && !asked.includes(name)) expect(rows[name].length).toBe(0);
    }
  }
}

test('columns that are asked for are what they are among all', () =>
  withSeed('wanted-columns', async (random) => {
    for (let round = 0; round < rounds(6); round++) {
      const world = new World();
      await world.open();
      let offset = 0;
      let minute = 0;
      for (let i = 0; i < 4; i++) {
        const minutes = 1 + random.below(400);
        // Some rows come again, in another revision.
        const from = Math.max(0, minute - random.below(50));
        world.engine.applyRows({ ...ROWS, offset: offset++, batch: rowsFrom(random, from, minutes) });
        minute = from + minutes;
        await compare(world, random, 'in the head');
        await world.engine.checkpoint();
        await compare(world, random, 'after a checkpoint');
      }
      await world.clock.advance(10 * 24 * 3_600_000);
      const report = await world.engine.seal();
      expect(report.failures).toEqual([]);
      expect(report.windows.length).toBeGreaterThan(0);
      await compare(world, random, 'sealed');
    }
  }));
