import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { METRIC_TYPES } from '../batch/series-section.ts';
import { decodeLabels, formatLabels } from '../labels.ts';
import { SampleDecoder, schemaIdOf } from './decode-sample.ts';
import { planOf } from './sample-plan.ts';
import { encodeSampleRecord, SAMPLE_SCHEMA } from './sample-record.ts';

// docs/format/samples.md shows bytes and names every field; a page that lies fails here.

const page = readFileSync(new URL('../../../../docs/format/samples.md', import.meta.url), 'utf8');

test('the page shows a sample, byte for byte', () => {
  const hex = /```hex sample\n([0-9a-f\s]+)```/.exec(page)?.[1] ?? '';
  const bytes = Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
  expect(schemaIdOf(bytes)).toBe(7);
  const sample = new SampleDecoder();
  sample.decode(bytes, planOf(SAMPLE_SCHEMA));
  expect(formatLabels(decodeLabels(sample.labels))).toBe('up{job="a"}');
  expect([METRIC_TYPES[sample.type], sample.timestampMs, sample.valueHigh]).toEqual(['gauge', 1500, 0x3ff00000]);
  const labels = [{ name: 'job', value: 'a' }];
  expect(encodeSampleRecord({ name: 'up', labels, type: 'gauge', timestamp: 1500, value: 1 }, 7)).toEqual(
    Buffer.from(bytes),
  );
});

test('the page names every field of the schema', () => {
  const names = (JSON.parse(SAMPLE_SCHEMA) as { fields: { name: string }[] }).fields.map(({ name }) => name);
  const rows = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(names.filter((name) => !rows.includes(name))).toEqual([]);
});
