import { assert } from '../assert.ts';
import { stateByTables } from './crc32c-tables.ts';
import { loadStateByFolding } from './crc32c-wasm.ts';

// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected: 0x82F63B78), as in RFC 3720 appendix B.4.
//
//   short               tables in JavaScript                      half a GB a second
//   from 128 bytes on   tables in WebAssembly, 16 bytes a turn    up to twice that
//   from 2.5 kB on      folding in WebAssembly (crc32c-wasm.ts)   up to ten times that, the more the longer
//
// Where there is no WebAssembly with vectors, all of it by tables in JavaScript. The figures: crc32c.bench.ts.

// Below, what a call and the copy into WebAssembly's memory cost is more than they save.
const SHORT_BYTES = 128;

/** Chosen when the first bytes come that are not short. */
let stateOfLong: typeof stateByTables | undefined;

/**
 * CRC-32C of `bytes[start, end)`, continuing from `seed` (the crc of what came before; 0 at the beginning). Returns u32.
 * `crc32c(b, n, m, crc32c(b, 0, n))` equals `crc32c(b, 0, m)`.
 */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  if (end - start < SHORT_BYTES) return ~stateByTables(bytes, start, end, ~seed) >>> 0;
  assert(start >= 0 && end <= bytes.length, 'a checksum is of bytes that are there');
  stateOfLong ??= loadStateByFolding() ?? stateByTables;
  return ~stateOfLong(bytes, start, end, ~seed) >>> 0;
}
