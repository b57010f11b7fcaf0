import type { Random } from '@tidemark/base';
import { encodeLabels, labelsOf } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { Columns } from '../../src/chunk/columns.ts';
import { SegmentWriter } from '../../src/segment/writer.ts';
import { naiveSegment } from './naive-segment.ts';

// Whatever is written is what a reader finds in it that knows the page alone.

const START_MS = 1_699_999_200_000;

interface Said {
  readonly tenant: string;
  readonly labels: Record<string, string>;
  readonly times: number[];
  readonly values: number[];
}

test('a reader that knows only the page reads what was written', async () => {
  await withSeed('segment by its page', (random: Random) => {
    for (let round = 0; round < rounds(5); round++) {
      const said = someSeries(random);
      const writer = new SegmentWriter({
        tier: 'raw',
        topic: 't',
        partition: 1,
        startMs: START_MS,
        endMs: START_MS + 7_200_000,
        sequence: 2,
        part: 0,
        sealedThroughOffset: 41,
        columnCount: 1,
        level: 1,
        cleanedThrough: 7,
        sources: [{ startMs: START_MS, sequence: 2, sealedThroughOffset: 41 }],
      });
      for (const { tenant, labels, times, values } of said)
        writer.add(tenant, encodeLabels(labelsOf(labels)), columnsOf(times, values));
      const { footer, tenants } = naiveSegment(writer.finish(3).bytes);
      expect(footer).toMatchObject({ level: 1, lost: 3, cleanedThrough: 7, sources: [[START_MS, 2, 41]], sequence: 2 });
      expect(
        tenants.flatMap(({ tenant, series }) =>
          series.map(({ labels, times, columns }) => ({ tenant, labels, times, values: columns[0] })),
        ),
      ).toEqual(said);
      for (const { series, metrics, postings } of tenants) {
        expect(metrics.reduce((sum, { samples }) => sum + samples, 0)).toBe(
          series.reduce((sum, { times }) => sum + times.length, 0),
        );
        for (const [name, values] of postings)
          for (const [value, refs] of values)
            expect(refs).toEqual([...series.keys()].filter((ref) => series[ref]?.labels[name] === value));
      }
    }
  });
});

/** Tenant by tenant, metric by metric: hosts share their times, now and then one misses a scrape. */
function someSeries(random: Random): Said[] {
  const hosts = 1 + random.below(12);
  const samples = 1 + random.below(1500);
  const late = Array.from({ length: hosts }, () => Array.from({ length: samples }, () => random.below(9)));
  const said: Said[] = [];
  for (const tenant of ['a', 'b'].slice(random.below(2))) {
    for (const metric of ['load', 'up'].slice(random.below(2))) {
      for (let host = 0; host < hosts; host++) {
        const there = [...Array(samples).keys()].filter((i) => i === 0 || random.below(2000) > 0);
        const noise = random.below(3);
        said.push({
          tenant,
          labels: { __name__: metric, instance: `host-${String(host).padStart(2, '0')}`, job: 'node' },
          times: there.map((i) => START_MS + i * 4000 + host * 100 + (late[host]?.[i] as number)),
          values: there.map((i) => (noise === 0 ? 1 : noise === 1 ? random.below(1000) / 100 : random.next() * i)),
        });
      }
    }
  }
  return said;
}

function columnsOf(times: readonly number[], values: readonly number[]): Columns {
  const columns = new Columns(1, times.length);
  columns.timestampsMs.set(times);
  columns.columns[0]?.values.set(values);
  columns.length = times.length;
  return columns;
}
