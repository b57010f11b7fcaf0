import { expect, test } from 'vitest';
import { encodeLabels, labelsOf } from '../labels.ts';
import { packedSeries, SectionReader } from './series-codec.ts';
import type { SeriesSection } from './series-section.ts';
import { WrittenSections } from './written-sections.ts';

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

/** A reader in another process than the writer. */
function apart(): SectionReader {
  return new SectionReader(new WrittenSections(() => undefined));
}

function spare(reader: SectionReader, times: number): void {
  for (let i = 0; i < times; i++) reader.spared();
}

test('the same bytes give the same object', () => {
  const reader = apart();
  const packed = packedSeries(sectionOf('up'));
  expect(reader.decode(packed.slice(), 1)).toBe(reader.decode(packed.slice(), 1));
});

test('sections are let go once nothing was decoded for 4,096 batches, and come back as they were', () => {
  const reader = apart();
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
  const reader = apart();
  const packed = packedSeries(sectionOf('up'));
  const first = reader.decode(packed, 1);
  for (let i = 0; i < 3; i++) {
    spare(reader, 4095);
    expect(reader.decode(packed, 1)).toBe(first);
  }
});

test('a section that is sent again and again is one object for its writer and for readers beside it', () => {
  const reader = new SectionReader();
  const section = sectionOf('written_here');
  for (let i = 0; i < 2; i++) packedSeries(section);
  expect(reader.decode(packedSeries(section).slice(), 1)).toBe(section);
  expect(reader.bytes).toBe(0);
  const other = packedSeries(sectionOf('written_here_too'));
  expect(reader.decode(other.slice(), 1).labelBytes).not.toEqual(section.labelBytes);
});

test('a batch that had to be decoded, but not its section, is one more that was to be had without', () => {
  const own = sectionOf('own');
  const packed = packedSeries(own);
  const written = new WrittenSections(() => packed);
  const reader = new SectionReader(written);
  reader.decode(packedSeries(sectionOf('foreign')), 1);
  written.add(own, packed);
  for (let i = 0; i < 4096; i++) expect(reader.decode(packed.slice(), 1)).toBe(own);
  expect(reader.bytes).toBe(0);
});
