import { seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import {
  compareUtf8,
  decodeLabels,
  encodeLabels,
  findLabelValue,
  formatLabels,
  labelsOf,
  metricBytesOf,
  metricNameOf,
} from './labels.ts';

const utf8 = (text: string) => Buffer.from(text, 'utf8');

test('names sort by their UTF-8 bytes, also where JavaScript sorts otherwise', () => {
  // U+FF5E is EF BD 9E, U+1F600 is F0 9F 98 80: as UTF-16 the order is the other way round.
  expect(compareUtf8('\uff5e', '\u{1f600}')).toBeLessThan(0);
  const random = seededRandom(3);
  const draw = () =>
    String.fromCodePoint(
      ...Array.from(
        { length: random.below(4) },
        () => [0x41, 0x7a, 0xe9, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff][random.below(8)] as number,
      ),
    );
  for (let i = 0; i < 2000; i++) {
    const [a, b] = [draw(), draw()];
    expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(Buffer.compare(utf8(a), utf8(b))));
  }
});

test('canonical bytes round trip; __proto__ is a label like any other', () => {
  const labels = labelsOf([
    { name: '__proto__', value: 'x' },
    { name: '__name__', value: 'CPU.load' },
    { name: 'ключ', value: 'значение' },
    { name: 'empty', value: '' },
  ]);
  expect(labels.map((label) => label.name)).toEqual(['__name__', '__proto__', 'ключ']);
  expect(decodeLabels(encodeLabels(labels))).toEqual(labels);
});

test('a name twice, bytes out of order, cut bytes: refused', () => {
  expect(() =>
    labelsOf([
      { name: 'a', value: '1' },
      { name: 'a', value: '2' },
    ]),
  ).toThrow(/"a" stands twice/);
  const swapped = Buffer.concat([encodeLabels([{ name: 'b', value: '1' }]), encodeLabels([{ name: 'a', value: '1' }])]);
  expect(() => decodeLabels(swapped)).toThrow(/out of order/);
  const bytes = encodeLabels(labelsOf({ a: '1', b: '2' }));
  for (let end = 1; end < bytes.length; end++) {
    if (end === 4) continue; // the end of the first label: a shorter set, whose length is kept outside
    expect(() => decodeLabels(bytes, 0, end)).toThrow(/malformed/);
  }
});

test('one value is found without decoding the rest', () => {
  const bytes = encodeLabels(labelsOf({ __name__: 'up', instance: 'h'.repeat(300), job: 'node' }));
  const at = { start: 0, end: 0 };
  expect(findLabelValue(bytes, 0, bytes.length, utf8('job'), at)).toBe(true);
  expect(utf8('node').equals(bytes.subarray(at.start, at.end))).toBe(true);
  expect(findLabelValue(bytes, 0, bytes.length, utf8('jo'), at)).toBe(false);
});

test('labels read as PromQL writes them', () => {
  expect(formatLabels(labelsOf({ __name__: 'up', job: 'a"b' }))).toBe('up{job="a\\"b"}');
  expect(formatLabels(labelsOf({ __name__: 'up' }))).toBe('up');
  expect(formatLabels([])).toBe('{}');
});

test("a metric's name is found wherever it stands, in a part of a buffer as well", () => {
  const cases = [
    [{ __name__: 'up', job: 'a' }, 'up'],
    [{ Zone: 'z', __name__: 'höhe', a: 'b' }, 'höhe'],
    [{ a: '__name__' }, ''],
    [{}, ''],
  ] as const;
  for (const [pairs, name] of cases) {
    const bytes = encodeLabels(labelsOf(pairs));
    const around = Buffer.concat([encodeLabels(labelsOf({ __name__: 'before' })), bytes, utf8('behind')]);
    for (const [found, from, to] of [
      [bytes, 0, bytes.length] as const,
      [around, around.length - 6 - bytes.length, around.length - 6] as const,
    ]) {
      expect(metricNameOf(found, from, to)).toBe(name);
      expect([...metricBytesOf(found, from, to)]).toEqual([...utf8(name)]);
    }
    expect(metricNameOf(bytes)).toBe(name);
  }
});
