import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLabels, formatLabels } from '@tidemark/model';
import { expect, test } from 'vitest';
import { readChunk } from '../src/chunk/chunk.ts';
import { Columns } from '../src/chunk/columns.ts';
import { SegmentCursor } from '../src/segment/cursor.ts';
import { bufferRanges, readFooter } from '../src/segment/reader.ts';

// Segments of every version, as compaction reads them: series by series. Their bytes are those of docs/format/segment.md.

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/format/segment.md'), 'utf8');

function bytesOf(name: string): Uint8Array {
  const hex = new RegExp(`\`\`\`hex ${name}\\n([\\s\\S]*?)\`\`\``).exec(PAGE)?.[1];
  if (hex === undefined) throw new Error(`the page has no block ${name}`);
  return Uint8Array.from(Buffer.from(hex.replace(/\s+/g, ''), 'hex'));
}

test.each([
  ['segment-0', ['up']],
  ['segment-1', ['up', 'up{job="a"}']],
  ['segment', ['up', 'up{job="a"}']],
])('%s is read series by series', async (name, series) => {
  const ranges = bufferRanges(name, bytesOf(name));
  const footer = await readFooter(ranges);
  const [tenant] = footer.tenants;
  if (tenant === undefined) throw new Error('it has a tenant');
  const cursor = await SegmentCursor.open(ranges, { offset: tenant.indexOffset, length: tenant.indexLength }, footer);
  const found: string[] = [];
  while (await cursor.next()) {
    const { labels = new Uint8Array(0), chunks = [] } = cursor.series ?? {};
    found.push(formatLabels(decodeLabels(labels)));
    const columns = new Columns(1);
    for (const { block, offset, length } of chunks) {
      readChunk(await cursor.block(block), offset, offset + length, columns, undefined, cursor.times);
    }
    expect([...columns.timestampsMs.subarray(0, columns.length)]).toEqual([1000, 2000, 3000, 4000]);
    expect([...(columns.columns[0]?.values.subarray(0, columns.length) ?? [])]).toEqual([1.5, 1.25, 1.75, 1]);
  }
  expect(found).toEqual(series);
});
