// The stale marker: a NaN with bits of its own says "this series ended here" (Prometheus, model/value). All other NaNs are
// values. JavaScript keeps NaN payloads through Float64Array copies, not through arithmetic; so test before computing.

const VIEW = new DataView(new ArrayBuffer(8));
VIEW.setUint32(0, 0x7ff00000);
VIEW.setUint32(4, 0x00000002);

/** NaN 0x7ff0000000000002. Write it with `writeStale`: passing it as a number may lose its payload. */
export const STALE_HIGH = 0x7ff00000;
export const STALE_LOW = 0x00000002;

/** Whether `values[index]` is the stale marker. `words` is a Uint32Array over the same buffer (little-endian machines). */
export function isStaleAt(words: Uint32Array, index: number): boolean {
  return words[index * 2] === STALE_LOW && words[index * 2 + 1] === STALE_HIGH;
}

export function isStale(value: number): boolean {
  if (value === value) return false;
  VIEW.setFloat64(0, value);
  return VIEW.getUint32(0) === STALE_HIGH && VIEW.getUint32(4) === STALE_LOW;
}

/** Puts the stale marker at `values[index]`, bits and all. */
export function writeStale(values: Float64Array, index: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset + index * 8, 2);
  words[0] = STALE_LOW;
  words[1] = STALE_HIGH;
}

/** A u32 view of the same numbers, to test and copy bits. Requires `values.byteOffset` a multiple of 4 (always so). */
export function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}
