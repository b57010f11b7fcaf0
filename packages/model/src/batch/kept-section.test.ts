import { expect, test } from 'vitest';
import { encodeLabels, labelsOf } from '../labels.ts';
import { KeptSection } from './kept-section.ts';
import { packedSeries } from './series-codec.ts';
import { type SeriesSection, sectionLabels } from './series-section.ts';

function sectionOf(...names: string[]): SeriesSection {
  const parts = names.map((name) => encodeLabels(labelsOf({ __name__: name, job: 'node' })));
  let end = 0;
  const labelEnds = Uint32Array.from(parts, ({ length }) => (end += length));
  const labelBytes = Uint8Array.from(Buffer.concat(parts));
  return {
    count: parts.length,
    labelBytes,
    labelEnds,
    types: new Uint8Array(parts.length),
    units: undefined,
    startTimesMs: undefined,
  };
}

test('labels go when nobody asked for them for a round, and come back as they were', () => {
  const made = sectionOf('up', 'node_load1', 'node_load5');
  const kept = new KeptSection(made);
  packedSeries(kept);
  kept.rest();
  expect(kept.held).toBe(true);
  kept.rest();
  expect(kept.held).toBe(false);
  expect(kept.labelBytes).toEqual(made.labelBytes);
  expect(kept.labelEnds).toEqual(made.labelEnds);
  expect(sectionLabels(kept, 1)).toEqual(sectionLabels(made, 1));
  kept.rest();
  expect(kept.held).toBe(true);
  kept.rest();
  expect(kept.held).toBe(false);
});

test('labels that could not come back stay', () => {
  const kept = new KeptSection(sectionOf('up'));
  for (let i = 0; i < 3; i++) kept.rest();
  expect(kept.held).toBe(true);
});
