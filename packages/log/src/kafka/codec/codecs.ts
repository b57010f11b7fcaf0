import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { OutputTooLarge } from './growing.ts';
import { decompressLz4 } from './lz4.ts';
import { decompressSnappy } from './snappy.ts';
import { zstdContentBytes } from './zstd.ts';

// The compressions of record batches, by the number in a batch's attributes. All are read; two are written: zstd, which
// every client since Kafka 2.1 knows, and gzip for consumers that have no other.

export const COMPRESSION = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export function compressionName(compression: number): string {
  return NAMES[compression] ?? `compression ${compression}`;
}

// As zlib has it by itself, and what it refuses to go below.
const CHUNK_BYTES = 16_384;
const CHUNK_BYTES_MIN = 64;
// Room is made for what a frame says it holds, once, and nothing has to be joined; a frame that says more than this is believed
// as it comes.
const CHUNK_BYTES_MAX = 4 * 1024 * 1024;

export class DecompressionFailed extends Error {
  override readonly name = 'DecompressionFailed';
  /** `bomb`: it would be more than the cap. */
  readonly reason: 'bomb' | 'malformed';

  constructor(compression: number, reason: 'bomb' | 'malformed', cause: unknown) {
    const what = reason === 'bomb' ? 'becomes more than allowed' : 'is malformed';
    super(`its ${compressionName(compression)} ${what}`, { cause });
    this.reason = reason;
  }
}

/** Throws `DecompressionFailed`; never makes more than `maxBytes`. */
export function decompress(compression: number, source: Uint8Array, maxBytes: number): Uint8Array {
  try {
    if (compression === COMPRESSION.gzip) return gunzipSync(source, { maxOutputLength: maxBytes });
    if (compression === COMPRESSION.snappy) return decompressSnappy(source, maxBytes);
    if (compression === COMPRESSION.lz4) return decompressLz4(source, maxBytes);
    if (compression === COMPRESSION.zstd) {
      return zstdDecompressSync(source, { maxOutputLength: maxBytes, chunkSize: zstdChunkBytes(source, maxBytes) });
    }
  } catch (error) {
    const isTooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    const reason = isTooLarge || error instanceof OutputTooLarge ? 'bomb' : 'malformed';
    throw new DecompressionFailed(compression, reason, error);
  }
  throw new DecompressionFailed(compression, 'malformed', new Error('nobody knows it'));
}

export function compress(compression: 'zstd' | 'gzip', source: Uint8Array): Uint8Array {
  if (compression === 'gzip') return gzipSync(source, { level: 1 });
  return zstdCompressSync(source, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}

/** One more than it holds: a chunk that is full makes zlib look for more. And not more than tells that it is too much. */
function zstdChunkBytes(source: Uint8Array, maxBytes: number): number {
  const holds = zstdContentBytes(source) ?? 0;
  return Math.max(Math.min(Math.max(holds + 1, CHUNK_BYTES), CHUNK_BYTES_MAX, maxBytes + 1), CHUNK_BYTES_MIN);
}
