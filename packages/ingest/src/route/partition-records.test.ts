import {
  BatchBuilder,
  encodeLabels,
  formatLabels,
  labelsOf,
  partitionOf,
  type SampleBatch,
  sectionLabels,
  tenantHash,
} from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { DEFAULT_INGEST_OPTIONS } from '../options.ts';
import { IntakeColumns } from '../protocol/intake-columns.ts';
import { SectionTable } from '../series/section-table.ts';
import { PartitionSplitter } from './partition-records.ts';

function columnsOf(batch: SampleBatch): IntakeColumns {
  const columns = new IntakeColumns();
  columns.reserve(batch.values.length);
  columns.refs.set(batch.sampleSeries);
  columns.timestampsMs.set(batch.timestampsMs);
  columns.values.set(batch.values);
  columns.count = batch.values.length;
  return columns;
}

test('every sample lands once, with its series, in its partition, in order; records stay small', () =>
  withSeed('partition records', (random) => {
    const partitions = 3;
    for (let round = 0; round < rounds(50); round++) {
      const recordBytes = 100 + random.below(2_000);
      const splitter = new PartitionSplitter({ partitions, recordBytes });
      const builder = new BatchBuilder('t');
      const sent: string[] = [];
      for (let i = 0; i < random.below(300); i++) {
        const labels = labelsOf({ __name__: `m${random.below(6)}`, host: `h${random.below(5)}` });
        builder.addLabels(labels, i, i);
        sent.push(`${formatLabels(labels)} ${i}`);
      }
      const batch = builder.build(0);
      const table = new SectionTable(batch.series, tenantHash('t'), partitions, DEFAULT_INGEST_OPTIONS);
      const records = splitter.split(columnsOf(batch), table);
      const received = records.map((record) =>
        [...record.values].map((value, i) => {
          const labels = sectionLabels(record.series, record.sampleSeries[i] as number);
          expect(record.timestampsMs[i]).toBe(value);
          const name = encodeLabels(labels.filter(({ name }) => name === '__name__'));
          expect(partitionOf(tenantHash('t'), name, name.length - 2, name.length, partitions)).toBe(record.partition);
          return `${formatLabels(labels)} ${value}`;
        }),
      );
      expect(received.flat().toSorted()).toEqual(sent.toSorted());
      for (let partition = 0; partition < partitions; partition++) {
        const values = records.filter((record) => record.partition === partition).flatMap(({ values }) => [...values]);
        expect(values).toEqual(values.toSorted((a, b) => a - b));
      }
      for (const { series, values } of records) {
        // Closed by the sample that reached the limit: one series and one sample above it at most.
        expect(series.labelBytes.length + values.length * 16).toBeLessThan(recordBytes + 64);
        expect(series.count).toBeGreaterThan(0);
      }
    }
  }));
