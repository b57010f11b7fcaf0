import { ByteWriter, crc32c } from '@tidemark/base';
import { expect, test } from 'vitest';
import { openChecked } from './checked-file.ts';

const KIND = { magic: Buffer.from('TMTEST'), version: 2, code: 'TEST_CORRUPT', what: 'a file of tests' };

function file(version: number, magic = 'TMTEST'): Uint8Array {
  const writer = new ByteWriter(32);
  writer.raw(Buffer.from(magic));
  writer.u8(version & 0xff);
  writer.u8(version >>> 8);
  writer.text('content');
  writer.u32(crc32c(writer.view()));
  return writer.finish();
}

const codeOf = (bytes: Uint8Array) => {
  try {
    openChecked(bytes, KIND);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test('what is between head and checksum, and its version', () => {
  for (const version of [0, 1, 2]) {
    const { version: found, reader } = openChecked(file(version), KIND);
    expect([found, reader.text(), reader.left]).toEqual([version, 'content', 0]);
  }
});

test('a whole one of a later version, or an encrypted one, is another program’s', () => {
  expect([3, 255, 256, 0x8000, 0x8002].map((version) => codeOf(file(version)))).toEqual(
    Array.from({ length: 5 }, () => 'STORAGE_NEWER'),
  );
});

test('every bit that flips and every byte that is missing is damage, in the version too', () => {
  const whole = file(2);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = whole.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(codeOf(bytes), `bit ${bit}`).toBe('TEST_CORRUPT');
  }
  for (let length = 0; length < whole.length; length++)
    expect(codeOf(whole.subarray(0, length)), `${length} bytes`).toBe('TEST_CORRUPT');
  expect(codeOf(file(2, 'TMOTHR'))).toBe('TEST_CORRUPT');
});
