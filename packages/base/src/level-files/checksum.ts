import { crc32c } from '../bytes/crc32c.ts';

/** Whether LevelDB wrote `stored` for `bytes[from, to)`: it turns a crc32c by 15 bits and adds a number, for checksums of checksums. */
export function fits(stored: number, bytes: Uint8Array, from: number, to: number): boolean {
  const crc = crc32c(bytes, from, to);
  return stored === (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}
