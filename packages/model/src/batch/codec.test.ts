import { isTidemarkError, seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { encodeLabels, labelsOf } from '../labels.ts';
import { isStale, writeStale } from '../stale.ts';
import { BatchBuilder } from './batch-builder.ts';
import { decodeRowBatch, decodeSampleBatch, encodeRowBatch, encodeSampleBatch } from './codec.ts';
import { makeRowColumns, ROW_FLOAT_COLUMNS, type RowBatch } from './row-batch.ts';
import type { SampleBatch } from './sample-batch.ts';
import { sectionLabels } from './series-section.ts';

/** Another process's view of the bytes: nothing remembered behind them. */
const foreign = (value: Uint8Array) => value.slice();

function scrape(
  series: number,
  shape: (i: number) => { t: number; v: number } = (i) => ({ t: 1_700_000_000_000, v: i / 4 }),
) {
  const builder = new BatchBuilder('acme');
  for (let i = 0; i < series; i++) {
    const { t, v } = shape(i);
    const labels = labelsOf({
      __name__: `node_metric_${i >> 3}_total`,
      instance: 'host-1:9100',
      job: 'node',
      cpu: String(i & 7),
    });
    builder.addLabels(labels, t, v, i % 2 ? 'counter' : 'unknown');
  }
  return builder.build(1_700_000_000_500);
}

function bits(values: Float64Array): bigint[] {
  return [...new BigUint64Array(values.slice().buffer)];
}

function expectSame(actual: SampleBatch, expected: SampleBatch) {
  expect(actual.tenant).toBe(expected.tenant);
  expect(actual.admittedAtMs).toBe(expected.admittedAtMs);
  expect(actual.series.count).toBe(expected.series.count);
  expect(Buffer.from(actual.series.labelBytes).equals(Buffer.from(expected.series.labelBytes))).toBe(true);
  expect(actual.series.labelEnds).toEqual(expected.series.labelEnds);
  expect(actual.series.types).toEqual(expected.series.types);
  expect(actual.sampleSeries).toEqual(expected.sampleSeries);
  expect(actual.timestampsMs).toEqual(expected.timestampsMs);
  expect(bits(actual.values)).toEqual(bits(expected.values));
}

test.each([0, 1, 2, 9, 500, 5000])('a batch of %d series comes back as it was', (series) => {
  const batch = scrape(series);
  expectSame(decodeSampleBatch(foreign(encodeSampleBatch(batch))), batch);
});

test('every bit pattern of a value is kept: stale marker, NaN payloads, -0, infinities', () => {
  const batch = scrape(6, () => ({ t: 1, v: 0 }));
  writeStale(batch.values, 0);
  new BigUint64Array(batch.values.buffer)[1] = 0x7ff8dead_0000beefn;
  batch.values.set([-0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE], 2);
  const back = decodeSampleBatch(foreign(encodeSampleBatch(batch)));
  expect(bits(back.values)).toEqual(bits(batch.values));
  expect(isStale(back.values[0] as number)).toBe(true);
});

test('several samples a series, out of order in time, keep their order', () => {
  const builder = new BatchBuilder('t');
  const labels = encodeLabels(labelsOf({ __name__: 'up' }));
  const index = builder.seriesOf(labels, 0, labels.length);
  for (const t of [5000, 1000, 1000, -7, 2 ** 50]) builder.add(index, t, t / 3);
  const batch = builder.build(1);
  expectSame(decodeSampleBatch(foreign(encodeSampleBatch(batch))), batch);
});

test('units, start times, histograms, exemplars and metadata travel in columns of their own', () => {
  const builder = new BatchBuilder('t');
  const labels = encodeLabels(labelsOf({ __name__: 'a_bytes' }));
  builder.add(builder.seriesOf(labels, 0, labels.length, 'counter', 'bytes', 1234), 1, 1);
  const batch: SampleBatch = {
    ...builder.build(1),
    histograms: {
      series: Uint32Array.of(0),
      timestampsMs: Float64Array.of(9),
      ends: Uint32Array.of(3),
      bytes: Uint8Array.of(1, 2, 3),
    },
    exemplars: {
      series: Uint32Array.of(0),
      timestampsMs: Float64Array.of(8),
      values: Float64Array.of(0.5),
      labelEnds: Uint32Array.of(labels.length),
      labelBytes: labels,
    },
    metadata: [{ metric: 'a_bytes', type: 'counter', unit: 'bytes', help: 'Was gelesen wurde: häufig' }],
  };
  const back = decodeSampleBatch(foreign(encodeSampleBatch(batch)));
  expect(back.series.units).toEqual(['bytes']);
  expect(back.series.startTimesMs).toEqual(Float64Array.of(1234));
  expect(back.histograms).toEqual(batch.histograms);
  expect(back.exemplars).toEqual(batch.exemplars);
  const exemplars = { ...batch.exemplars, hasNoTime: Uint8Array.of(1) } as SampleBatch['exemplars'];
  expect(decodeSampleBatch(foreign(encodeSampleBatch({ ...batch, exemplars }))).exemplars).toEqual(exemplars);
  expect(back.metadata).toEqual(batch.metadata);
});

test('bytes of a section that is sent again give that section; the same value object gives the same batch', () => {
  const batch = scrape(50);
  const next: SampleBatch = { ...batch, admittedAtMs: batch.admittedAtMs + 10_000 };
  const first = decodeSampleBatch(foreign(encodeSampleBatch(batch)));
  const second = decodeSampleBatch(foreign(encodeSampleBatch(next)));
  const third = decodeSampleBatch(foreign(encodeSampleBatch(next)));
  // Of this process, and sent again: the very one that was sent.
  expect(second.series).toBe(batch.series);
  expect(third.series).toBe(batch.series);
  expect(first.series).toEqual(batch.series);
  const value = encodeSampleBatch(batch);
  expect(decodeSampleBatch(value)).toBe(batch);
});

test('rows come back as they were', () => {
  const samples = scrape(40);
  const rows = makeRowColumns(40);
  for (let i = 0; i < 40; i++) {
    rows.series[i] = 39 - i;
    rows.endMs[i] = 60_000;
    for (const name of ROW_FLOAT_COLUMNS) rows[name][i] = name.endsWith('Ms') ? 59_000 + i : i / 7;
    rows.generation[i] = i ? 0xffff_ffff : 0;
    rows.offset[i] = 2 ** 45 + i;
  }
  const batch: RowBatch = { tenant: 'acme', resolution: '1m', admittedAtMs: 65_000, series: samples.series, rows };
  const back = decodeRowBatch(foreign(encodeRowBatch(batch)));
  expect(back.rows).toEqual(rows);
  expect(sectionLabels(back.series, 7)).toEqual(sectionLabels(samples.series, 7));
});

test('cut at every byte, flipped at every bit: refused by name, never other numbers', () => {
  const value = encodeSampleBatch(scrape(5));
  for (let length = 0; length < value.length; length++) {
    expect(() => decodeSampleBatch(value.slice(0, length))).toThrow(/batch/);
  }
  // Bytes 1 to 4 are the schema id, which the registry answers for.
  for (let bit = 40; bit < value.length * 8; bit++) {
    const damaged = value.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => decodeSampleBatch(damaged)).toThrow(/damaged|malformed/);
  }
});

test('bytes that pass no checksum but claim much cost nothing', () => {
  const random = seededRandom(7);
  for (let round = 0; round < 2000; round++) {
    const junk = random.bytes(random.below(300));
    junk[0] = 0;
    try {
      decodeSampleBatch(junk);
      expect.unreachable('junk was taken for a batch');
    } catch (error) {
      expect(isTidemarkError(error) && error.code.startsWith('BATCH_')).toBe(true);
    }
  }
});
