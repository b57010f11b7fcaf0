// CRC-32C by tables: slicing by eight (Kounavis and Berry 2005), eight tables of 256 entries turn eight bytes a turn. For
// short input, and where there is no WebAssembly.
//
// A state is the register as it is: a crc is its complement.

/** Table t holds what a byte makes of a state that t more bytes of zero follow. */
export function crc32cTables(count: number): Uint32Array[] {
  const tables = Array.from({ length: count }, () => new Uint32Array(256));
  const first = tables[0] as Uint32Array;
  for (let i = 0; i < 256; i++) {
    let state = i;
    for (let k = 0; k < 8; k++) state = state & 1 ? (state >>> 1) ^ 0x82f63b78 : state >>> 1;
    first[i] = state;
  }
  for (let t = 1; t < count; t++) {
    const before = tables[t - 1] as Uint32Array;
    const table = tables[t] as Uint32Array;
    for (let i = 0; i < 256; i++) {
      const state = before[i] as number;
      table[i] = (first[state & 0xff] as number) ^ (state >>> 8);
    }
  }
  return tables;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = crc32cTables(8) as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/** The state behind `bytes[start, end)`, from the one before them; 32 bits, of either sign. */
export function stateByTables(bytes: Uint8Array, start: number, end: number, before: number): number {
  let state = before;
  let i = start;
  for (const bulkEnd = end - 7; i < bulkEnd; i += 8) {
    const low =
      state ^
      ((bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24));
    state =
      (T7[low & 0xff] as number) ^
      (T6[(low >>> 8) & 0xff] as number) ^
      (T5[(low >>> 16) & 0xff] as number) ^
      (T4[low >>> 24] as number) ^
      (T3[bytes[i + 4] as number] as number) ^
      (T2[bytes[i + 5] as number] as number) ^
      (T1[bytes[i + 6] as number] as number) ^
      (T0[bytes[i + 7] as number] as number);
  }
  for (; i < end; i++) state = (T0[(state ^ (bytes[i] as number)) & 0xff] as number) ^ (state >>> 8);
  return state;
}
