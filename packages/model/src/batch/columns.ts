import { type ByteReader, type ByteWriter, TidemarkError } from '@tidemark/base';

// Columns on the wire. Each begins with a mode byte, so that the common shapes cost nothing.
//
//   index column      0                                       0, 1, 2, ... (one sample per series, in order)
//                     1 | zigzag difference to the last, each
//   time column       0 | zigzag                              all the same
//                     1 | zigzag first | zigzag difference to the last, each
//                     2 | f64 each                            not whole numbers within 2^52 (NaN: unknown)
//   float column      0 | plane 0 | ... | plane 7             byte k of every value's little-endian bits together: equal
//                                                             exponents and zero mantissa tails compress well
//                     1 | f64                                 all the same bits
//
// Counts stand outside; a reader is told how many entries to expect and refuses a column that cannot hold them.

export function writeIndexColumn(writer: ByteWriter, column: Uint32Array, count: number): void {
  let ordinal = true;
  for (let i = 0; i < count; i++) {
    if (column[i] !== i) {
      ordinal = false;
      break;
    }
  }
  writer.u8(ordinal ? 0 : 1);
  if (ordinal) return;
  let last = 0;
  for (let i = 0; i < count; i++) {
    const value = column[i] as number;
    writer.zigzag(value - last);
    last = value;
  }
}

/** Every entry is below `bound`. */
export function readIndexColumn(reader: ByteReader, count: number, bound: number): Uint32Array {
  const mode = reader.u8();
  if (mode > 1) throw malformed(`index column of mode ${mode}`);
  if (mode === 0 ? count > bound : count > reader.left) throw malformed('index column shorter than its count');
  const column = new Uint32Array(count);
  let last = 0;
  for (let i = 0; i < count; i++) {
    last = mode === 0 ? i : last + reader.zigzag();
    if (last < 0 || last >= bound) throw malformed(`index ${last} of ${bound}`);
    column[i] = last;
  }
  return column;
}

const TIME_MAX = 2 ** 51; // differences of two stay within zigzag's 2^52

export function writeTimeColumn(writer: ByteWriter, column: Float64Array, count: number): void {
  const first = count === 0 ? 0 : (column[0] as number);
  let same = true;
  let whole = true;
  for (let i = 0; i < count; i++) {
    const value = column[i] as number;
    if (value !== first) same = false;
    if (!Number.isInteger(value) || Math.abs(value) > TIME_MAX) whole = false;
  }
  writer.u8(whole ? (same ? 0 : 1) : 2);
  if (!whole) {
    for (let i = 0; i < count; i++) writer.f64(column[i] as number);
    return;
  }
  writer.zigzag(first);
  if (same) return;
  for (let i = 1; i < count; i++) writer.zigzag((column[i] as number) - (column[i - 1] as number));
}

export function readTimeColumn(reader: ByteReader, count: number): Float64Array {
  const mode = reader.u8();
  if (mode > 2) throw malformed(`time column of mode ${mode}`);
  if (mode === 1 && count > reader.left) throw malformed('time column shorter than its count');
  if (mode === 2 && count * 8 > reader.left) throw malformed('time column shorter than its count');
  const column = new Float64Array(count);
  if (mode === 2) {
    for (let i = 0; i < count; i++) column[i] = reader.f64();
    return column;
  }
  let last = reader.zigzag();
  if (mode === 0) return column.fill(last);
  if (count > 0) column[0] = last;
  for (let i = 1; i < count; i++) {
    last += reader.zigzag();
    column[i] = last;
  }
  return column;
}

export function writeFloatColumn(writer: ByteWriter, column: Float64Array, count: number): void {
  const bytes = new Uint8Array(column.buffer, column.byteOffset, count * 8);
  const same = count > 0 && allSameBits(column, count);
  writer.u8(same ? 1 : 0);
  if (same) {
    writer.raw(bytes.subarray(0, 8));
    return;
  }
  writer.reserve(count * 8);
  const out = writer.bytes;
  const base = writer.length;
  for (let plane = 0; plane < 8; plane++) {
    let to = base + plane * count;
    for (let from = plane; from < count * 8; from += 8) out[to++] = bytes[from] as number;
  }
  writer.length = base + count * 8;
}

export function readFloatColumn(reader: ByteReader, count: number): Float64Array {
  const mode = reader.u8();
  if (mode > 1) throw malformed(`float column of mode ${mode}`);
  if (mode === 0 && count * 8 > reader.left) throw malformed('float column shorter than its count');
  const column = new Float64Array(count);
  const bytes = new Uint8Array(column.buffer);
  if (mode === 1) {
    const one = reader.raw(8);
    for (let i = 0; i < count; i++) bytes.set(one, i * 8);
    return column;
  }
  const planes = reader.raw(count * 8);
  for (let plane = 0; plane < 8; plane++) {
    let from = plane * count;
    for (let to = plane; to < count * 8; to += 8) bytes[to] = planes[from++] as number;
  }
  return column;
}

function allSameBits(column: Float64Array, count: number): boolean {
  const words = new Uint32Array(column.buffer, column.byteOffset, count * 2);
  const low = words[0];
  const high = words[1];
  for (let i = 2; i < count * 2; i += 2) if (words[i] !== low || words[i + 1] !== high) return false;
  return true;
}

export function malformed(what: string, cause?: unknown): TidemarkError {
  return new TidemarkError('BATCH_MALFORMED', `malformed batch: ${what}`, {}, cause);
}
