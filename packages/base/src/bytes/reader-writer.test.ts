import { expect, test } from 'vitest';
import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

const malformed = expect.objectContaining({ code: 'BYTES_MALFORMED' });

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.finish();
}

test('fixed widths are where and in the order they are said to be', () => {
  const bytes = written((w) => {
    w.u8(0xab);
    w.u32(0x01020304);
    w.u32be(0x01020304);
    w.u64be(0x10_0000_0002);
  });
  expect(Buffer.from(bytes).toString('hex')).toBe('ab04030201010203040000001000000002');
});

test.each([0, 1, 127, 128, 300, 2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 35 + 1, Number.MAX_SAFE_INTEGER])(
  '%i survives uvarint, u64 and u64be',
  (value) => {
    const bytes = written((w) => {
      w.uvarint(value);
      w.u64(value);
      w.u64be(value);
    });
    const reader = new ByteReader(bytes);
    expect([reader.uvarint(), reader.u64(), reader.u64be(), reader.left]).toEqual([value, value, value, 0]);
  },
);

test.each([0, -1, 1, -64, 64, -(2 ** 40), 2 ** 51, -(2 ** 51)])('%i survives zigzag', (value) => {
  expect(new ByteReader(written((w) => w.zigzag(value))).zigzag()).toBe(value);
});

test('doubles keep their bits, NaN payloads and the sign of zero included', () => {
  const stale = new DataView(new ArrayBuffer(8));
  stale.setBigUint64(0, 0x7ff0000000000002n);
  for (const value of [0, -0, 1.5, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, stale.getFloat64(0)]) {
    const bytes = written((w) => w.f64(value));
    const expected = new DataView(new ArrayBuffer(8));
    expected.setFloat64(0, value, true);
    expect(Buffer.from(bytes)).toEqual(Buffer.from(expected.buffer));
    expect(new ByteReader(bytes).f64()).toBe(value);
  }
});

test('text and bytes come back, and a view is a view', () => {
  const bytes = written((w) => {
    w.text('über');
    w.lengthPrefixed(Uint8Array.of(1, 2, 3));
    w.raw(Uint8Array.of(9));
  });
  const reader = new ByteReader(bytes);
  expect(reader.text()).toBe('über');
  expect(reader.lengthPrefixed().buffer).toBe(bytes.buffer);
  expect([...reader.raw(1)]).toEqual([9]);
});

test('every truncation of everything is malformed, never a wrong value', () => {
  const parts: [write: (w: ByteWriter) => void, read: (r: ByteReader) => unknown][] = [
    [(w) => w.u8(1), (r) => r.u8()],
    [(w) => w.u32(1), (r) => r.u32()],
    [(w) => w.u32be(1), (r) => r.u32be()],
    [(w) => w.u64(1), (r) => r.u64()],
    [(w) => w.u64be(1), (r) => r.u64be()],
    [(w) => w.f64(1), (r) => r.f64()],
    [(w) => w.uvarint(2 ** 40), (r) => r.uvarint()],
    [(w) => w.zigzag(-(2 ** 40)), (r) => r.zigzag()],
    [(w) => w.text('abc'), (r) => r.text()],
    [(w) => w.lengthPrefixed(Uint8Array.of(1, 2)), (r) => r.lengthPrefixed()],
  ];
  for (const [write, read] of parts) {
    const bytes = written(write);
    for (let end = 0; end < bytes.length; end++) expect(() => read(new ByteReader(bytes, 0, end))).toThrow(malformed);
  }
});

test('what a number cannot hold, and text that is not UTF-8, are malformed', () => {
  const huge = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  expect(() => new ByteReader(huge).uvarint()).toThrow(malformed);
  expect(() => new ByteReader(huge).u64()).toThrow(malformed);
  expect(() => new ByteReader(huge).u64be()).toThrow(malformed);
  expect(() => new ByteReader(Uint8Array.of(2, 0xc3, 0x28)).text()).toThrow(malformed);
});

test('a count that what is left cannot hold is refused before anyone allocates', () => {
  const bytes = written((w) => {
    w.uvarint(1000);
    w.raw(new Uint8Array(999));
  });
  expect(() => new ByteReader(bytes).count()).toThrow(malformed);
  expect(() => new ByteReader(written((w) => w.uvarint(2 ** 50))).count()).toThrow(malformed);
  expect(new ByteReader(Uint8Array.of(1, 0)).count()).toBe(1);
});
