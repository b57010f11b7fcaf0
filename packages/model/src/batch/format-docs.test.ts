import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeLabels, formatLabels } from '../labels.ts';
import {
  decodeRowBatch,
  decodeSampleBatch,
  encodeRowBatch,
  encodeSampleBatch,
  ROW_BATCH_SCHEMA,
  SAMPLE_BATCH_SCHEMA,
} from './codec.ts';
import { sectionLabels } from './series-section.ts';

// docs/format/topics.md shows bytes; a page that lies fails here.

const page = readFileSync(new URL('../../../../docs/format/topics.md', import.meta.url), 'utf8');

function hexBlock(name: string): Uint8Array {
  const block = new RegExp(`\`\`\`hex ${name}\\n([0-9a-f\\s]+)\`\`\``).exec(page)?.[1] ?? '';
  return Uint8Array.from(Buffer.from(block.replace(/\s/g, ''), 'hex'));
}

test('the page shows a batch of two samples, byte for byte', () => {
  const bytes = hexBlock('sample-batch');
  const batch = decodeSampleBatch(bytes);
  expect([0, 1].map((i) => formatLabels(sectionLabels(batch.series, i)))).toEqual(['up{job="a"}', 'up{job="b"}']);
  expect(batch).toMatchObject({
    tenant: 'default',
    admittedAtMs: 1500,
    values: Float64Array.of(1, 0.5),
    timestampsMs: Float64Array.of(1000, 1000),
  });
  expect(encodeSampleBatch({ ...batch, series: { ...batch.series } })).toEqual(bytes);
});

test('the page shows the column of an exemplar, byte for byte', () => {
  const bytes = hexBlock('exemplar-batch');
  const batch = decodeSampleBatch(bytes);
  expect(batch.exemplars).toMatchObject({ timestampsMs: Float64Array.of(1000), values: Float64Array.of(0.25) });
  expect(formatLabels(decodeLabels(batch.exemplars?.labelBytes ?? new Uint8Array()))).toBe('{trace="4b"}');
  expect(batch.exemplars?.hasNoTime).toEqual(Uint8Array.of(1));
  expect(encodeSampleBatch({ ...batch, series: { ...batch.series } })).toEqual(bytes);
});

test('the page shows a row, byte for byte', () => {
  const bytes = hexBlock('row-batch');
  const batch = decodeRowBatch(bytes);
  expect(batch).toMatchObject({ tenant: 'default', resolution: '1m', admittedAtMs: 65_000 });
  const { rows } = batch;
  expect([
    rows.endMs[0],
    rows.count[0],
    rows.sum[0],
    rows.min[0],
    rows.max[0],
    rows.increase[0],
    rows.generation[0],
    rows.offset[0],
  ]).toEqual([60_000, 2, 4, 1, 3, 2, 1, 7]);
  expect(encodeRowBatch({ ...batch, series: { ...batch.series } })).toEqual(bytes);
});

test.each([
  ['SampleBatch', SAMPLE_BATCH_SCHEMA, '518abdbd632269f1'],
  ['RowBatch', ROW_BATCH_SCHEMA, '1a96d5e3d11521cf'],
])('the schema of %s changes only together with its version', (_, schema, pin) => {
  const digest = createHash('sha256')
    .update(JSON.stringify(JSON.parse(schema)))
    .digest('hex')
    .slice(0, 16);
  expect(digest).toBe(pin);
});
