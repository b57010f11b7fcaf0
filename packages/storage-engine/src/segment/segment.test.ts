import { isTidemarkError } from '@tidemark/base';
import { encodeLabels, labelsOf, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { readChunk } from '../chunk/chunk.ts';
import { Columns } from '../chunk/columns.ts';
import { matchSeries } from '../index/matcher-plan.ts';
import { bufferRanges, readBlock, readFooter, readMetrics, readTenantIndex } from './reader.ts';
import { SegmentWriter } from './writer.ts';

function run(count: number, first: number): Columns {
  const columns = new Columns(1, count);
  for (let i = 0; i < count; i++) {
    columns.timestampsMs[i] = 7_200_000 + i * 1000;
    (columns.columns[0] as { values: Float64Array }).values[i] = first + i * 0.5;
  }
  columns.length = count;
  return columns;
}

function makeSegment(): Uint8Array {
  const writer = new SegmentWriter({
    tier: 'raw',
    topic: 'tidemark.raw',
    partition: 3,
    startMs: 7_200_000,
    endMs: 14_400_000,
    sequence: 0,
    part: 0,
    sealedThroughOffset: 41,
    columnCount: 1,
    level: 0,
    cleanedThrough: -1,
    sources: [],
  });
  for (const [tenant, instance] of [
    ['a', 'x'],
    ['a', 'y'],
    ['b', 'x'],
  ] as const) {
    writer.add(tenant, encodeLabels(labelsOf({ __name__: 'up', instance })), run(300, instance.charCodeAt(0)));
  }
  return writer.finish().bytes;
}

/** Everything a reader can get out of a segment, as text. */
async function readAll(bytes: Uint8Array): Promise<string> {
  const ranges = bufferRanges('test', bytes);
  const footer = await readFooter(ranges);
  const lines = [JSON.stringify({ ...footer, tail: 0, tenants: footer.tenants.map(({ tenant }) => tenant) })];
  for (const { tenant } of footer.tenants) {
    const index = await readTenantIndex(ranges, footer, tenant);
    lines.push(JSON.stringify(await readMetrics(ranges, footer, tenant)));
    for (const ref of index?.refs() ?? []) {
      const columns = new Columns(1);
      for (const chunk of index?.chunks(ref) ?? []) {
        const block = await readBlock(ranges, index?.blocks[chunk.block] as never, footer.version);
        readChunk(block, chunk.offset, chunk.offset + chunk.length, columns, undefined, index?.times);
      }
      const values = [...(columns.columns[0]?.values.subarray(0, columns.length) ?? [])];
      lines.push(`${tenant} ${index?.labelValue(ref, 'instance')} ${values.join(',')}`);
    }
  }
  return lines.join('\n');
}

test('a segment gives back what was written, tenant by tenant', async () => {
  const text = await readAll(makeSegment());
  expect(text).toContain('"sealedThroughOffset":41');
  expect(text).toContain(`a x ${Array.from({ length: 300 }, (_, i) => 120 + i * 0.5).join(',')}`);
  expect(text.split('\n').length).toBe(6);
});

test('the same data gives the same bytes', () => {
  expect(Buffer.from(makeSegment()).equals(makeSegment())).toBe(true);
});

test('matchers find series through the postings, and no tenant sees another', async () => {
  const ranges = bufferRanges('test', makeSegment());
  const footer = await readFooter(ranges);
  const a = await readTenantIndex(ranges, footer, 'a');
  if (a === undefined) throw new Error('tenant a is there');
  expect(matchSeries(a, [matcher('=', 'instance', 'y')])).toEqual([1]);
  expect(matchSeries(a, [matcher('=~', '__name__', 'u.*'), matcher('!=', 'instance', 'y')])).toEqual([0]);
  expect(matchSeries(a, [matcher('=', '__name__', 'down')])).toEqual([]);
  expect(await readTenantIndex(ranges, footer, 'c')).toBeUndefined();
});

test('truncated at every byte it is refused', async () => {
  const bytes = makeSegment();
  for (let end = 0; end < bytes.length; end++) {
    await expect(readAll(bytes.subarray(0, end)), `cut at ${end}`).rejects.toSatisfy((error) => isTidemarkError(error));
  }
});

test('a flipped bit anywhere is refused or changes nothing', async () => {
  const bytes = makeSegment();
  const good = await readAll(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit += 3) {
    const bad = bytes.slice();
    bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
    try {
      // Only the magic at the front is not read: it is for people and tools.
      expect(await readAll(bad), `bit ${bit}`).toBe(good);
      expect(bit >> 3).toBeLessThan(8);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
    }
  }
});
