import { hash32 } from '@tidemark/base';
import { expect, test } from 'vitest';
import { encodeLabels, labelsOf } from '../labels.ts';
import type { SeriesSection } from './series-section.ts';
import { WrittenSections } from './written-sections.ts';

function sectionOf(name: string): SeriesSection {
  const labelBytes = encodeLabels(labelsOf({ __name__: name }));
  const labelEnds = Uint32Array.of(labelBytes.length);
  return { count: 1, labelBytes, labelEnds, types: new Uint8Array(1), units: undefined, startTimesMs: undefined };
}

/** `gone`: sections that nobody holds any more. */
function writtenSections() {
  const packed = new Map<SeriesSection, Uint8Array>();
  const gone = new Set<SeriesSection>();
  const written = new WrittenSections(
    (section) => packed.get(section),
    (section) => ({ deref: () => (gone.has(section) ? undefined : section) }),
  );
  const add = (section: SeriesSection, bytes: Uint8Array) => {
    packed.set(section, bytes);
    written.add(section, bytes);
  };
  const find = (bytes: Uint8Array, count: number) => written.find(hash32(bytes, 0, bytes.length, count), bytes, count);
  return { written, gone, add, find };
}

test('a section is found by its bytes and count, and by nothing like them', () => {
  const { written, add, find, gone } = writtenSections();
  const section = sectionOf('up');
  const packed = Uint8Array.of(1, 2, 3);
  add(section, packed);
  expect(find(packed.slice(), 1)).toBe(section);
  expect(find(packed, 2)).toBeUndefined();
  expect(find(Uint8Array.of(1, 2, 4), 1)).toBeUndefined();
  // Others with the same hash: bytes decide.
  expect(written.find(hash32(packed, 0, 3, 1), Uint8Array.of(3, 2, 1), 1)).toBeUndefined();
  gone.add(section);
  expect(find(packed, 1)).toBeUndefined();
});

test('sections that are gone are swept out, and as many as live are kept', () => {
  const { written, add, find, gone } = writtenSections();
  const numbered = (i: number) => Uint8Array.of(i, i >>> 8, i >>> 16);
  const kept = Array.from({ length: 3000 }, (_, i) => ({ section: sectionOf(`kept_${i}`), packed: numbered(i) }));
  for (const { section, packed } of kept) add(section, packed);
  for (let i = 3000; i < 60_000; i++) {
    const section = sectionOf('gone');
    add(section, numbered(i));
    gone.add(section);
    expect(written.size).toBeLessThan(8_000);
  }
  for (const { section, packed } of kept) expect(find(packed, 1)).toBe(section);
});
