import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatLabels } from '../labels.ts';
import { decodePart, endFrame, headFrame, type ReadPart, samplesFrames } from './answer.ts';
import { FRAME_KINDS, FrameReader } from './frame.ts';
import { decodeReadRequest } from './request.ts';

// docs/format/read-answer.md shows bytes; a page that lies fails here.

const page = readFileSync(new URL('../../../../docs/format/read-answer.md', import.meta.url), 'utf8');

function hexBlock(name: string): Uint8Array {
  const block = new RegExp(`\`\`\`hex ${name}\\n([^\`]+)\`\`\``).exec(page)?.[1] ?? '';
  // Two spaces, then a note.
  const bytes = block.split('\n').flatMap((line) => line.split('  ')[0]?.split(' ') ?? []);
  return Uint8Array.from(bytes.filter((byte) => byte !== '').map((byte) => Number.parseInt(byte, 16)));
}

function partsOf(bytes: Uint8Array): ReadPart[] {
  return [...new FrameReader().push(bytes)].map(decodePart);
}

test('the page shows an answer, byte for byte', () => {
  const bytes = hexBlock('read-answer');
  const [head, samples, end, ...more] = partsOf(bytes);
  if (head?.kind !== 'head' || samples?.kind !== 'samples' || end?.kind !== 'end') {
    return expect.unreachable('other frames');
  }
  expect(more).toEqual([]);
  expect(head.head).toEqual({
    version: 0,
    partitions: 2,
    answered: [1],
    positions: [{ topic: 'tidemark.raw', partition: 1, offset: 7, end: 9 }],
  });
  expect(samples.series.map(({ labels }) => formatLabels(labels))).toEqual(['up{job="a"}', 'up{job="b"}']);
  expect(samples.series.map(({ values }) => [...values])).toEqual([[1], [0.5]]);
  expect(samples.series.map(({ timestampsMs }) => [...timestampsMs])).toEqual([[1000], [1000]]);
  const { partitions, answered, positions } = head.head;
  const again = [
    headFrame({ partitions, answered, positions }),
    ...samplesFrames({ series: samples.series, warnings: [] }),
    endFrame(end.end),
  ];
  expect(Buffer.concat(again)).toEqual(Buffer.from(bytes));
});

test('the page shows a question', () => {
  const text = /```json\n([^`]+)```/.exec(page)?.[1] ?? '';
  expect(decodeReadRequest(Buffer.from(text))).toMatchObject({
    tenant: 'default',
    matchers: [{ type: '=', name: '__name__', value: 'up' }],
    range: { startMs: 0, endMs: 2000 },
    limits: { seriesMax: 1000, samplesMax: 1_000_000 },
    partitions: [1],
    notBefore: [{ topic: 'tidemark.raw', partition: 1, offset: 7 }],
  });
});

test('the page lists the kinds of frames by their numbers, which are never used again for others', () => {
  const listed = [...page.matchAll(/^\| (\d+) \| (\w+) \|/gm)].map(([, number, kind]) => [kind, Number(number)]);
  expect(Object.fromEntries(listed)).toEqual(FRAME_KINDS);
});
