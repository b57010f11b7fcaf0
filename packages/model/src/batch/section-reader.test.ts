import { expect, test } from 'vitest';
import { encodeLabels, labelsOf } from '../labels.ts';
import { packedSeries, SectionReader } from './series-codec.ts';
import type { SeriesSection } from './series-section.ts';

function sectionOf(name: string): SeriesSection {
  const labelBytes = encodeLabels(labelsOf({ __name__: name, job: 'node' }));
  return {
    count: 1,
    labelBytes,
    labelEnds: Uint32Array.of(labelBytes.length),
    types: new Uint8Array(1),
    units: undefined,
    startTimesMs: undefined,
  };
}

function spare(reader: SectionReader, times: number): void {
  for (let i = 0; i < times; i++) reader.spared();
}

test('the same bytes give the same object', () => {
  const reader = new SectionReader();
  const packed = packedSeries(sectionOf('up'));
  expect(reader.decode(packed.slice(), 1)).toBe(reader.decode(packed.slice(), 1));
});

test('sections are let go once nothing was decoded for 4,096 batches, and come back as they were', () => {
  const reader = new SectionReader();
  const packed = packedSeries(sectionOf('up'));
  const first = reader.decode(packed, 1);
  expect(reader.bytes).toBeGreaterThan(0);
  spare(reader, 4096);
  expect(reader.bytes).toBe(0);
  const again = reader.decode(packed, 1);
  expect(again).not.toBe(first);
  expect(again.labelBytes).toEqual(first.labelBytes);
  expect(reader.bytes).toBeGreaterThan(0);
});

test('one consumer that decodes now and then keeps them', () => {
  const reader = new SectionReader();
  const packed = packedSeries(sectionOf('up'));
  const first = reader.decode(packed, 1);
  for (let i = 0; i < 3; i++) {
    spare(reader, 4095);
    expect(reader.decode(packed, 1)).toBe(first);
  }
});
