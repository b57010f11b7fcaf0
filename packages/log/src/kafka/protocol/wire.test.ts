import { expect, test } from 'vitest';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

const written = (write: (out: WireWriter) => void): Buffer => {
  const out = new WireWriter(1);
  write(out);
  return out.view();
};

test.each([
  ['i8', (out: WireWriter) => out.i8(-2), 'fe'],
  ['i16', (out: WireWriter) => out.i16(-2), 'fffe'],
  ['i32', (out: WireWriter) => out.i32(258), '00000102'],
  ['i64', (out: WireWriter) => out.i64(-1), 'ffffffffffffffff'],
  ['a large i64', (out: WireWriter) => out.i64(2 ** 53 - 1), '001fffffffffffff'],
  ['string', (out: WireWriter) => out.string('ä'), '0002c3a4'],
  ['null string', (out: WireWriter) => out.string(null), 'ffff'],
  ['bytes', (out: WireWriter) => out.lengthPrefixed(Uint8Array.of(7)), '0000000107'],
  ['null bytes', (out: WireWriter) => out.lengthPrefixed(null), 'ffffffff'],
  ['array', (out: WireWriter) => out.array([1, 2], (n) => out.i8(n)), '000000020102'],
  ['null array', (out: WireWriter) => out.array(null, () => undefined), 'ffffffff'],
])('%s is written as the protocol guide says', (_, write, hex) => {
  expect(written(write).toString('hex')).toBe(hex);
});

test('everything reads back', () => {
  const bytes = written((out) => {
    out.bool(true);
    for (const n of [0, -1, 2 ** 40, -(2 ** 40), 2 ** 53 - 1]) out.i64(n);
    out.string('text');
    out.string(null);
    out.lengthPrefixed(Uint8Array.of(1, 2, 3));
    out.array(['a', 'b'], (text) => out.string(text));
    out.u32(0xffff_ffff);
  });
  const reader = new WireReader(bytes);
  expect(reader.bool()).toBe(true);
  expect([0, 1, 2, 3, 4].map(() => reader.i64())).toEqual([0, -1, 2 ** 40, -(2 ** 40), 2 ** 53 - 1]);
  expect(reader.string()).toBe('text');
  expect(reader.nullableString()).toBeNull();
  expect([...(reader.lengthPrefixed() ?? [])]).toEqual([1, 2, 3]);
  expect(reader.array(() => reader.string())).toEqual(['a', 'b']);
  expect(reader.u32()).toBe(0xffff_ffff);
  expect(reader.left).toBe(0);
});

test('what is cut short or absurd is refused before anything is made for it', () => {
  const refused = { code: 'LOG_PROTOCOL' };
  const of = (hex: string) => new WireReader(Buffer.from(hex, 'hex'));
  expect(() => of('00').i16()).toThrow(expect.objectContaining(refused));
  expect(() => of('0005ff').string()).toThrow(expect.objectContaining(refused));
  expect(() => of('ffff').string()).toThrow(expect.objectContaining(refused));
  expect(() => of('fffe').nullableString()).toThrow(expect.objectContaining(refused));
  expect(() => of('7fffffff00').array(() => 0)).toThrow(expect.objectContaining(refused));
  expect(() => of('fffffffe').array(() => 0)).toThrow(expect.objectContaining(refused));
  expect(() => of('7fffffffffffffff').i64()).toThrow(expect.objectContaining(refused));
});
