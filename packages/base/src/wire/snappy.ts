import { TidemarkError } from '../error.ts';

// Snappy's block format, read into one buffer that is used again and again: a library call per request that allocates its
// own output costs several times the decoding itself.
//
//   block   := length uvarint | element*                       length: of the decoded bytes, at most 2^32 - 1
//   element := literal | copy                                  the low two bits of the first byte say which
//
//   00  nnnnnn00            literal of n + 1 bytes, which follow; n of 60..63: n is in the next 1..4 bytes (le)
//   01  oooLLL01 oooooooo   copy of L + 4 bytes from o (11 bits) back
//   10  LLLLLL10 o o        copy of L + 1 bytes from o (u16le) back
//   11  LLLLLL11 o o o o    copy of L + 1 bytes from o (u32le) back
//
// A copy may reach into what it writes (o < length): it repeats the last o bytes. Eight bytes are moved at a time, past the
// end of an element where the buffer has room: what was written too much is overwritten by the next element.

/** Bytes kept beyond the decoded length, so that a move of eight never leaves the buffer. */
const SLACK = 8;

// The densest element is a 64-byte copy in 3 bytes. A declared length that no input of this size can reach is a lie, told
// before anything is allocated.
const EXPANSION_MAX = 64 / 3;

export interface SnappyLimits {
  /** A block that declares more decoded bytes is refused. */
  readonly decodedBytesMax: number;
  /** A buffer grown beyond this is let go after use. */
  readonly keepBytes: number;
}

export class SnappyDecoder {
  readonly #limits: SnappyLimits;
  #buffer = new Uint8Array(64 * 1024);
  #view = new DataView(this.#buffer.buffer);

  constructor(limits: SnappyLimits) {
    this.#limits = limits;
  }

  /**
   * Decodes one block. The answer is a view of the decoder's own buffer, valid until the next call.
   *
   * Throws `SNAPPY_MALFORMED`, `SNAPPY_TOO_LARGE` (declared length over the limit; both in details).
   */
  decode(input: Uint8Array): Uint8Array {
    let length = 0;
    let scale = 1;
    let at = 0;
    for (;;) {
      if (at === input.length || at === 5) throw malformed('the declared length does not end', at);
      const byte = input[at++] as number;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
    }
    if (length > 0xffff_ffff) throw malformed(`a declared length of ${length}, above 2^32 - 1`, 0);
    const { decodedBytesMax } = this.#limits;
    if (length > decodedBytesMax) {
      throw new TidemarkError(
        'SNAPPY_TOO_LARGE',
        `the request decodes to ${length} bytes, the limit decodedBytesMax is ${decodedBytesMax}: send smaller batches`,
        { length, limit: decodedBytesMax },
      );
    }
    if (length > (input.length - at) * EXPANSION_MAX) {
      throw malformed(`a declared length of ${length} that ${input.length - at} bytes cannot decode to`, 0);
    }
    this.#reserve(length + SLACK);
    decodeElements(input, at, this.#buffer, this.#view, length);
    return this.#buffer.subarray(0, length);
  }

  #reserve(bytes: number): void {
    const held = this.#buffer.length;
    if (bytes <= held && (held <= this.#limits.keepBytes || bytes > this.#limits.keepBytes)) return;
    this.#buffer = new Uint8Array(
      bytes <= this.#limits.keepBytes ? Math.max(bytes, Math.min(held * 2, this.#limits.keepBytes)) : bytes,
    );
    this.#view = new DataView(this.#buffer.buffer);
  }
}

function decodeElements(input: Uint8Array, from: number, out: Uint8Array, view: DataView, length: number): void {
  const source = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const inputEnd = input.length;
  let at = from;
  let to = 0;
  while (at < inputEnd) {
    const tag = input[at++] as number;
    if ((tag & 3) === 0) {
      let count = tag >>> 2;
      if (count >= 60) {
        const extra = count - 59;
        if (extra > inputEnd - at) throw malformed('a literal length cut off', at);
        count = 0;
        for (let i = extra - 1; i >= 0; i--) count = count * 256 + (input[at + i] as number);
        at += extra;
      }
      count += 1;
      if (count > inputEnd - at) throw malformed(`a literal of ${count} bytes, ${inputEnd - at} are left`, at);
      if (count > length - to) throw malformed(`a literal of ${count} bytes beyond the declared length`, at);
      copyLiteral(input, source, at, out, view, to, count);
      at += count;
      to += count;
      continue;
    }
    let count: number;
    let back: number;
    if ((tag & 3) === 1) {
      if (at >= inputEnd) throw malformed('a copy cut off', at);
      count = ((tag >>> 2) & 7) + 4;
      back = ((tag >>> 5) << 8) | (input[at++] as number);
    } else if ((tag & 3) === 2) {
      if (inputEnd - at < 2) throw malformed('a copy cut off', at);
      count = (tag >>> 2) + 1;
      back = source.getUint16(at, true);
      at += 2;
      // A long match is written as copies of 64 from the same distance: one move for all of them.
      while (inputEnd - at >= 3 && ((input[at] as number) & 3) === 2 && source.getUint16(at + 1, true) === back) {
        count += ((input[at] as number) >>> 2) + 1;
        at += 3;
      }
    } else {
      if (inputEnd - at < 4) throw malformed('a copy cut off', at);
      count = (tag >>> 2) + 1;
      back = source.getUint32(at, true);
      at += 4;
    }
    if (back === 0 || back > to) throw malformed(`a copy from ${back} bytes back with ${to} written`, at);
    if (count > length - to) throw malformed(`a copy of ${count} bytes beyond the declared length`, at);
    const end = to + count;
    if (count >= NATIVE_COPY_FROM && back >= count) {
      out.copyWithin(to, to - back, end - back);
    } else if (back >= 8) {
      for (; to < end; to += 8) view.setBigInt64(to, view.getBigInt64(to - back, true), true);
    } else {
      for (; to < end; to++) out[to] = out[to - back] as number;
    }
    to = end;
  }
  if (to !== length) throw malformed(`${to} bytes where ${length} were declared`, at);
}

// 96: from here on the call into the engine's memmove (about 30 ns) is cheaper than moving eight at a time.
const NATIVE_COPY_FROM = 96;

function copyLiteral(
  input: Uint8Array,
  source: DataView,
  at: number,
  out: Uint8Array,
  view: DataView,
  to: number,
  count: number,
): void {
  if (count >= NATIVE_COPY_FROM) {
    out.set(input.subarray(at, at + count), to);
    return;
  }
  const end = to + count;
  if (at + count + SLACK <= input.length) {
    const shift = at - to;
    for (; to < end; to += 8) view.setBigInt64(to, source.getBigInt64(to + shift, true), true);
    return;
  }
  while (to < end) out[to++] = input[at++] as number;
}

function malformed(what: string, at: number): TidemarkError {
  return new TidemarkError('SNAPPY_MALFORMED', `malformed snappy block: ${what} (byte ${at})`, { at });
}
