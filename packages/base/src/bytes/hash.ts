// A 32-bit hash for tables inside one process and for choosing partitions: murmur3 x86 32 (Austin Appleby, public domain
// description), over unaligned little-endian words. Not keyed: never rely on it against an adversary for identity.

/** Hash of `bytes[start, end)`. Returns u32. Stable forever: partitions depend on it. */
export function hash32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  let h = seed | 0;
  let i = start;
  for (const bulkEnd = end - 3; i < bulkEnd; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    k = Math.imul(k, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    k = Math.imul(k, 0x1b873593);
    h ^= k;
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  const left = end - i;
  if (left >= 3) tail ^= (bytes[i + 2] as number) << 16;
  if (left >= 2) tail ^= (bytes[i + 1] as number) << 8;
  if (left >= 1) tail ^= bytes[i] as number;
  return finish(h, tail, left, end - start);
}

/** The same of a view's bytes, in half the time. */
export function hashIn(view: DataView, start: number, end: number, seed = 0): number {
  let h = seed | 0;
  let i = start;
  for (const bulkEnd = end - 3; i < bulkEnd; i += 4) {
    let k = Math.imul(view.getInt32(i, true), 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  const left = end - i;
  if (left >= 3) tail ^= view.getUint8(i + 2) << 16;
  if (left >= 2) tail ^= view.getUint8(i + 1) << 8;
  if (left >= 1) tail ^= view.getUint8(i);
  return finish(h, tail, left, end - start);
}

function finish(hash: number, tail: number, left: number, length: number): number {
  let h = hash;
  if (left >= 1) {
    let k = Math.imul(tail, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
  }
  h ^= length;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

export function bytesEqual(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): boolean {
  const length = aEnd - aStart;
  if (length !== bEnd - bStart) return false;
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** Whether so many bytes are the same in two views; four at a time. */
export function equalIn(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  let i = 0;
  for (const bulk = length - 3; i < bulk; i += 4) {
    if (a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false;
  }
  for (; i < length; i++) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false;
  return true;
}

/** `compareBytes` of what views show, four bytes at a time. */
export function compareIn(
  a: DataView,
  aStart: number,
  aLength: number,
  b: DataView,
  bStart: number,
  bLength: number,
): number {
  const length = Math.min(aLength, bLength);
  let i = 0;
  for (const bulk = length - 3; i < bulk; i += 4) {
    const x = a.getUint32(aStart + i);
    const y = b.getUint32(bStart + i);
    if (x !== y) return x < y ? -1 : 1;
  }
  for (; i < length; i++) {
    const difference = a.getUint8(aStart + i) - b.getUint8(bStart + i);
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/** Orders byte strings as memcmp does, the shorter first when one begins the other. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
