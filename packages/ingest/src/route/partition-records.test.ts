import {
  BatchBuilder,
  decodeLabels,
  type ExemplarColumns,
  encodeLabels,
  exemplarLabelBytes,
  formatLabels,
  labelsOf,
  labelValue,
  partitionOf,
  type SampleBatch,
  sectionLabels,
  tenantHash,
} from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { DEFAULT_INGEST_OPTIONS } from '../options.ts';
import { IntakeColumns } from '../protocol/intake-columns.ts';
import type { IntakeExemplar } from '../protocol/intake-exemplars.ts';
import { SectionTable } from '../series/section-table.ts';
import { CriticalMetrics } from './critical.ts';
import { type PartitionRecord, PartitionSplitter } from './partition-records.ts';
import { Routes } from './routes.ts';

function columnsOf(batch: SampleBatch): IntakeColumns {
  const columns = new IntakeColumns();
  columns.reserve(batch.values.length);
  columns.refs.set(batch.sampleSeries);
  columns.timestampsMs.set(batch.timestampsMs);
  columns.values.set(batch.values);
  columns.count = batch.values.length;
  return columns;
}

const shown = ({ timestampMs, value, labels, hasNoTime }: Omit<IntakeExemplar, 'ref'>) =>
  `${formatLabels(decodeLabels(labels))} ${value}@${timestampMs}${hasNoTime ? '' : '!'}`;

function exemplarsOf(records: readonly PartitionRecord[], partitions: number): string[] {
  return records.flatMap(({ partition, series, exemplars }) =>
    [...(exemplars?.values ?? [])].map((value, i) => {
      const columns = exemplars as ExemplarColumns;
      const labels = sectionLabels(series, columns.series[i] as number);
      const name = new TextEncoder().encode(labelValue(labels, '__name__'));
      expect(partitionOf(tenantHash('t'), name, 0, name.length, partitions)).toBe(partition);
      const own = exemplarLabelBytes(columns, i);
      const timestampMs = columns.timestampsMs[i] as number;
      const hasNoTime = columns.hasNoTime?.[i] === 1;
      return `${formatLabels(labels)} ${shown({ timestampMs, value, labels: own, hasNoTime })}`;
    }),
  );
}

test('every sample and exemplar lands once, with its series, in its partition, in order; records stay small', () =>
  withSeed('partition records', (random) => {
    const partitions = 3;
    for (let round = 0; round < rounds(50); round++) {
      const recordBytes = 100 + random.below(2_000);
      const routes = new Routes(partitions);
      const spans = [Number.NEGATIVE_INFINITY, 80, 90, 200]
        .slice(0, 1 + random.below(4))
        .map((fromMs) => ({ fromMs, metrics: ['m1', 'm2|m3', 'm[45]'].filter(() => random.next() < 0.4) }));
      const critical = new CriticalMetrics(spans);
      routes.setCritical(critical);
      const splitter = new PartitionSplitter(routes, recordBytes);
      const builder = new BatchBuilder('t');
      const sent: string[] = [];
      for (let i = 0; i < random.below(300); i++) {
        const labels = labelsOf({ __name__: `m${random.below(6)}`, host: `h${random.below(5)}` });
        // Back and forth between spans.
        const atMs = (i * 53) % 300;
        builder.addLabels(labels, atMs, i);
        sent.push(`${formatLabels(labels)} ${i} at ${atMs}`);
      }
      for (let i = 0; i < random.below(4); i++) {
        const labels = encodeLabels(labelsOf({ __name__: `m${i}`, host: 'silent' }));
        builder.seriesOf(labels, 0, labels.length);
      }
      const batch = builder.build(0);
      const exemplars = Array.from({ length: batch.series.count === 0 ? 0 : random.below(60) }, (_, i) => ({
        ref: random.below(batch.series.count),
        timestampMs: random.below(300),
        value: i,
        labels: encodeLabels(labelsOf({ trace: 'x'.repeat(1 + random.below(40)) })),
        hasNoTime: random.below(2) === 0,
      }));
      const table = new SectionTable(batch.series, tenantHash('t'), routes, DEFAULT_INGEST_OPTIONS);
      const records = splitter.split(columnsOf(batch), table, exemplars);
      expect(exemplarsOf(records, partitions).toSorted()).toEqual(
        exemplars.map((one) => `${formatLabels(sectionLabels(batch.series, one.ref))} ${shown(one)}`).toSorted(),
      );
      const received = records.map((record) =>
        [...record.values].map((value, i) => {
          const labels = sectionLabels(record.series, record.sampleSeries[i] as number);
          const atMs = record.timestampsMs[i] as number;
          const name = encodeLabels(labels.filter(({ name }) => name === '__name__'));
          expect(partitionOf(tenantHash('t'), name, name.length - 2, name.length, partitions)).toBe(record.partition);
          const metric = labelValue(labels, '__name__');
          expect(critical.isCriticalAt(critical.maskOf(metric), atMs)).toBe(record.isCritical);
          return `${formatLabels(labels)} ${value} at ${atMs}`;
        }),
      );
      expect(received.flat().toSorted()).toEqual(sent.toSorted());
      for (let partition = 0; partition < partitions; partition++) {
        for (const isCritical of [false, true]) {
          const own = records.filter((record) => record.partition === partition && record.isCritical === isCritical);
          const values = own.flatMap(({ values }) => [...values]);
          expect(values).toEqual(values.toSorted((a, b) => a - b));
        }
      }
      for (const { series, values, exemplars: some } of records) {
        // Closed by the sample that reached the limit: one series and one sample above it at most.
        const exemplarBytes = some ? some.labelBytes.length + some.values.length * 24 : 0;
        expect(series.labelBytes.length + values.length * 16 + exemplarBytes).toBeLessThan(recordBytes + 128);
        expect(series.count).toBeGreaterThan(0);
      }
    }
  }));
