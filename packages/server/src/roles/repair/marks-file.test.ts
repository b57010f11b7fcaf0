import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeMarks, encodeMarks } from './marks-file.ts';

// docs/format/repair-marks.md shows bytes; a page that lies fails here.

const page = readFileSync(new URL('../../../../../docs/format/repair-marks.md', import.meta.url), 'utf8');

function hexBlock(): Uint8Array {
  const block = /```hex repair-marks\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const bytes = block.split('\n').flatMap((line) => (line.split(/ {2,}/)[0] as string).split(' ').filter(Boolean));
  return Uint8Array.from(bytes.map((byte) => Number.parseInt(byte, 16)));
}

test('the file is what the page says, both ways', () => {
  const labels = '\x0c\x08__name__\x02up'.slice(1);
  const marks = {
    positions: [{ topic: 'tidemark.1h', partition: 3, offset: 42 }],
    hours: [
      {
        partition: 3,
        tenant: 'acme',
        metric: 'up',
        hourEndMs: 3_600_000,
        offset: 41,
        closedThroughMs: 2_400_000,
        firstMinuteMs: 60_000,
        lastMinuteMs: 120_000,
        series: new Set([labels]),
      },
    ],
  };
  expect(decodeMarks(hexBlock())).toEqual(marks);
  expect([...encodeMarks(marks)]).toEqual([...hexBlock()]);
});

test('all series of a metric, and bytes that are no UTF-8, survive', () => {
  const hour = {
    partition: 0,
    tenant: 'a',
    metric: 'm',
    hourEndMs: 0,
    offset: -1,
    closedThroughMs: -60_000,
    firstMinuteMs: 1,
    lastMinuteMs: 0,
  };
  const hours = [
    { ...hour, series: undefined },
    { ...hour, metric: 'n', series: new Set(['\x00\xff\x80']) },
  ];
  expect(decodeMarks(encodeMarks({ positions: [], hours })).hours).toEqual(hours);
});

test('a file cut or flipped anywhere is refused', () => {
  const whole = hexBlock();
  const refused = expect.objectContaining({ code: 'REPAIR_MARKS_CORRUPT' });
  for (let length = 0; length < whole.length; length++) {
    expect(() => decodeMarks(whole.slice(0, length))).toThrow(refused);
  }
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = whole.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => decodeMarks(flipped)).toThrow(refused);
  }
});
